"""A run of an apply or a rollback, and its changes: what the journal keeps of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, NamedTuple

from delegation import names
from delegation.changes.outcomes import Result
from delegation.changes.plan import Change, S

RUNNING, DONE, FAILED, INTERRUPTED, SETTLED = "running", "done", "failed", "interrupted", "settled"
"""How a run ended. ``running`` in a journal that nobody holds: it died.

``settled``: it died, and a later run has looked what became of its writes. Changes of which that
look told nothing are in doubt, whatever the status is.
"""


AS_BEFORE = "as before"
"""In a run's summary: of how many objects a rollback found something done already."""

SETTLE = "settle"
"""The kind of a page that changes only what is known of another run: what a person said of it."""


class Asked(NamedTuple):
    """What a run was told beside its inventory, as it was typed."""

    limit: str | None = None
    allow: tuple[str, ...] = ()
    skip_conflicts: bool = False

    def to_json(self) -> dict[str, Any]:
        return {
            "limit": self.limit,
            "allow": list(self.allow),
            "skip_conflicts": self.skip_conflicts,
        }


NOTHING_ASKED = Asked()


class LeftUndone(NamedTuple):
    """Objects of which something that was meant was not done, folded, and what and why."""

    hosts: str
    why: str

    def to_json(self) -> dict[str, str]:
        return {"hosts": self.hosts, "why": self.why}


@dataclass(frozen=True, slots=True)
class NewRun:
    """What is known of a run when it begins; ``connection`` holds no secret.

    ``directory`` identifies what is written to: the domain, or an export's absolute path.
    ``reverses`` is the run that it takes back; ``back_to`` the one that stays, where all that came
    after it is taken back at once. ``account`` is whom the directory knew as the writer, as far as
    it tells, and ``inventory_path`` the file that was planned from.
    """

    kind: str
    directory: str
    domain: str
    dc: str
    connection: Mapping[str, Any]
    inventory_digest: str | None = None
    plan_digest: str | None = None
    ticket: str | None = None
    reverses: int | None = None
    back_to: int | None = None
    account: str | None = None
    inventory_path: str | None = None
    asked: Asked = NOTHING_ASKED
    left_out: tuple[LeftUndone, ...] = ()

    @property
    def oldest_reversed(self) -> int | None:
        """No older run than that is taken back by this one; None where none is."""
        return self.reverses if self.back_to is None else self.back_to + 1


@dataclass(frozen=True, slots=True)
class Run(NewRun):
    """A run as recorded; times are ISO 8601 in UTC."""

    id: int = 0
    status: str = RUNNING
    started: str = ""
    finished: str | None = None
    who: str = ""
    machine: str = ""
    summary: Mapping[str, Any] = field(default_factory=dict)
    undo_id: str | None = None

    @property
    def undo_file(self) -> str | None:
        """The name of its undo file beside the journal; None where it has none.

        Also of runs of 0.1, which named it ``run-N-undo.ldif``. A number alone comes again where a
        journal was lost or an older one restored, and the file of another run may lie there then.
        """
        return f"run-{self.id}-{self.undo_id}-undo.ldif" if self.undo_id else None


class RecordedChange(NamedTuple, Generic[S]):
    """One planned change of a run.

    In doubt while nobody knows whether it was made: nobody has looked since it was intended, or
    what was seen did not tell (Result.UNKNOWN). That is never final: a later look may tell.
    """

    change: Change[S]
    intended: str | None
    result: Result | None
    settled: str | None
    reason: str
    said_in: int | None = None
    """The page on which a person said what became of it; None where nobody had to."""

    @property
    def unsettled(self) -> bool:
        return self.intended is not None and self.result is None

    @property
    def in_doubt(self) -> bool:
        return self.unsettled or self.result is Result.UNKNOWN

    @property
    def not_begun(self) -> bool:
        """By the record alone."""
        return self.intended is None and self.result is None


def settled_in_words(summary: Mapping[str, Any]) -> str:
    """``run 3: hv[01-02] said to be made``, of the summary of such a page."""
    hosts = names.fold(dict.fromkeys(one["host"] for one in summary.get("evidence", ())))
    words = f"run {summary.get('settles')}: {hosts} said to be {summary.get('said')}"
    pages = summary.get("instead_of", ())
    return f"{words}, instead of run {', '.join(map(str, pages))}" if pages else words
