"""A domain controller asked about people, groups and rights: for findings, not for plans.

Groups are computed by the DC, which knows nesting, other domains and primary groups; collecting
them by memberOf would miss all three.
"""

from collections.abc import Collection, Mapping
from uuid import UUID

from ldap3.utils.conv import escape_bytes, escape_filter_chars

from delegation.directory import entries, searching, trouble
from delegation.directory.ldap import LdapReader, any_of, chunks
from delegation.directory.searching import Bounds
from delegation.mesh.snapshot import Computer

ALLOWED_ATTRIBUTES = "allowedAttributesEffective"
TOKEN_GROUPS = "tokenGroups"  # noqa: S105 - the name of an attribute

_NAMESAKES = 100
"""Accounts that one name may mean: a principal name should be unique, and no DC insists on it."""

_GUID_BYTES = 16

_CROSS_REF = ("nETBIOSName", "dnsRoot")
_MOST_DOMAINS = 1_000

_NAMED = "(&(objectClass=user)(sAMAccountName={name}))"
_USER = "(&(objectClass=user)(|(sAMAccountName={name})(userPrincipalName={name})))"
_HERE = "(&(objectClass=user)(|(sAMAccountName={name})(userPrincipalName={name}@{domain})))"


class LdapInspector(LdapReader):
    """A domain controller to look at closely; implements reader.Inspector and has no write."""

    def computers(self, pattern: str = "*") -> list[Computer]:
        fitting = "*".join(escape_filter_chars(part) for part in pattern.split("*"))
        terms = f"(&(objectCategory=computer)(sAMAccountName={fitting}$))"
        return list(self._search(terms, Bounds.without_end()))

    def people(self, name: str) -> list[Computer]:
        """As Inspector.people; of a down-level name (CORP\\\\user) only sAMAccountName counts."""
        _, is_down_level, user = name.rpartition("\\")
        bare = escape_filter_chars(user)
        template = _NAMED if is_down_level else _USER if "@" in bare else _HERE
        terms = template.format(name=bare, domain=self._directory.domain)
        accounts = list(self._search(terms, Bounds.of(_NAMESAKES)))
        if accounts:
            return accounts
        user = self._user_of_this_domain(name)
        return self.people(user) if user else []

    def domains(self) -> Mapping[str, str]:
        """From the forest's crossRef objects (MS-ADTS 6.1.1.2.1.1), which all may read."""
        found: dict[str, str] = {}
        for context in self._values("", "configurationNamingContext"):
            base = f"CN=Partitions,{context.decode(errors='replace')}"
            wanted = searching.Wanted(base, "(nETBIOSName=*)", _CROSS_REF)
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

    def writable(self, guids: Collection[UUID]) -> Mapping[UUID, frozenset[str]] | None:
        terms = [f"(objectGUID={escape_bytes(guid.bytes_le)})" for guid in guids]
        allowed_by_guid: dict[UUID, frozenset[str]] = {}
        for chunk in chunks(terms):
            attributes = [entries.OBJECT_GUID, ALLOWED_ATTRIBUTES]
            for dn, values in self._entries(any_of(chunk), Bounds.of(len(chunk)), attributes):
                found = values.get(entries.OBJECT_GUID.casefold(), ())
                if len(found) != 1 or len(found[0]) != _GUID_BYTES:
                    raise self._no_directory(f"{dn} has no {entries.OBJECT_GUID} that is one")
                guid = UUID(bytes_le=found[0])
                allowed = values.get(ALLOWED_ATTRIBUTES.casefold(), ())
                allowed_by_guid[guid] = frozenset(
                    name.decode(errors="replace").casefold() for name in allowed
                )
        return allowed_by_guid

    def own_token(self) -> frozenset[str] | None:
        """From tokenGroups of the root DSE (MS-ADTS 3.1.1.3.2)."""
        groups = self._whole("", [TOKEN_GROUPS]).get(TOKEN_GROUPS.casefold())
        return frozenset(self._sid("the root DSE", group) for group in groups) if groups else None
