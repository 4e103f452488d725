"""Plan -> a recorded run: recover those that died before, record, write, tell."""

from collections import defaultdict
from typing import Any
from uuid import UUID

from delegation.changes import apply as driver
from delegation.changes.doubt import doubt_of
from delegation.changes.journal import Journal
from delegation.changes.kinds import Kind
from delegation.changes.opening import Opened, Prospect
from delegation.changes.outcomes import Changer, Outcome, Result
from delegation.changes.plan import S
from delegation.changes.run import (
    AS_BEFORE,
    DONE,
    FAILED,
    INTERRUPTED,
    SETTLED,
    NewRun,
    Run,
)
from delegation.changes.run_events import RunRecovered, tell_report
from delegation.changes.run_record import NOT_BEGUN, RunRecord
from delegation.errors import DelegationError, Interrupted
from delegation.events import Remark, Teller, warning

UNREACHED = "unreached"
"""In a run's summary: how many objects it was meant for and could not be got at."""


def recover(journal: Journal, opened: Opened[S], teller: Teller) -> None:
    """Find out what became of the writes of runs that died, where ``opened`` can tell.

    Before anything new is written: afterwards nobody could tell the two runs' writes apart.
    """
    for run in journal.unsettled(opened.kind):
        if run.directory != opened.recorded_as:
            continue
        if why := opened.cannot_tell_of(run):
            teller.say(warning(why))
            continue
        untold = opened.unmade_is_untold(run)
        recover_run(journal, run, opened.kind, opened.changer, teller, untold)


def recover_run(  # noqa: PLR0913, PLR0917 - what is asked, of whom, for what record
    journal: Journal,
    run: Run,
    kind: Kind[S],
    changer: Changer[S],
    teller: Teller,
    unmade_is_untold: str = "",
) -> tuple[Outcome[S], ...]:
    """Look what became of a run's changes in doubt; what can't be told stays so, with the reason.

    ``unmade_is_untold``: why what is not found made here may have been made all the same.
    """
    record = journal.reopen(run.id, kind)
    doubt = doubt_of(journal, run.id, kind)
    written_since = written_since_by_others(journal, run.id, kind)
    known = driver.Known(written_since, doubt.reasons, unmade_is_untold)
    outcomes = driver.settle(doubt.intended, doubt.not_begun, changer, record, known)
    finish_settled(journal, run, kind)
    recovered = RunRecovered(run.id, outcomes, is_first_look=not doubt.reasons)
    teller.say(recovered)
    for line in recovered.in_doubt:
        teller.say(warning(line))
    return outcomes


def finish_settled(journal: Journal, run: Run, kind: Kind[Any]) -> None:
    """Record that somebody has looked what became of a run, where that is news."""
    record = journal.reopen(run.id, kind)
    summary = _counts(journal, record, kind)
    if UNREACHED in run.summary:
        summary[UNREACHED] = run.summary[UNREACHED]
    if run.finished is not None and summary == run.summary:
        return
    record.finish(SETTLED, summary)


def written_since_by_others(
    journal: Journal, number: int, kind: Kind[Any]
) -> dict[UUID, frozenset[str]]:
    """The parts of each object that later runs have written, or perhaps so.

    An apply goes on while an older run is in doubt. What it makes of an object is evidence of
    itself, and not of the older one.
    """
    written: dict[UUID, frozenset[str]] = defaultdict(frozenset)
    for run in journal.runs():
        if run.id <= number or run.kind not in kind.runs:
            continue
        for recorded in journal.changes(run.id, kind):
            if recorded.result is Result.APPLIED or recorded.in_doubt:
                written[recorded.change.target.guid] |= recorded.change.parts
    return dict(written)


def carry_out(  # noqa: PLR0913, PLR0917 - the parts that one run is made of
    journal: Journal,
    run: NewRun,
    planned: Prospect[S],
    opened: Opened[S],
    teller: Teller,
    verb: str,
) -> driver.Report[S]:
    """Write what is ``planned`` as a new run and tell how it went.

    How many objects could not be reached in the end is recorded. Raises Interrupted where Ctrl-C
    has ended it.
    """
    plan = planned.plan
    record = journal.begin(run, plan.changes, planned.done)
    status, unreached_in_all = FAILED, frozenset(planned.unreached)
    try:
        # The undo must lie there before the first write, for whoever has to do without us.
        opened.before_first_write(journal.run(record.number), plan)
        report = driver.apply(plan, opened.changer, record, teller.progress(verb))
        status = DONE if report.complete else FAILED
        unreached_in_all |= report.unreached
    except KeyboardInterrupt as exc:
        # No rollback here: an admin who presses Ctrl-C wants no more writes, not other ones. The
        # record says how far it came, and the next run asks the objects.
        status = INTERRUPTED
        raise Interrupted from exc
    finally:
        _finish(journal, record, status, opened.kind, len(unreached_in_all), teller)
    tell_report(teller, report, record.number, verb)
    for event in opened.after_write(report):
        teller.say(event)
    if any(outcome.result is Result.UNKNOWN for outcome in report.outcomes):
        teller.say(Remark("  the next apply or rollback looks what became of the unknown ones"))
    return report


def _finish(  # noqa: PLR0913, PLR0917 - what its end is made of
    journal: Journal,
    record: RunRecord[S],
    status: str,
    kind: Kind[S],
    unreached: int,
    teller: Teller,
) -> None:
    """Close the record; where even that fails, the run is settled by the next one."""
    try:
        summary = _counts(journal, record, kind)
        if unreached:
            summary[UNREACHED] = unreached
        record.finish(status, summary)
    except DelegationError as exc:
        # Not raised: this runs on the way out of an error that says more.
        what = f"the end of run {record.number} could not be recorded: {exc.what}"
        teller.say(warning(what))


def _counts(journal: Journal, record: RunRecord[Any], kind: Kind[Any]) -> dict[str, int]:
    """A run's summary: its objects, and how many came to which result."""
    counts = record.results()
    objects = sum(counts.values())
    summary = {what: count for what, count in counts.items() if what != NOT_BEGUN}
    found = {change.target.guid for change in journal.as_before(record.number, kind)}
    if found:
        summary[AS_BEFORE] = len(found)
    return {"objects": objects, **summary}
