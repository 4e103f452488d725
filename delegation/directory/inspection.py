"""A domain controller asked about people, groups and rights: for findings, not for plans.

Groups are computed by the DC, which knows nesting, other domains and primary groups; collecting
them by memberOf would miss all three.
"""

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from ldap3.utils.conv import escape_bytes, escape_filter_chars

from delegation.directory import entries, searching, trouble
from delegation.directory.ldap import TOKEN_GROUPS, LdapReader, any_of, chunks
from delegation.directory.searching import Bounds
from delegation.events import Progress
from delegation.mesh.snapshot import Computer

if TYPE_CHECKING:
    from delegation.mesh.delegator import Delegator

_NAMESAKES = 100
"""Accounts that one name may mean: a principal name should be unique, and no DC insists on it."""

WHOLE_DOMAIN_TIMEOUT = 150
"""Seconds for a page of a search without an index; AD itself ends it after 120 (MaxQueryDuration).
"""

_USER = "(&(objectClass=user)(|(sAMAccountName={name})(userPrincipalName={name})))"
_HERE = "(&(objectClass=user)(|(sAMAccountName={name})(userPrincipalName={name}@{domain})))"


class LdapInspector(LdapReader):
    """A domain controller to look at closely; implements reader.Inspector and has no write."""

    def computers(self, pattern: str = "*") -> list[Computer]:
        fitting = "*".join(escape_filter_chars(part) for part in pattern.split("*"))
        terms = f"(&(objectCategory=computer)(sAMAccountName={fitting}$))"
        return list(self._search(terms, Bounds.without_end()))

    def people(self, name: str) -> list[Computer]:
        """As Inspector.people; a down-level name (CORP\\\\user) is taken as this domain's."""
        bare = escape_filter_chars(name.rpartition("\\")[2])
        template = _USER if "@" in bare else _HERE
        terms = template.format(name=bare, domain=self._directory.domain)
        accounts = list(self._search(terms, Bounds.of(_NAMESAKES)))
        if accounts:
            return accounts
        user = self._user_of_this_domain(name)
        return self.people(user) if user else []

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

    def account_names(self, sids: Collection[str]) -> Mapping[str, str]:
        terms = [f"(objectSid={escape_bytes(entries.sid_bytes(sid))})" for sid in sids]
        names: dict[str, str] = {}
        for chunk in chunks(terms):
            attributes = [entries.OBJECT_SID, entries.SAM_ACCOUNT_NAME]
            for dn, values in self._entries(any_of(chunk), Bounds.of(len(chunk)), attributes):
                if values.get("objectsid") and values.get("samaccountname"):
                    sid = self._sid(dn, values["objectsid"][0])
                    names[sid] = values["samaccountname"][0].decode(errors="replace")
        return names

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
