"""A domain controller as a directory, over ldap3.

Reads are paged (RFC 2696) and range-aware (MS-ADTS 3.1.1.3.1.3.3): a DC gives at most 1,000
objects and 1,500 values of one attribute at a time, and says so only to those who look. Writes are
pipelined: the requests go out one after the other and the answers are taken as they come, so that
a slow link costs its round trip once.
"""

from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any
from uuid import UUID

import ldap3
from ldap3.core.exceptions import LDAPException
from ldap3.operation.search import search_operation
from ldap3.protocol.rfc2696 import paged_search_control
from ldap3.utils.asn1 import decode_message_fast
from ldap3.utils.conv import escape_bytes, escape_filter_chars

from delegation import names
from delegation.changes.outcomes import Absent, Outcome, Result
from delegation.changes.plan import Target
from delegation.directory import entries, forest, ldap_modify, requests, session
from delegation.directory.connection import Credentials
from delegation.errors import DirectoryError
from delegation.inventory import DirectorySettings
from delegation.mesh.seams import delegations
from delegation.mesh.snapshot import DOMAIN_CONTROLLER_GROUPS, Computer, Directory
from delegation.mesh.spn_mappings import SpnMappings
from delegation.mesh.state import Delegation, DelegationChange, DelegationOutcome

TERMS = 500
"""Names or GUIDs in one filter."""


class LdapReader:
    """A domain controller to look at; implements reader.Reader and has no write."""

    page = 1_000
    """Objects a page; AD's default MaxPageSize."""

    def __init__(self, settings: DirectorySettings, domain: str, credentials: Credentials) -> None:
        self._url = settings.url or ""
        self._connection = session.connect(settings, domain, credentials)
        try:
            self._directory = session.identify(self._connection, self._url, domain)
        except BaseException:
            self.close()
            raise

    @property
    def directory(self) -> Directory:
        return self._directory

    def close(self) -> None:
        try:
            self._connection.unbind()
        except (LDAPException, OSError):
            return  # a connection that is lost needs no goodbye

    def find(self, computer_names: Collection[str], spns: Collection[str] = ()) -> list[Computer]:
        """One search for all of up to ``TERMS`` names."""
        terms = [
            *(f"(servicePrincipalName={service}/*)" for service in names.MANAGED_SERVICES),
            *(f"(primaryGroupID={group})" for group in sorted(DOMAIN_CONTROLLER_GROUPS)),
            *(f"(sAMAccountName={escape_filter_chars(name)}$)" for name in computer_names),
            *(f"(servicePrincipalName={escape_filter_chars(spn)})" for spn in spns),
        ]
        # One account may match several terms, and those in several chunks.
        accounts: dict[UUID, Computer] = {}
        for chunk in chunks(terms):
            for account in self._search(any_of(chunk)):
                accounts[account.guid] = account
        return list(accounts.values())

    def spn_mappings(self) -> SpnMappings:
        return forest.spn_mappings(self._values, self._directory.base_dn)

    def _values(self, dn: str, attribute: str) -> list[bytes]:
        """Of one object; none where it can't be seen."""
        try:
            self._connection.search(dn, "(objectClass=*)", ldap3.BASE, attributes=[attribute])
        except (LDAPException, OSError) as exc:
            raise session.lost(self._url, exc) from exc
        for entry in self._connection.response or ():
            if entry["type"] == "searchResEntry":
                return list(entry["raw_attributes"].get(attribute) or ())
        return []

    def read(self, guids: Collection[UUID]) -> Mapping[UUID, Computer]:
        """Without names and SPNs, which take most of the time and no write depends on."""
        terms = [f"(objectGUID={escape_bytes(guid.bytes_le)})" for guid in guids]
        accounts: dict[UUID, Computer] = {}
        for chunk in chunks(terms):
            for account in self._search(any_of(chunk), entries.STATE):
                accounts[account.guid] = account
        return accounts

    def _search(
        self, terms: str, attributes: Collection[str] = entries.ATTRIBUTES
    ) -> Iterator[Computer]:
        for dn, values in self._entries(terms, attributes):
            whole = values if not _in_parts(values) else self._whole(dn, attributes)
            yield entries.computer(dn, whole)

    def _entries(
        self, terms: str, attributes: Collection[str]
    ) -> Iterator[tuple[str, entries.Attributes]]:
        """What ``terms`` find in the domain, page after page."""
        base = self._directory.base_dn
        cookie: bytes | None = None
        while True:
            try:
                page, result = self._page(base, terms, attributes, cookie)
            except (LDAPException, OSError) as exc:
                raise session.lost(self._url, exc) from exc
            if result["result"] != 0:
                raise _search_failed(base, result)
            yield from page
            paging = result.get("controls", {}).get(PAGED, {})
            cookie = paging.get("value", {}).get("cookie")
            if not cookie:
                return

    def _page(
        self, base: str, terms: str, attributes: Collection[str], cookie: bytes | None
    ) -> tuple[list[tuple[str, entries.Attributes]], Mapping[str, Any]]:
        """One page of a search, as bytes: ldap3's own answers hold every value a second time."""
        strategy = self._connection.strategy
        request = search_operation(
            base,
            terms,
            ldap3.SUBTREE,
            ldap3.DEREF_NEVER,
            list(attributes),
            size_limit=0,
            time_limit=0,
            types_only=False,
            auto_escape=True,
            auto_encode=False,
        )
        paging = paged_search_control(criticality=True, size=self.page, cookie=cookie)
        strategy.send("searchRequest", request, [paging])
        page: list[tuple[str, entries.Attributes]] = []
        while True:
            for answer in self._messages():
                if answer["protocolOp"] == _ENTRY:
                    page.append(_entry(answer["payload"]))
                elif answer["protocolOp"] == _DONE:
                    return page, strategy.decode_response_fast(answer)

    def _whole(self, dn: str, attributes: Collection[str]) -> entries.Attributes:
        """An object whose values came in part only, with all of them (range retrieval)."""
        try:
            self._connection.search(dn, "(objectClass=*)", ldap3.BASE, attributes=list(attributes))
        except LDAPException as exc:
            raise session.lost(self._url, exc) from exc
        for entry in self._connection.response:
            if entry["type"] == "searchResEntry":
                return {name.casefold(): raw for name, raw in entry["raw_attributes"].items()}
        raise DirectoryError(f"{dn} was there a moment ago and is gone", "try again")

    def _messages(self) -> Iterator[Mapping[str, Any]]:
        """Whatever has arrived, at least one message. Raises LDAPException, OSError."""
        messages = self._connection.strategy.receiving()
        if not messages:
            raise OSError("the domain controller ended the connection")
        return map(decode_message_fast, messages)


_ENTRY, _DONE = 4, 5
"""protocolOp of searchResEntry and searchResDone (RFC 4511, 4.5.2)."""

PAGED = "1.2.840.113556.1.4.319"
"""The paged-results control (RFC 2696)."""


def _entry(payload: Any) -> tuple[str, entries.Attributes]:  # noqa: ANN401 - ldap3's nested tuples
    """DN and raw values of a searchResEntry, as ldap3's fast decoder nests them."""
    # Each node is a tuple whose fourth item is its content: here DN and attributes, in each of
    # these a description and a set of values.
    dn, attributes = payload[0][3], payload[1][3]
    values_by_name: dict[str, list[bytes]] = {}
    for attribute in attributes:
        description, values = attribute[3][0], attribute[3][1]
        values_by_name[description[3].decode().casefold()] = [value[3] for value in values[3]]
    return dn.decode(), values_by_name


def _in_parts(values: entries.Attributes) -> bool:
    return any(";range=" in name for name in values)


class LdapDirectory(LdapReader):
    """A domain controller to change; implements reader.Writer."""

    window = 128
    """Changes that are in doubt at most after a kill; more in flight make nothing faster."""

    def look(self, targets: Collection[Target]) -> Mapping[UUID, Delegation | Absent]:
        return delegations(self, targets)

    def write(self, changes: Iterable[DelegationChange]) -> Iterator[DelegationOutcome]:
        """The first change alone, the rest pipelined once it has been made.

        Whether the account may write can't be read: SeEnableDelegationPrivilege is a policy of the
        DC. So the first write is the question, and its no touches one object, not all of them.
        """
        pending = list(changes)
        while pending:
            batch = pending if self._may_write else pending[:1]
            pending = pending[len(batch) :]
            stopped = False
            for outcome in self._pipeline(batch):
                self._may_write = self._may_write or outcome.result is Result.APPLIED
                stopped = stopped or outcome.stops
                yield outcome
            if stopped:
                for change in pending:
                    yield Outcome(change, Result.FAILED, "not tried", stops=True)
                return

    _may_write = False
    """Whether a write of this connection has succeeded: rights and connection are good."""

    def _pipeline(self, changes: list[DelegationChange]) -> Iterator[DelegationOutcome]:
        unsent = deque(changes)
        sent: dict[int, DelegationChange] = {}
        try:
            while unsent:
                message_id = self._send(unsent[0])
                sent[message_id] = unsent.popleft()
            while sent:
                for message_id, result in self._answers():
                    answered = sent.pop(message_id, None)
                    if answered is not None:
                        yield ldap_modify.outcome(answered, result)
        except (LDAPException, OSError) as exc:
            # The request that failed to go out may have left all the same.
            in_doubt = [*sent.values(), *list(unsent)[:1]]
            for change in in_doubt:
                yield Outcome(change, Result.UNKNOWN, f"no answer: {exc}", stops=True)
            for change in list(unsent)[1:]:
                yield Outcome(change, Result.FAILED, "not tried", stops=True)

    def _send(self, change: DelegationChange) -> int:
        """One modify, of the object with that GUID wherever it is (MS-ADTS 3.1.1.3.1.2.4)."""
        message_id: int = self._connection.server.next_message_id()
        target = f"<GUID={change.target.guid}>"
        self._connection.socket.sendall(
            requests.modify(message_id, target, ldap_modify.modifications(change))
        )
        return message_id

    def _answers(self) -> Iterator[tuple[int, Mapping[str, Any]]]:
        decode = self._connection.strategy.decode_response_fast
        return ((message["messageID"], decode(message)) for message in self._messages())


def _search_failed(base: str, result: Mapping[str, Any]) -> DirectoryError:
    return DirectoryError(
        f"the search below {base} failed: result {result['result']} {result['description']} "
        f"{result['message']}",
        "look whether the account may read the domain",
    )


def any_of(terms: list[str]) -> str:
    """A filter for what one of ``terms`` fits."""
    return f"(|{''.join(terms)})"


def chunks(terms: list[str]) -> Iterator[list[str]]:
    """At most ``TERMS`` at a time: a DC refuses filters that are too long."""
    for start in range(0, len(terms), TERMS):
        yield terms[start : start + TERMS]
