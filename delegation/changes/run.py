"""A run of an apply or a rollback, and its changes: what the journal keeps of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Generic

from delegation.changes.outcomes import Result
from delegation.changes.plan import Change, S

RUNNING, DONE, FAILED, INTERRUPTED, SETTLED = "running", "done", "failed", "interrupted", "settled"
"""How a run ended. ``running`` in a journal that nobody holds: it died.

``settled``: it died, and a later run has looked what became of its writes.
"""


@dataclass(frozen=True, slots=True)
class NewRun:
    """What is known of a run when it begins; ``connection`` holds no secret.

    ``directory`` identifies what is written to: the domain, or an export's absolute path.
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


@dataclass(frozen=True, slots=True)
class RecordedChange(Generic[S]):
    """One planned change of a run. No ``result`` although ``intended``: it is unsettled."""

    change: Change[S]
    intended: str | None
    result: Result | None
    settled: str | None
    reason: str

    @property
    def unsettled(self) -> bool:
        return self.intended is not None and self.result is None
