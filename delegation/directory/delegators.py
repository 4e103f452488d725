"""Attributes of whoever may delegate -> Delegator: nothing of a stranger ends an audit.

Among all accounts of a domain is always one that this logon may see in part, or that holds what
nobody expects. The accounts of the inventory are read otherwise, and strictly (``entries``).
"""

from pathlib import Path
from uuid import UUID

from delegation.directory import entries, filing, filters, ldif
from delegation.directory.entries import Attributes
from delegation.mesh.delegator import Delegator

ATTRIBUTES = (
    entries.SAM_ACCOUNT_NAME,
    entries.OBJECT_GUID,
    entries.USER_ACCOUNT_CONTROL,
    entries.ALLOWED_TO_DELEGATE_TO,
)
KRBTGT = "krbtgt"
TERMS = filters.any_of(
    (
        filters.present(entries.ALLOWED_TO_DELEGATE_TO),
        filters.equal(entries.SAM_ACCOUNT_NAME, KRBTGT),
    )
)
"""A domain controller has no index of who has a list: it reads all of its accounts."""

Delegators = list[Delegator]

_LIST = entries.ALLOWED_TO_DELEGATE_TO.casefold()
_SAM = entries.SAM_ACCOUNT_NAME.casefold()
_GUID_BYTES = 16


def delegator(dn: str, attributes: Attributes) -> Delegator:
    """What can be seen of it."""
    name = _text(attributes, entries.SAM_ACCOUNT_NAME)
    values = tuple(value.decode(errors="replace") for value in attributes.get(_LIST, ()))
    uac = _text(attributes, entries.USER_ACCOUNT_CONTROL)
    is_number = uac.removeprefix("-").isascii() and uac.removeprefix("-").isdecimal()
    return Delegator(name or dn, dn, _guid(attributes), int(uac) if is_number else None, values)


def of_export(path: Path) -> Delegators:
    """Those of an LDIF export, whatever else was exported of them. Raises ExportError."""
    found: Delegators = []
    for record in ldif.records(ldif.document(filing.read(path), str(path))):
        attributes = record.attributes
        is_krbtgt = any(name.lower() == KRBTGT.encode() for name in attributes.get(_SAM, ()))
        is_deleted = attributes.get("isdeleted") == [b"TRUE"]
        if (_LIST in attributes or is_krbtgt) and not is_deleted:
            one = delegator(record.dn, attributes)
            if entries.OBJECT_GUID.casefold() not in attributes:
                one = one._replace(guid=entries.guid_of_name(record.dn))
            found.append(one)
    return found


def _text(attributes: Attributes, name: str) -> str:
    """Of one value; empty where there is none, or several."""
    values = attributes.get(name.casefold(), ())
    return values[0].decode(errors="replace") if len(values) == 1 else ""


def _guid(attributes: Attributes) -> UUID | None:
    values = attributes.get(entries.OBJECT_GUID.casefold(), ())
    if len(values) != 1:
        return None
    if len(values[0]) == _GUID_BYTES:
        return UUID(bytes_le=values[0])
    try:
        return UUID(values[0].decode("ascii"))
    except ValueError:
        return None
