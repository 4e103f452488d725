"""What a host tells, or why it does not: for all that is worth knowing and not needed."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from delegation.errors import CimFailed, HostError, HostRefused, NoHostTicket

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

    Raises HostError where the host does not answer, or nobody is logged on: then nothing that is
    asked next would come to anything either.
    """
    try:
        return ask()
    except NoHostTicket:
        raise
    except (CimFailed, HostRefused) as exc:
        return NotTold(exc.what, exc)
