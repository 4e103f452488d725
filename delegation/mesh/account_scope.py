"""Where accounts count: in one domain, and below its search bases."""

from collections.abc import Collection
from typing import NamedTuple

from delegation import names


class AccountScope(NamedTuple):
    """Where accounts count: one domain's naming context, and the search bases in it, if any.

    Another domain is told by its naming context. As text, DC=corp,DC=example is the end of a
    child domain's names as well.
    """

    home: str
    bases: tuple[str, ...]

    @classmethod
    def of(cls, base_dn: str, search_bases: Collection[str]) -> "AccountScope":
        home = names.dn_key(base_dn)
        return cls(home, tuple("," + names.dn_key(base) for base in search_bases))

    def holds(self, dn: str) -> bool:
        if names.naming_context(dn) != self.home:
            return False
        return not self.bases or names.dn_key(dn).endswith(self.bases)
