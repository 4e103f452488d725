"""What an inventory says is known: findings that are accepted, accounts that are trusted."""

from datetime import date
from typing import NamedTuple

from delegation import names

MENDED_RULES = frozenset({"KCD001", "KCD002", "KCD004", "KCD034"})
"""What they find, the next apply mends; accepted, it would hide an apply that nobody has made."""
CRITICAL_RULES = frozenset({"KCD005", "KCD015"})
"""Each of their findings is the way to the whole domain."""


class Acceptance(NamedTuple):
    """Findings that are known and stay: of ``rule``, on ``hosts``, about ``value``.

    ``hosts`` empty: on every host. ``value`` is a pattern with ``*`` and ``?``, empty: whatever
    they are about. A critical finding is accepted only where one host and its very value are named.
    """

    rule: str
    hosts: tuple[str, ...] = ()
    value: str = ""
    reason: str = ""
    owner: str = ""
    expires: date | None = None

    def covers(self, value: str) -> bool:
        """Whether the rule is about ``value``, in any case."""
        return not self.value or names.fits(self.value, value)


class Trusted(NamedTuple):
    """An account that may act on the hosts by resource-based delegation.

    ``account`` is its sAMAccountName, or the SID of one that is of another domain.
    """

    account: str
    reason: str = ""
    owner: str = ""
    expires: date | None = None
