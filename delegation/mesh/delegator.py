"""An account of the domain that has a list of its own, as far as whoever asks may see it."""

from typing import NamedTuple
from uuid import UUID

from delegation.mesh.snapshot import (
    ACCOUNTDISABLE,
    NOT_DELEGATED,
    TRUSTED_TO_AUTH_FOR_DELEGATION,
)


class Delegator(NamedTuple):
    """What of an account decides towards whom it may act: its msDS-AllowedToDelegateTo, and flags.

    ``name`` is its sAMAccountName, or its distinguished name where that can't be seen. ``guid``
    and ``uac`` None: not seen. What is not seen of a stranger is unknown, and never harmless.
    """

    name: str
    dn: str
    guid: UUID | None
    uac: int | None
    values: tuple[str, ...] = ()

    @property
    def identity(self) -> str:
        """What stays when the account is renamed, as far as it is seen."""
        return str(self.guid or self.dn.casefold())

    @property
    def is_disabled(self) -> bool:
        """Whether it is for certain."""
        return self.uac is not None and bool(self.uac & ACCOUNTDISABLE)

    @property
    def transition(self) -> bool | None:
        """Protocol transition: whether it may act as users who never came to it."""
        return None if self.uac is None else bool(self.uac & TRUSTED_TO_AUTH_FOR_DELEGATION)

    @property
    def is_sensitive(self) -> bool | None:
        """Marked "sensitive and cannot be delegated" (MS-ADTS 2.2.16)."""
        return None if self.uac is None else bool(self.uac & NOT_DELEGATED)

    @property
    def is_krbtgt(self) -> bool:
        """The domain's own, not that of a read-only domain controller."""
        return self.name.casefold() == "krbtgt"
