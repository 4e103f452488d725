"""A run and its changes, as the journal keeps them, and the kinds of runs there are."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Generic

from delegation.changes.outcomes import Result
from delegation.changes.plan import Change, Delegation, S
from delegation.hosts.settings import HostSetting

RUNNING, DONE, FAILED, INTERRUPTED, SETTLED = "running", "done", "failed", "interrupted", "settled"
"""How a run ended. ``running`` in a journal that nobody holds: it died."""

APPLY, ROLLBACK, AUDIT = "apply", "rollback", "audit"
HOSTS_APPLY, HOSTS_ROLLBACK, MIGRATE = "hosts apply", "hosts rollback", "migrate"


@dataclass(frozen=True, slots=True)
class Kind(Generic[S]):
    """What is changed by an apply and taken back by a rollback; ``state`` is what is recorded."""

    apply: str
    rollback: str
    state: type[S]

    @property
    def runs(self) -> tuple[str, str]:
        return self.apply, self.rollback


DELEGATION = Kind(APPLY, ROLLBACK, Delegation)
HOST_SETTINGS = Kind(HOSTS_APPLY, HOSTS_ROLLBACK, HostSetting)


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


RecordedDelegation = RecordedChange[Delegation]
RecordedSetting = RecordedChange[HostSetting]
