"""What a host tells, or why it does not: for all that is worth knowing and not needed."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from delegation.errors import CimFailed, HostError
from delegation.hosts.cim.cim_faults import AccessRefused

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class NotTold:
    """Why something is not known. Nothing may act on it as if it were empty, or zero."""

    why: str
    error: HostError | None = None

    @property
    def hresult(self) -> str:
        return self.error.hresult if self.error else ""


def told(ask: Callable[[], T]) -> T | NotTold:
    """What ``ask`` gives; NotTold where the host itself refuses.

    Raises HostError where the host does not answer, or refuses the logon: then nothing that is
    asked next would come to anything either, and a refused logon is not tried again.
    """
    try:
        return ask()
    except (CimFailed, AccessRefused) as exc:
        return NotTold(exc.what, exc)


def or_none(found: T | NotTold) -> T | None:
    return None if isinstance(found, NotTold) else found
