"""A domain controller as a directory, over ldap3.

Reads know pages (RFC 2696) and ranges (MS-ADTS 3.1.1.3.1.3.3): a DC gives at most 1,000
objects and 1,500 values of one attribute at a time, and says so only to those who look. Writes are
pipelined: the requests go out one after the other and the answers are taken as they come, so that
a slow link costs its round trip once.
"""

from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping
from uuid import UUID

from ldap3.core.exceptions import LDAPException

from delegation import names
from delegation.changes.outcomes import Absent, Outcome, Result
from delegation.changes.plan import Target
from delegation.directory import (
    bounded,
    entries,
    filters,
    forest,
    ldap_modify,
    requests,
    searching,
    session,
    trouble,
)
from delegation.directory.bounded import WaitingTime
from delegation.directory.connection import ServerLogon
from delegation.directory.ldap_answers import Unreadable
from delegation.directory.searching import Bounds
from delegation.errors import ConnectionFailed
from delegation.inventory import DirectorySettings
from delegation.mesh.seams import AccountOrigin, delegations
from delegation.mesh.snapshot import DOMAIN_CONTROLLER_GROUPS, Computer, Directory
from delegation.mesh.spn_mappings import SpnMappings
from delegation.mesh.state import Delegation, DelegationChange, DelegationOutcome

ALLOWED_ATTRIBUTES = "allowedAttributesEffective"
TOKEN_GROUPS = "tokenGroups"  # noqa: S105 - the name of an attribute
_GUID_BYTES = 16
_NAME, _GROUP = entries.SAM_ACCOUNT_NAME, entries.PRIMARY_GROUP_ID
_SPN = entries.SERVICE_PRINCIPAL_NAME


class LdapReader:
    """A domain controller to look at; implements reader.Reader and has no write."""

    page = 1_000
    """Objects a page; AD's default MaxPageSize."""

    def __init__(self, settings: DirectorySettings, domain: str, logon: ServerLogon) -> None:
        self._url = settings.url or ""
        self._connection = session.connect(settings, domain, logon)
        try:
            logged_on = settings._replace(user=logon.user)
            self._directory = session.identify(self._connection, logged_on, domain)
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

    def find(
        self,
        computer_names: Collection[str],
        spns: Collection[str] = (),
        users: Collection[str] = (),
    ) -> list[Computer]:
        """One search for all of up to ``filters.TERMS`` names."""
        terms = [
            *(filters.fits(_SPN, f"{service}/*") for service in names.MANAGED_SERVICES),
            *(filters.equal(_GROUP, str(group)) for group in sorted(DOMAIN_CONTROLLER_GROUPS)),
            *(filters.equal(_NAME, f"{name}$") for name in computer_names),
            *(filters.equal(_NAME, name) for name in users),
            *(filters.equal(_SPN, spn) for spn in spns),
        ]
        # One account may match several terms, and those in several chunks.
        accounts: dict[UUID, Computer] = {}
        for chunk in filters.chunks(terms):
            bounds = Bounds.without_end(len(chunk))
            for account in self._search(filters.any_of(chunk), bounds, is_small=True):
                accounts[account.guid] = account
        return list(accounts.values())

    def spn_mappings(self) -> SpnMappings:
        return forest.spn_mappings(self._values, self._directory.base_dn)

    def _values(self, dn: str, attribute: str) -> list[bytes]:
        """Of one object; none where it can't be seen."""
        with trouble.in_words(self._url):
            found = searching.one_object(self._connection, dn, [attribute])
        return list(found[1].get(attribute.casefold(), ())) if found else []

    def origins(self, accounts: Collection[Computer]) -> Mapping[UUID, AccountOrigin]:
        """By mS-DS-CreatorSID, which came with the account, and the owner of its descriptor."""
        owners = {account.guid: self._owner(account) for account in accounts}
        sids = {*owners.values(), *(account.creator for account in accounts)} - {""}
        called = self.account_names(sorted(sids))
        origins: dict[UUID, AccountOrigin] = {}
        for account in accounts:
            owner = owners[account.guid]
            creator = called.get(account.creator, account.creator)
            origins[account.guid] = AccountOrigin(creator, called.get(owner, owner))
        return origins

    def _owner(self, account: Computer) -> str:
        from delegation.directory import descriptors  # impacket: only where an account is new

        with trouble.in_words(self._url):
            raw = searching.descriptor_with_owner(self._connection, f"<GUID={account.guid}>")
        return descriptors.owner(raw)

    def account_names(self, sids: Collection[str]) -> Mapping[str, str]:
        """sAMAccountName by SID, of those that the domain knows."""
        called: dict[str, str] = {}
        attributes = [entries.OBJECT_SID, entries.SAM_ACCOUNT_NAME]
        for dn, values in self._named(_of_sids(sids), attributes):
            if values.get("objectsid") and values.get("samaccountname"):
                sid = self._sid(dn, values["objectsid"][0])
                called[sid] = values["samaccountname"][0].decode(errors="replace")
        return called

    def read(self, guids: Collection[UUID]) -> Mapping[UUID, Computer]:
        """Without names and SPNs, which take most of the time and no write depends on."""
        found = self._named(_of_guids(guids), entries.STATE)
        return {account.guid: account for account in self._accounts(found)}

    def writable(self, guids: Collection[UUID]) -> Mapping[UUID, frozenset[str]] | None:
        allowed_by_guid: dict[UUID, frozenset[str]] = {}
        attributes = [entries.OBJECT_GUID, ALLOWED_ATTRIBUTES]
        for dn, values in self._named(_of_guids(guids), attributes):
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
        return frozenset(self._own_sids()) or None

    def own_account(self) -> str | None:
        """The one account among the SIDs of the token; without one here, its first, the user's.

        The root DSE tells them to everybody of themselves, where "Who am I?" (RFC 4532) is answered
        by some servers only. An account of another domain is not in this one's directory.
        """
        sids = self._own_sids()
        found: list[str] = []
        user = filters.equal(entries.OBJECT_CLASS, "user")
        for chunk in filters.chunks(_of_sids(sids)):
            terms = filters.all_of((user, filters.any_of(chunk)))
            attributes = [entries.OBJECT_SID, entries.SAM_ACCOUNT_NAME]
            bounds = Bounds.of(len(chunk))
            for dn, values in self._entries(terms, bounds, attributes, is_small=True):
                [name] = values.get(entries.SAM_ACCOUNT_NAME.casefold(), (b"?",))
                [sid] = values.get(entries.OBJECT_SID.casefold(), (b"",))
                found.append(f"{name.decode(errors='replace')} ({self._sid(dn, sid)})")
        return found[0] if len(found) == 1 else next(iter(sids), None)

    def _own_sids(self) -> list[str]:
        """From tokenGroups of the root DSE (MS-ADTS 3.1.1.3.2); none where it does not tell."""
        groups = self._whole("", [TOKEN_GROUPS]).get(TOKEN_GROUPS.casefold(), ())
        return [self._sid("the root DSE", group) for group in groups]

    def _sid(self, owner: str, raw: bytes) -> str:
        try:
            return entries.sid_text(raw)
        except ValueError as exc:
            raise self._no_directory(f"{owner} has a SID that is none: {raw[:40]!r}") from exc

    def _no_directory(self, what: str) -> ConnectionFailed:
        return trouble.unreadable(self._url, Unreadable(what))

    def _search(
        self, terms: bytes, bounds: Bounds, *, is_small: bool = False
    ) -> Iterator[Computer]:
        """The accounts that ``terms`` find, with all attributes."""
        found = self._entries(terms, bounds, entries.ATTRIBUTES, is_small=is_small)
        return self._accounts(found)

    def _accounts(self, found: Iterable[searching.Found]) -> Iterator[Computer]:
        for dn, values in found:
            whole = values
            if searching.in_parts(values):
                with trouble.in_words(self._url):
                    whole = searching.completed(self._connection, dn, values)
            entries.refuse_unseen(dn, whole)
            yield entries.computer(dn, whole)

    def _named(self, terms: list[bytes], attributes: Collection[str]) -> Iterator[searching.Found]:
        """The objects that ``terms`` name, one each at most."""
        for chunk in filters.chunks(terms):
            named, bounds = filters.any_of(chunk), Bounds.of(len(chunk))
            yield from self._entries(named, bounds, attributes, is_small=True)

    def _entries(
        self, terms: bytes, bounds: Bounds, attributes: Collection[str], *, is_small: bool = False
    ) -> Iterator[searching.Found]:
        """What ``terms`` find in the domain; ``is_small``: most likely no more than a page."""
        base = self._directory.base_dn
        wanted = searching.Wanted(base, terms, attributes, is_small=is_small)
        with trouble.in_words(self._url):
            yield from searching.everywhere(self._connection, wanted, bounds, self.page)

    def _whole(self, dn: str, attributes: Collection[str]) -> entries.Attributes:
        """One object with all its values, those that come in parts too."""
        with trouble.in_words(self._url):
            return searching.in_full(self._connection, dn, attributes)


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
            patience = WaitingTime(bounded.ANSWER_TIMEOUT + _SECONDS_A_WRITE * len(sent))
            while sent:
                for answer in self._connection.strategy.arrived(patience.part()):
                    # The change stays in doubt until its answer has been read in full.
                    result = ldap_modify.result_of_write(answer, sent)
                    yield ldap_modify.outcome(sent.pop(answer.number), result)
        except (LDAPException, OSError, Unreadable) as exc:
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
        request = requests.modify(message_id, target, ldap_modify.modifications(change))
        self._connection.strategy.transmit(request)
        return message_id


_SECONDS_A_WRITE = 2
"""That each change of a pipeline adds to what one waits for all answers."""


def _of_guids(guids: Iterable[UUID]) -> list[bytes]:
    return [filters.equal(entries.OBJECT_GUID, guid.bytes_le) for guid in guids]


def _of_sids(sids: Iterable[str]) -> list[bytes]:
    return [filters.equal(entries.OBJECT_SID, entries.sid_bytes(sid)) for sid in sids]
