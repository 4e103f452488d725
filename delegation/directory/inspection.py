"""A domain controller asked about people, groups and rights: for findings, not for plans.

Groups are computed by the DC, which knows nesting, other domains and primary groups; collecting
them by memberOf would miss all three.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from delegation.directory import entries, filters, searching, trouble
from delegation.directory.ldap import TOKEN_GROUPS, LdapReader
from delegation.directory.searching import Bounds
from delegation.events import Progress
from delegation.mesh.snapshot import Computer

if TYPE_CHECKING:
    from delegation.mesh.delegator import Delegator

_NAMESAKES = 100
"""Accounts that one name may mean: a principal name should be unique, and no DC insists on it."""

_CROSS_REF = ("nETBIOSName", "dnsRoot")
_MOST_DOMAINS = 1_000

WHOLE_DOMAIN_TIMEOUT = 150
"""Seconds for a page of a search without an index; AD itself ends it after 120 (MaxQueryDuration).
"""


class LdapInspector(LdapReader):
    """A domain controller to look at closely; implements reader.Inspector and has no write."""

    def computers(self, pattern: str = "*") -> list[Computer]:
        is_computer = filters.equal("objectCategory", "computer")
        is_called = filters.fits(entries.SAM_ACCOUNT_NAME, f"{pattern}$")
        terms = filters.all_of((is_computer, is_called))
        return list(self._search(terms, Bounds.without_end()))

    def people(self, name: str) -> list[Computer]:
        """As Inspector.people; of a down-level name (CORP\\\\user) only sAMAccountName counts."""
        _, is_down_level, user = name.rpartition("\\")
        names = [filters.equal(entries.SAM_ACCOUNT_NAME, user)]
        if not is_down_level:
            principal = user if "@" in user else f"{user}@{self._directory.domain}"
            names.append(filters.equal(entries.PRINCIPAL_NAME, principal))
        is_user = filters.equal(entries.OBJECT_CLASS, "user")
        terms = filters.all_of((is_user, filters.any_of(names)))
        accounts = list(self._search(terms, Bounds.of(_NAMESAKES), is_small=True))
        if accounts:
            return accounts
        user = self._user_of_this_domain(name)
        return self.people(user) if user else []

    def domains(self) -> Mapping[str, str]:
        """From the forest's crossRef objects (MS-ADTS 6.1.1.2.1.1), which all may read."""
        found: dict[str, str] = {}
        for context in self._values("", "configurationNamingContext"):
            base = f"CN=Partitions,{context.decode(errors='replace')}"
            wanted = searching.Wanted(base, filters.present("nETBIOSName"), _CROSS_REF)
            with trouble.in_words(self._url):
                bounds = Bounds.of(_MOST_DOMAINS)
                refs = list(searching.everywhere(self._connection, wanted, bounds, self.page))
            for _, values in refs:
                named = (values.get(name.casefold(), ()) for name in _CROSS_REF)
                for short, full in zip(*named, strict=False):
                    found[short.decode(errors="replace").casefold()] = full.decode(errors="replace")
        return found

    def _user_of_this_domain(self, name: str) -> str:
        """The user of ``user@corp.example``, who may have no such userPrincipalName."""
        user, _, domain = name.rpartition("@")
        return user if domain.casefold() == self._directory.domain.casefold() else ""

    def token(self, account: Computer) -> frozenset[str] | None:
        """From tokenGroups, which a DC computes for one object at a time (MS-ADTS 3.1.1.4.5.19)."""
        values = self._whole(f"<GUID={account.guid}>", [TOKEN_GROUPS])
        groups = values.get(TOKEN_GROUPS.casefold())
        if not groups or not account.sid:
            return None
        return frozenset({account.sid, *(self._sid(account.dn, group) for group in groups)})

    def delegators(self, known: int, progress: Progress) -> "list[Delegator]":
        from delegation.directory import delegators  # not for what is read of every account

        base, seconds = self._directory.base_dn, WHOLE_DOMAIN_TIMEOUT
        wanted = searching.Wanted(base, delegators.TERMS, delegators.ATTRIBUTES, seconds=seconds)
        found: list[Delegator] = []
        progress(0, 0)
        with trouble.in_words(self._url):
            for dn, values in searching.everywhere(
                self._connection, wanted, Bounds.without_end(known), self.page
            ):
                whole = values
                if searching.in_parts(values):
                    whole = searching.completed(self._connection, dn, values)
                found.append(delegators.delegator(dn, whole))
                progress(len(found), 0)
        progress(len(found), len(found))
        return found
