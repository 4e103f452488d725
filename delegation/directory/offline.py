"""``ldif:FILE``: an export as a directory, with Active Directory's rules and its errors.

A read looks at the file as it is then and holds no lock on it. A write changes lines of the named
objects only, and replaces the file once, by renaming a new one over it.
"""

import hashlib
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from uuid import UUID

from delegation import names
from delegation.changes.outcomes import Absent, Outcome, Result
from delegation.changes.plan import Target
from delegation.directory import (
    delegators,
    editing,
    entries,
    exported_accounts,
    filing,
    ldif,
    modify,
)
from delegation.directory.delegators import Delegators
from delegation.directory.exported_accounts import ExportedAccount
from delegation.directory.modify import ModifyRefusal, ModifyRefused
from delegation.errors import DirectoryError
from delegation.events import Progress
from delegation.mesh.operator_names import OperatorName
from delegation.mesh.seams import AccountOrigin, delegations
from delegation.mesh.snapshot import Computer, Directory
from delegation.mesh.spn_mappings import ASSUMED, SpnMappings
from delegation.mesh.state import Delegation, DelegationChange, DelegationOutcome

_SPN_MAPPINGS = "spnmappings"


class OfflineReader:
    """The LDIF export at ``path`` as the directory of ``domain``, to look at."""

    def __init__(self, path: str | Path, domain: str) -> None:
        self._path = Path(path)
        self._domain = domain
        self._read: tuple[bytes, tuple[Computer, ...]] = (b"", ())

    @property
    def directory(self) -> Directory:
        """With the absolute path, so that a journal knows the file again from any folder."""
        url = f"ldif:{self._path.absolute()}"
        return Directory(url, self._domain, names.domain_dn(self._domain), self._path.name)

    def find(
        self,
        computer_names: Collection[str],
        spns: Collection[str] = (),
        users: Collection[str] = (),
    ) -> list[Computer]:
        """As Reader.find, in every naming context of the file, in its order.

        Raises ExportError where the file can't be read, or is an export of another domain.
        """
        account_names = {f"{name}$".casefold() for name in computer_names}
        account_names |= {name.casefold() for name in users}
        spn_keys = {names.loose(spn) for spn in spns}
        found: list[Computer] = []
        for computer in self._computers():
            is_named = computer.account.casefold() in account_names
            if is_named or computer.is_domain_controller or _holds(computer, spn_keys):
                found.append(computer)
        return found

    def spn_mappings(self) -> SpnMappings:
        """Where the forest's configuration was exported into the same file."""
        raw = filing.read(self._path)
        if _SPN_MAPPINGS.encode() not in raw.lower():
            return ASSUMED
        for record in ldif.records(ldif.document(raw, str(self._path))):
            if values := record.attributes.get(_SPN_MAPPINGS):
                return SpnMappings.of(value.decode(errors="replace") for value in values)
        return ASSUMED

    def read(self, guids: Collection[UUID]) -> Mapping[UUID, Computer]:
        asked = set(guids)
        computers = (computer for computer in self._computers() if computer.guid in asked)
        return {computer.guid: computer for computer in computers}

    def computers(self, pattern: str = "*") -> list[Computer]:
        only_stars = pattern.casefold().replace("[", "[[]").replace("?", "[?]")
        found: list[Computer] = []
        for computer in self._computers():
            is_computer = computer.account.endswith("$")
            if is_computer and fnmatchcase(computer.name.casefold(), only_stars):
                found.append(computer)
        return found

    def people(self, name: str) -> list[Computer]:
        """As Inspector.people; an export made for plans holds no people."""
        asked = OperatorName.parse(name.casefold())
        own = self._domain.casefold()
        principal = f"{asked.user}@{asked.domain or own}" if "\\" not in name else ""
        named, principals = [], []
        for account in self._computers():
            if names.naming_context(account.dn) != names.dn_key(names.domain_dn(own)):
                continue
            if account.principal is not None and account.principal.casefold() == principal:
                principals.append(account)
            elif account.account.casefold() == asked.user:
                named.append(account)
        # Whose principal it is wins, as on a domain controller; else it is user@domain by itself.
        if asked.is_principal:
            return principals or (named if asked.domain == own else [])
        return [*principals, *named]

    def domains(self) -> Mapping[str, str]:
        """None: the forest's configuration is hardly ever exported with accounts."""
        return {}

    def token(self, account: Computer) -> frozenset[str] | None:  # noqa: ARG002
        """None: which groups an account is in, nested ones too, only a DC tells."""
        return None

    def origins(self, accounts: Collection[Computer]) -> Mapping[UUID, AccountOrigin]:
        """By mS-DS-CreatorSID alone: no export is made with security descriptors."""
        called = self.account_names({account.creator for account in accounts})
        return {
            account.guid: AccountOrigin(called.get(account.creator, account.creator))
            for account in accounts
        }

    def account_names(self, sids: Collection[str]) -> Mapping[str, str]:
        accounts = (account for account in self._computers() if account.sid in sids)
        return {account.sid: account.account for account in accounts}

    def delegators(self, known: int, progress: Progress) -> Delegators:  # noqa: ARG002
        return delegators.of_export(self._path)

    def writable(self, guids: Collection[UUID]) -> Mapping[UUID, frozenset[str]] | None:  # noqa: ARG002
        """None: a file has no access control."""
        return None

    def own_token(self) -> frozenset[str] | None:
        """None: nobody logs on to a file."""

    def own_account(self) -> str | None:
        """None, likewise."""

    def close(self) -> None:
        """Nothing is held between two reads."""

    def _computers(self) -> tuple[Computer, ...]:
        """Parsed once for the same bytes."""
        raw = filing.read(self._path)
        digest = hashlib.sha256(raw).digest()
        if self._read[0] != digest:
            text = ldif.document(raw, str(self._path))
            accounts = exported_accounts.accounts_of(text, self._domain).values()
            self._read = (digest, tuple(account.computer for account in accounts))
        return self._read[1]


class OfflineDirectory(OfflineReader):
    """An export to change; implements reader.Writer."""

    window = sys.maxsize
    """All at once: the file is replaced once."""

    def look(self, targets: Collection[Target]) -> Mapping[UUID, Delegation | Absent]:
        return delegations(self, targets)

    def write(self, changes: Iterable[DelegationChange]) -> Iterator[DelegationOutcome]:
        """As Writer.write: all that AD would accept, in one replacement of the file."""
        in_order = list(changes)
        try:
            raw = filing.read(self._path)
            text = ldif.document(raw, str(self._path))
            draft = _ExportDraft(text, exported_accounts.accounts_of(text, self._domain))
        except DirectoryError as error:
            reason = "; ".join(filter(None, (error.what, error.fix)))
            for change in in_order:
                yield Outcome(change, Result.FAILED, reason, stops=True)
            return
        outcomes = [draft.take(change) for change in in_order]
        body = draft.body()
        # Written aside and renamed over the old file: a kill leaves one of the two, whole.
        why_not = "" if body == text.body else filing.swap(self._path, raw, text.encoded(body))
        for outcome in outcomes:
            if why_not and outcome.result is Result.APPLIED:
                yield Outcome(outcome.change, Result.FAILED, why_not, stops=True)
            else:
                yield outcome


class _ExportDraft:
    """The file's text while changes are made to it, one object after the other."""

    def __init__(self, text: ldif.Document, accounts: Mapping[UUID, ExportedAccount]) -> None:
        self._text = text
        self._accounts = accounts
        self._fold = editing.fold_of(text)
        self._edited: dict[UUID, tuple[Computer, bytes]] = {}

    def take(self, change: DelegationChange) -> DelegationOutcome:
        """The change made in the draft, or the directory's no to it."""
        try:
            self._make(change)
        except ModifyRefused as exc:
            is_full = exc.refusal is ModifyRefusal.ADMIN_LIMIT_EXCEEDED
            return Outcome(change, Result.FAILED if is_full else Result.REFUSED, str(exc))
        return Outcome(change, Result.APPLIED)

    def _make(self, change: DelegationChange) -> None:
        guid = change.target.guid
        account = self._accounts.get(guid)
        if account is None:
            what = f"{change.target.dn} is not in {self._text.file}"
            raise ModifyRefused(ModifyRefusal.NO_SUCH_OBJECT, what)
        record = self._text.body[account.start : account.end]
        computer, chunk = self._edited.get(guid, (account.computer, record))
        state = modify.applied(computer, change)
        lines = ldif.lines(chunk.removesuffix(b"\n"))
        if state.values != computer.values:
            lines = editing.with_values(
                lines, entries.ALLOWED_TO_DELEGATE_TO, state.values, self._fold
            )
        if state.uac != computer.uac:
            lines = editing.with_value(
                lines, entries.USER_ACCOUNT_CONTROL, str(state.uac), self._fold
            )
        changed = computer._replace(values=state.values, uac=state.uac)
        self._edited[guid] = changed, b"\n".join(lines) + b"\n"

    def body(self) -> bytes:
        """The whole text with what was edited in its places."""
        pieces: list[bytes] = []
        copied = 0
        for guid, account in self._accounts.items():
            if guid in self._edited:
                _, edited = self._edited[guid]
                pieces += (self._text.body[copied : account.start], edited)
                copied = account.end
        pieces.append(self._text.body[copied:])
        return b"".join(pieces)


def _holds(computer: Computer, spn_keys: Collection[str]) -> bool:
    """Whether it has an SPN of a managed service, or one of these."""
    keys = [names.loose(spn) for spn in computer.spns]
    return any(key.startswith(exported_accounts.MANAGED) or key in spn_keys for key in keys)
