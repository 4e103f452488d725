"""What apply and rollback share: one writer at a time, unsettled runs first, the record around."""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from delegation import names
from delegation.changes import apply as driver
from delegation.changes import store
from delegation.changes.journal import Journal, RunRecord
from delegation.changes.kinds import Kind
from delegation.changes.outcomes import Changer, Result
from delegation.changes.plan import Plan, S
from delegation.changes.run import DONE, FAILED, INTERRUPTED, SETTLED, NewRun, Run
from delegation.cli import show, terminal
from delegation.errors import DelegationError, Interrupted
from delegation.mesh.reader import Writer
from delegation.mesh.state import DELEGATION, DelegationPlan
from delegation.wiring import KINDS

UNREACHED = "unreached"
"""In a run's summary: how many objects it was meant for and could not be got at."""


@contextmanager
def recording(folder: Path) -> Iterator[Journal]:
    """The journal of ``folder`` for the one run that may write. Raises Busy, JournalError."""
    with store.lock(folder), closing(Journal.writable(folder, KINDS)) as journal:
        yield journal


def unsettled_on(journal: Journal, directory: str) -> list[str]:
    """The domain controllers that alone can tell what became of the runs that died."""
    return [run.dc for run in journal.unsettled(DELEGATION) if run.directory == directory]


def settle_all(journal: Journal, writer: Writer, directory: str) -> None:
    """Find out what became of the writes of runs that died, on the DC that they wrote to."""
    for run in journal.unsettled(DELEGATION):
        if run.directory != directory:
            continue
        if run.dc.casefold() != writer.directory.dc.casefold():
            terminal.warn(
                f"run {run.id} is unsettled and was made on {run.dc}; this is "
                f"{writer.directory.dc}, which can't tell what became of it"
            )
            continue
        settle(journal, writer, run, DELEGATION)


def settle(journal: Journal, changer: Changer[S], run: Run, kind: Kind[S]) -> None:
    """Look what became of one run's writes; those out of reach stay for another time."""
    page = journal.page(run.id, kind)
    unsettled = [r.change for r in journal.changes(run.id, kind) if r.unsettled]
    outcomes = driver.settle(unsettled, changer, page)
    left = {name: run.summary[name] for name in (UNREACHED,) if name in run.summary}
    page.finish(SETTLED, {**_counts(journal, run.id, kind), **left})
    terminal.say(f"run {run.id} had not come to its end; looked at its objects:", bold=True)
    if not outcomes:
        terminal.say("  nothing was under way")
    for result in Result:
        changes = [outcome.change for outcome in outcomes if outcome.result is result]
        for objects, parts in show.objects_and_parts(changes):
            terminal.say(
                f"  {_SETTLED_WORDS[result]}: {objects}" + (f" ({parts})" if parts else "")
            )
    untold = [outcome for outcome in outcomes if outcome.result is Result.UNKNOWN]
    for line in dict.fromkeys(f"{o.change.target.name}: {o.reason}" for o in untold):
        terminal.warn(line)


_SETTLED_WORDS = {
    Result.APPLIED: "had been written",
    Result.REFUSED: "had not been written",
    Result.FAILED: "had failed",
    Result.UNKNOWN: "can't be told",
}


def carry_out(
    journal: Journal, run: NewRun, plan: DelegationPlan, writer: Writer, verb: str
) -> int:
    """Write ``plan`` to the directory as a new run, tell how it went, and give the exit code."""
    from delegation.directory import change_file

    def undo_first(number: int) -> None:
        change_file.write_undo(journal.folder / f"run-{number}-undo.ldif", plan)

    result = carried_out(journal, run, plan, writer, DELEGATION, verb, undo_first)
    if not run.directory.startswith("ldif:"):
        _tell_effect([o.change.target.name for o in result.outcomes if o.result is Result.APPLIED])
    return told(result)


def carried_out(  # noqa: PLR0913, PLR0917 - the parts that one run is made of
    journal: Journal,
    run: NewRun,
    plan: Plan[S],
    changer: Changer[S],
    kind: Kind[S],
    verb: str,
    first: Callable[[int], None] = lambda _number: None,
    unreached: Collection[str] = (),
) -> driver.Report[S]:
    """Write ``plan`` as a new run and show how it went; ``first`` is told the run's number.

    ``unreached`` are the objects that could not be planned for; how many there are in the end is
    recorded. Raises Interrupted where Ctrl-C has ended it.
    """
    record = journal.begin(run, plan.changes)
    status, left = FAILED, frozenset(unreached)
    try:
        first(record.number)
        result = driver.apply(plan, changer, record, terminal.Progress(verb))
        status, left = DONE if result.complete else FAILED, left | result.unreached
    except KeyboardInterrupt as exc:
        status = INTERRUPTED
        raise Interrupted from exc
    finally:
        _finish(journal, record, status, kind, len(left))
    show.report(result, record.number, verb)
    return result


def told(result: driver.Report[Any]) -> int:
    """The exit code, after a word about what is open."""
    if any(outcome.result is Result.UNKNOWN for outcome in result.outcomes):
        terminal.say("  the next apply or rollback looks what became of the unknown ones")
    return 0 if result.complete else 1


def _tell_effect(hosts: Sequence[str]) -> None:
    """When hosts go by what was written, and which of them can be hurried (FIELD 6)."""
    if hosts:
        terminal.say("  in effect on a host when this has replicated to its domain controller, and")
        terminal.say("  up to 15 minutes later; sooner, run there as administrator")
        terminal.say(f"  klist purge -li 0x3e7   on {names.fold(hosts)}")


def _finish(
    journal: Journal, record: RunRecord[S], status: str, kind: Kind[S], unreached: int
) -> None:
    """Close the page; where even that fails, the run is settled by the next one."""
    try:
        counts = _counts(journal, record.number, kind)
        record.finish(status, {**counts, UNREACHED: unreached} if unreached else counts)
    except DelegationError as exc:
        terminal.warn(f"the end of run {record.number} could not be recorded: {exc.what}")


def _counts(journal: Journal, number: int, kind: Kind[Any]) -> dict[str, int]:
    changes = journal.changes(number, kind)
    results = Counter(
        recorded.result.value if recorded.result else "unsettled"
        for recorded in changes
        if recorded.result or recorded.unsettled
    )
    return {"objects": len(changes), **results}
