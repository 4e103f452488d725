"""An export as records -> its accounts, each with its place in the text."""

from typing import NamedTuple
from uuid import UUID

from delegation import names
from delegation.directory import editing, entries, ldif
from delegation.directory.ldif import LdifRecord
from delegation.errors import DirectoryError, ExportError
from delegation.mesh.snapshot import Computer

MANAGED = tuple(f"{service}/".casefold() for service in names.MANAGED_SERVICES)
_ACCOUNT_CLASSES = frozenset({b"top", b"person", b"organizationalperson", b"user", b"computer"})
_SAM = entries.SAM_ACCOUNT_NAME.casefold()
_UAC = entries.USER_ACCOUNT_CONTROL.casefold()
_CLASS = entries.OBJECT_CLASS.casefold()
_SPN = entries.SERVICE_PRINCIPAL_NAME.casefold()


class ExportedAccount(NamedTuple):
    """An account of the file, and where its record lies in the text."""

    computer: Computer
    start: int
    end: int


def accounts_of(text: ldif.Document, domain: str) -> dict[UUID, ExportedAccount]:
    """The computers of a file, and its users as far as they are whole, in the file's order."""
    home = names.domain_dn(domain).casefold()
    is_of_domain = False
    accounts: dict[UUID, ExportedAccount] = {}
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
            accounts[computer.guid] = ExportedAccount(computer, record.start, record.end)
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
    return any(spn.decode(errors="replace").casefold().startswith(MANAGED) for spn in spns)


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
