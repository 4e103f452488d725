"""The journal -> what has happened: all runs, or one of them with all that it changed.

A page of the journal tells when a run was made, by whom, and how it ended. What it came to is told
by the capability that made it, where the page can't: an audit by its findings, a migration by its
VMs. The history gets a table of such accounts, by the kind of run, and of what a change looks like.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from delegation import names
from delegation.changes.history_filter import EVERY_RUN, RunsWanted
from delegation.changes.journal import Journal
from delegation.changes.kinds import Kind
from delegation.changes.outcomes import Result
from delegation.changes.plan import Change
from delegation.changes.run import RecordedChange, Run
from delegation.errors import Advice


class RunAccount(Protocol):
    """What a capability tells of one of its runs, beyond its page in the journal."""

    @property
    def is_unsettled(self) -> bool:
        """Whether something that it began may still go on, or have happened."""

    @property
    def advice(self) -> str:
        """What to do about one that is unsettled."""

    @property
    def tells_status(self) -> bool:
        """Whether its words stand for the status on the page, which may never have been written."""

    @property
    def in_words(self) -> str:
        """What it came to, in a line."""

    @property
    def hosts(self) -> frozenset[str]:
        """The hosts that it tells of, by name."""

    def summary_json(self) -> Mapping[str, Any]:
        """What a list of runs says of it besides its page."""

    def details_json(self) -> Mapping[str, Any]:
        """What is said of it alone."""


class AccountOf(Protocol):
    def __call__(self, journal: Journal, run: Run, *, detailed: bool) -> RunAccount:
        """The account of a run; ``detailed``: with what is only told of it alone."""


class ChangeJson(Protocol):
    def __call__(self, recorded: RecordedChange[Any], /) -> Mapping[str, Any]:
        """A recorded change of one kind as JSON data."""


@dataclass(frozen=True)
class RunView:
    """A run in a list; ``is_unsettled``: nobody knows its end, or what became of all its changes.

    That may also be one of a kind that this version does not know: it may have written anything.
    """

    run: Run
    is_unsettled: bool
    account: RunAccount | None = None
    changes: Kind[Any] | None = None
    """What kind of changes it makes."""

    @property
    def kind(self) -> str:
        """``rollback of 12``, or ``rollback to 11``, which undid all after it."""
        return kind_in_words(self.run)

    @property
    def in_words(self) -> str:
        """What it came to: ``done: 3 applied``."""
        counts = [f"{count} {name}" for name, count in self.run.summary.items() if name != OBJECTS]
        if self.is_in_doubt:
            return f"IN DOUBT: {', '.join(counts)}"
        if self.is_unsettled:
            return "UNSETTLED"
        if self.account is not None:
            return self.account.in_words
        return f"{self.run.status}: {', '.join(counts) or 'nothing written'}"

    @property
    def is_in_doubt(self) -> bool:
        """Somebody has looked what became of its changes, and could not tell of all."""
        return self.is_unsettled and bool(self.run.summary.get(Result.UNKNOWN.value))

    def to_json(self) -> dict[str, Any]:
        goes_on = self.account is not None and self.account.is_unsettled
        return {
            **run_to_json(self.run),
            "unsettled": self.is_unsettled or goes_on,
            **(self.account.summary_json() if self.account else {}),
        }


OBJECTS = "objects"
"""In a run's summary: how many objects it planned to change. All else are results."""


@dataclass(frozen=True)
class HistoryView:
    """All runs, the oldest first."""

    runs: tuple[RunView, ...]

    def remarks(self) -> Iterator[str]:
        """What is to be done about runs without an end."""
        if any(view.is_unsettled for view in self.runs):
            yield "an unsettled run may have written; the next apply or rollback looks at it"
        for view in self.runs:
            if view.is_in_doubt and view.changes is not None:
                said = view.changes.settle_command(view.run.id, "HOSTS")
                yield Advice("what no look can tell, a person may say: ", said)
        accounts = [view.account for view in self.runs if view.account is not None]
        unsettled = [account for account in accounts if account.is_unsettled]
        if unsettled:
            yield unsettled[-1].advice

    def to_json(self) -> dict[str, Any]:
        return {"runs": [view.to_json() for view in self.runs]}


@dataclass(frozen=True)
class RunDetails:
    """One run with all that it changed; ``kind`` None: it changes nothing, or is unknown."""

    run: Run
    kind: Kind[Any] | None
    changes: tuple[RecordedChange[Any], ...]
    account: RunAccount | None
    change_json: ChangeJson | None
    found: tuple[Change[Any], ...] = ()
    """What a rollback found done already."""

    def facts(self) -> Iterator[tuple[str, str]]:
        """What its page says, as names and texts; what it does not say is left out."""
        run, account = self.run, self.account
        status = "" if account is not None and account.tells_status else run.status
        facts = (
            ("started", f"{run.started} by {run.who} on {run.machine}"),
            ("wrote as", run.account or ""),
            ("finished", run.finished or "never"),
            ("status", status),
            ("directory", f"{run.domain}, {run.dc}"),
            ("inventory", " ".join(filter(None, (run.inventory_digest, run.inventory_path)))),
            ("plan", run.plan_digest or ""),
            ("ticket", run.ticket or ""),
            ("limit", run.asked.limit or ""),
            ("allowed", ", ".join(run.asked.allow)),
            ("conflicts", "skipped" if run.asked.skip_conflicts else ""),
            ("undoes run", str(run.reverses or "")),
            ("back to", f"run {run.back_to}, which stays" if run.back_to else ""),
            ("undo file", run.undo_file or ""),
            ("result", account.in_words if account else ""),
            *(("as before", line) for line in self._found_lines()),
            *(("left", f"{left.hosts}: {left.why}") for left in run.left_out),
        )
        yield from ((name, text) for name, text in facts if text)

    def _found_lines(self) -> Iterator[str]:
        parts: Counter[str] = Counter()
        for change in self.found:
            parts[change.target.name] += len(change.parts)
        alike = names.grouped((count, name) for name, count in parts.items())
        for count, hosts in alike.items():
            yield f"{names.fold(hosts)}: {names.counted(count, 'part')}"

    def to_json(self) -> dict[str, Any]:
        to_json = self.change_json
        return {
            **run_to_json(self.run),
            "undo_file": self.run.undo_file,
            "changes": [to_json(change) for change in self.changes] if to_json else [],
            "as_before": found_to_json(self.found),
            **(self.account.details_json() if self.account else {}),
        }


def history(
    journal: Journal, accounts: Mapping[str, AccountOf], wanted: RunsWanted = EVERY_RUN
) -> HistoryView:
    """The runs of a journal, or those ``wanted``; ``accounts`` are by the kind of run.

    Raises JournalError.
    """
    unsettled = {run.id for run in journal.unsettled()}
    views = []
    for run in journal.runs():
        with journal.reading(f"when run {run.id} began"):
            if not wanted.fits(run):
                continue
        account_of = accounts.get(run.kind)
        is_detailed = wanted.hosts is not None
        account = account_of(journal, run, detailed=is_detailed) if account_of else None
        kind = journal.kinds.of(run.kind)
        view = RunView(run, run.id in unsettled, account, kind)
        if wanted.hosts is None or wanted.is_about(_hosts_of(journal, view)):
            views.append(view)
    return HistoryView(tuple(views if wanted.last is None else views[-wanted.last :]))


def _hosts_of(journal: Journal, view: RunView) -> set[str]:
    """The hosts that a run was to change, or tells of."""
    rows = journal.rows("SELECT DISTINCT name FROM changes WHERE run = ?", view.run.id)
    hosts = {str(row["name"]) for row in rows}
    return hosts | (view.account.hosts if view.account else frozenset())


def run_details(
    journal: Journal,
    number: int,
    accounts: Mapping[str, AccountOf],
    changes_json: Mapping[str, ChangeJson],
) -> RunDetails:
    """One run; ``changes_json`` is by the name of the kind.

    Raises UsageError where there is none of that number, and JournalError.
    """
    run = journal.run(number)
    kind = journal.kinds.of(run.kind)
    changes = journal.changes(number, kind) if kind else []
    account_of = accounts.get(run.kind)
    account = account_of(journal, run, detailed=True) if account_of else None
    change_json = changes_json[kind.name] if kind else None
    found = tuple(journal.as_before(number, kind)) if kind else ()
    return RunDetails(run, kind, tuple(changes), account, change_json, found)


def kind_in_words(run: Run) -> str:
    """``apply``, ``rollback of 12``, ``rollback to 11``."""
    if run.back_to is not None:
        return f"{run.kind} to {run.back_to}"
    return f"{run.kind} of {run.reverses}" if run.reverses else run.kind


def run_to_json(run: Run) -> dict[str, Any]:
    """The page of a run as JSON data."""
    return {
        "run": run.id,
        "kind": run.kind,
        "status": run.status,
        "started": run.started,
        "finished": run.finished,
        "who": run.who,
        "machine": run.machine,
        "directory": run.directory,
        "domain": run.domain,
        "dc": run.dc,
        "inventory_digest": run.inventory_digest,
        "digest": run.plan_digest,
        "ticket": run.ticket,
        "reverses": run.reverses,
        "back_to": run.back_to,
        "account": run.account,
        "inventory": run.inventory_path,
        **run.asked.to_json(),
        "left": [left.to_json() for left in run.left_out],
        "summary": dict(run.summary),
    }


def found_to_json(found: Iterable[Change[Any]]) -> list[dict[str, Any]]:
    """What a rollback found done already, by host."""
    return [{"host": it.target.name, "parts": sorted(it.parts)} for it in found]


def became_to_json(recorded: RecordedChange[Any]) -> dict[str, Any]:
    """What became of a change: the same for every kind."""
    return {
        "intended": recorded.intended,
        "result": recorded.result.value if recorded.result else None,
        "settled": recorded.settled,
        "reason": recorded.reason,
    }


def became_in_words(recorded: RecordedChange[Any]) -> str:
    """``applied``, ``refused: it has changed``, ``not written``, ``unsettled``, ``in doubt: …``."""
    if recorded.unsettled:
        return "unsettled"
    if recorded.in_doubt:
        return f"in doubt: {recorded.reason}"
    became = recorded.result.value if recorded.result else "not written"
    return f"{became}: {recorded.reason}" if recorded.reason else became
