"""Plan -> a recorded run: recover those that died before, record, write, tell."""

from collections import Counter
from collections.abc import Collection
from typing import Any

from delegation.changes import apply as driver
from delegation.changes.journal import Journal, RunRecord
from delegation.changes.kinds import Kind
from delegation.changes.opening import Opened
from delegation.changes.outcomes import Changer, Result
from delegation.changes.plan import Change, Plan, S
from delegation.changes.run import DONE, FAILED, INTERRUPTED, SETTLED, NewRun, Run
from delegation.changes.run_events import RunRecovered, tell_report
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
        recover_run(journal, run, opened.kind, opened.changer, teller)


def recover_run(
    journal: Journal, run: Run, kind: Kind[S], changer: Changer[S], teller: Teller
) -> None:
    """Look what became of one run's changes; those out of reach stay unsettled.

    Of a run without an end all are looked at. That an intent is committed before its write is only
    as true as the disk is: one that lies about a sync, or an older journal that was restored, has
    written objects that nothing on record tells of.
    """
    record = journal.reopen(run.id, kind)
    recorded_changes = journal.changes(run.id, kind)
    intended = [recorded.change for recorded in recorded_changes if recorded.unsettled]
    not_begun: list[Change[S]] = []
    if run.finished is None:
        not_begun = [recorded.change for recorded in recorded_changes if recorded.not_begun]
    outcomes = driver.settle(intended, not_begun, changer, record)
    if all(outcome.reached for outcome in outcomes if outcome.change in not_begun):
        summary = _counts(journal, run.id, kind)
        if UNREACHED in run.summary:
            summary[UNREACHED] = run.summary[UNREACHED]
        record.finish(SETTLED, summary)
    recovered = RunRecovered(run.id, outcomes)
    teller.say(recovered)
    for line in recovered.in_doubt:
        teller.say(warning(line))


def carry_out(  # noqa: PLR0913, PLR0917 - the parts that one run is made of
    journal: Journal,
    run: NewRun,
    plan: Plan[S],
    opened: Opened[S],
    teller: Teller,
    verb: str,
    unreached: Collection[str] = (),
) -> driver.Report[S]:
    """Write ``plan`` as a new run and tell how it went.

    ``unreached`` are the objects that could not be planned for; how many there are in the end is
    recorded. Raises Interrupted where Ctrl-C has ended it.
    """
    record = journal.begin(run, plan.changes)
    status, unreached_in_all = FAILED, frozenset(unreached)
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
        summary = _counts(journal, record.number, kind)
        if unreached:
            summary[UNREACHED] = unreached
        record.finish(status, summary)
    except DelegationError as exc:
        # Not raised: this runs on the way out of an error that says more.
        what = f"the end of run {record.number} could not be recorded: {exc.what}"
        teller.say(warning(what))


def _counts(journal: Journal, number: int, kind: Kind[Any]) -> dict[str, int]:
    """A run's summary: its objects, and how many came to which result."""
    changes = journal.changes(number, kind)
    counts: Counter[str] = Counter()
    for recorded in changes:
        if recorded.result is not None:
            counts[recorded.result.value] += 1
        elif recorded.unsettled:
            counts["unsettled"] += 1
    return {"objects": len(changes), **counts}
