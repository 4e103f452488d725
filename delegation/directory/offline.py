"""``ldif:FILE``: an export as a directory, with Active Directory's rules and its errors.

A read looks at the file as it is then and holds no lock on it. A write changes lines of the named
objects only, and replaces the file once, by renaming a new one over it.
"""

import hashlib
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from uuid import UUID

from delegation import names
from delegation.changes.outcomes import Absent, Outcome, Result
from delegation.changes.plan import Target
from delegation.directory import delegators, editing, entries, filing, ldif, modify
from delegation.directory.delegators import Delegators
from delegation.directory.ldif import LdifRecord
from delegation.directory.modify import ModifyRefusal, ModifyRefused
from delegation.errors import DirectoryError, ExportError
from delegation.events import Progress
from delegation.mesh.seams import delegations
from delegation.mesh.snapshot import Computer, Directory
from delegation.mesh.spn_mappings import ASSUMED, SpnMappings
from delegation.mesh.state import Delegation, DelegationChange, DelegationOutcome

_MANAGED = tuple(f"{service}/".casefold() for service in names.MANAGED_SERVICES)
_ACCOUNT_CLASSES = frozenset({b"top", b"person", b"organizationalperson", b"user", b"computer"})
_SAM = entries.SAM_ACCOUNT_NAME.casefold()
_UAC = entries.USER_ACCOUNT_CONTROL.casefold()
_CLASS = entries.OBJECT_CLASS.casefold()
_SPN = entries.SERVICE_PRINCIPAL_NAME.casefold()
_SPN_MAPPINGS = "spnmappings"


@dataclass(frozen=True, slots=True)
class _Account:
    """An account of the file, and where its record lies in the text."""

    computer: Computer
    start: int
    end: int


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
        """As Inspector.people, by sAMAccountName; an export made for plans holds no people."""
        user = name.rpartition("\\")[2].partition("@")[0].casefold()
        return [account for account in self._computers() if account.account.casefold() == user]

    def token(self, account: Computer) -> frozenset[str] | None:  # noqa: ARG002
        """None: which groups an account is in, nested ones too, only a DC tells."""
        return None

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
            accounts = _accounts(text, self._domain).values()
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
            draft = _ExportDraft(text, _accounts(text, self._domain))
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

    def __init__(self, text: ldif.Document, accounts: Mapping[UUID, _Account]) -> None:
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
        changed = replace(computer, values=state.values, uac=state.uac)
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
    return any(key.startswith(_MANAGED) or key in spn_keys for key in keys)


def _accounts(text: ldif.Document, domain: str) -> dict[UUID, _Account]:
    """The computers of a file, and its users as far as they are whole, in the file's order."""
    home = names.domain_dn(domain).casefold()
    is_of_domain = False
    accounts: dict[UUID, _Account] = {}
    line_of: dict[str, int] = {}
    for record in ldif.records(text):
        first_line = line_of.setdefault(names.dn_key(record.dn), record.line)
        if first_line != record.line:
            what = f"{record.dn} stands in line {first_line} already"
            text.refuse(record.start, what, "leave one record an object")
        is_of_domain = is_of_domain or names.naming_context(record.dn) == home
        _refuse_cut_off(text, record)
        if _is_account(record):
            computer = _computer(text, record)
            if computer.guid in accounts:
                other = accounts[computer.guid].computer
                what = f"{record.dn} has the objectGUID of {other.dn}"
                text.refuse(record.start, what, ldif.EXPORT_AGAIN)
            accounts[computer.guid] = _Account(computer, record.start, record.end)
    if not is_of_domain:
        raise ExportError(
            f"{text.file}: none of its {len(line_of)} objects lies in the domain {domain}",
            f"give an export of {names.domain_dn(domain)}, or correct the inventory's domain",
        )
    return accounts


def _is_account(record: LdifRecord) -> bool:
    """Whether a plan has to see it: a computer, a whole user, or who holds a managed SPN."""
    if record.attributes.get("isdeleted") == [b"TRUE"]:
        return False
    if any(name.endswith(b"$") for name in record.attributes.get(_SAM, ())):
        return True
    classes = record.attributes.get(_CLASS, ())
    if any(name.lower() == b"computer" for name in classes):
        return True
    if _SAM in record.attributes and _UAC in record.attributes:
        return True
    spns = record.attributes.get(_SPN, ())
    return any(spn.decode(errors="replace").casefold().startswith(_MANAGED) for spn in spns)


def _refuse_cut_off(text: ldif.Document, record: LdifRecord) -> None:
    """The last record, where no blank line closes it, has to be whole as far as one can tell.

    A cut between two values leaves no trace, unless ldapsearch or ldbsearch framed the file.
    """
    if record.closed:
        return
    classes = {name.lower() for name in record.attributes.get(_CLASS, ())}
    lacks_its_name = _SAM not in record.attributes and classes <= _ACCOUNT_CLASSES
    last_line = ldif.lines(text.body[record.start : record.end - 1])[-1]
    if lacks_its_name or editing.may_go_on(last_line, editing.fold_of(text)):
        text.refuse(
            record.end - 1,
            f"{record.dn}, the last record, was cut off",
            f"{ldif.EXPORT_AGAIN}; where it is complete, end the file with an empty line",
        )


def _computer(text: ldif.Document, record: LdifRecord) -> Computer:
    try:
        return entries.computer(record.dn, record.attributes)
    except DirectoryError as error:
        raise ExportError(f"{text.file}:{record.line}: {error.what}", error.fix) from error
