"""Attributes of an account -> Computer, the same for LDAP answers and for LDIF exports.

Attribute names come in casefolded, values as the directory's bytes; a Computer goes out, or a
DirectoryError that names the account and the attribute. Nothing is filtered here: whoever asks
decides which accounts it wants. A sAMAccountName that does not end in ``$`` is a user's, who may
hold a host's service principal name; such an account keeps its name in full.

Objects are known by objectGUID and accounts by objectSid: names change, are given again to other
accounts, and in the case of built-in groups differ by the language of Windows.
"""

import re
import struct
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid5

from delegation import names
from delegation.errors import DirectoryError
from delegation.mesh.snapshot import Ace, Computer

SAM_ACCOUNT_NAME = "sAMAccountName"
OBJECT_GUID = "objectGUID"
OBJECT_CLASS = "objectClass"
USER_ACCOUNT_CONTROL = "userAccountControl"
PRIMARY_GROUP_ID = "primaryGroupID"
DNS_HOST_NAME = "dNSHostName"
SERVICE_PRINCIPAL_NAME = "servicePrincipalName"
ALLOWED_TO_DELEGATE_TO = "msDS-AllowedToDelegateTo"
ALLOWED_TO_ACT = "msDS-AllowedToActOnBehalfOfOtherIdentity"
OBJECT_SID = "objectSid"
ADMIN_COUNT = "adminCount"
LAST_LOGON = "lastLogonTimestamp"
WHEN_CREATED = "whenCreated"
CREATOR_SID = "mS-DS-CreatorSID"
MORE_NAMES = "msDS-AdditionalDnsHostName"
PRINCIPAL_NAME = "userPrincipalName"
ENCRYPTION_TYPES = "msDS-SupportedEncryptionTypes"

ATTRIBUTES = (
    SAM_ACCOUNT_NAME,
    OBJECT_GUID,
    OBJECT_CLASS,
    USER_ACCOUNT_CONTROL,
    PRIMARY_GROUP_ID,
    DNS_HOST_NAME,
    SERVICE_PRINCIPAL_NAME,
    ALLOWED_TO_DELEGATE_TO,
    ALLOWED_TO_ACT,
    OBJECT_SID,
    ADMIN_COUNT,
    LAST_LOGON,
    WHEN_CREATED,
    CREATOR_SID,
    MORE_NAMES,
    PRINCIPAL_NAME,
    ENCRYPTION_TYPES,
)
"""What to ask a directory for: all that a Computer is made of."""

STATE = (
    SAM_ACCOUNT_NAME,
    OBJECT_GUID,
    USER_ACCOUNT_CONTROL,
    PRIMARY_GROUP_ID,
    ALLOWED_TO_DELEGATE_TO,
)
"""What to ask for where only the state that changes touch is wanted."""

WITHOUT_GUID = UUID("4b7f6c0e-7a0e-5d0b-9a5c-2f6d3c1e8a41")
"""Namespace of the identities made for objects whose objectGUID was not exported (ldifde -m)."""

Attributes = Mapping[str, Sequence[bytes]]
"""Values by casefolded attribute name, each in the directory's order."""

_INTEGER = re.compile(rb"-?[0-9]{1,10}\Z")
_READ_AGAIN = (
    f"export again with {USER_ACCOUNT_CONTROL} and {SAM_ACCOUNT_NAME}, as a reader of both"
)


def computer(dn: str, attributes: Attributes) -> Computer:
    """The account that ``attributes`` describe.

    Raises DirectoryError where sAMAccountName or userAccountControl is missing, a value can't be
    what its attribute holds, or a list came in part only (MS-ADTS 3.1.1.3.1.3.3, range retrieval).
    """
    _refuse_parts(dn, attributes)
    name = _one_text(dn, attributes, SAM_ACCOUNT_NAME)
    uac = _integer(dn, attributes, USER_ACCOUNT_CONTROL)
    if not name or name == "$" or uac is None:
        absent = USER_ACCOUNT_CONTROL if uac is None else SAM_ACCOUNT_NAME
        raise DirectoryError(f"{dn} has no {absent}", _READ_AGAIN)
    classes = _texts(dn, attributes, OBJECT_CLASS)
    return Computer(
        account=name,
        dn=dn,
        guid=_guid(dn, attributes),
        uac=uac,
        values=_texts(dn, attributes, ALLOWED_TO_DELEGATE_TO),
        dns_host_name=_one_text(dn, attributes, DNS_HOST_NAME),
        primary_group=_integer(dn, attributes, PRIMARY_GROUP_ID),
        spns=_texts(dn, attributes, SERVICE_PRINCIPAL_NAME),
        object_classes=frozenset(value.casefold() for value in classes),
        sid=_sid(dn, attributes, OBJECT_SID),
        acting=_acting(dn, attributes),
        admin_count=_integer(dn, attributes, ADMIN_COUNT) or 0,
        last_logon=_day(_one(dn, attributes, LAST_LOGON)),
        created=_moment(_one(dn, attributes, WHEN_CREATED)),
        creator=_sid(dn, attributes, CREATOR_SID),
        more_names=_texts(dn, attributes, MORE_NAMES),
        principal=_one_text(dn, attributes, PRINCIPAL_NAME),
        encryption_types=_integer(dn, attributes, ENCRYPTION_TYPES),
    )


_NEEDED = (SAM_ACCOUNT_NAME, USER_ACCOUNT_CONTROL, OBJECT_GUID)


def refuse_unseen(dn: str, values: Attributes) -> None:
    """Every account has these: where one does not come, who asks may not see it.

    Flags that can't be seen are unknown, and never 0: an account that may delegate to everything
    would look clean.
    """
    unseen = [name for name in _NEEDED if not values.get(name.casefold())]
    if unseen:
        raise DirectoryError(
            f"{dn} has {', '.join(unseen)} that this logon may not see: what it is stays unknown",
            "log on as an account that may read all of the account's attributes",
        )


_KEYS = {name: name.casefold() for name in ATTRIBUTES}


def _refuse_parts(dn: str, attributes: Attributes) -> None:
    """A DC gives at most 1,500 values at once: to a tool that does not ask on, the rest is gone.

    Planning from such a list would add what is there, and leave what is to go.
    """
    for key in attributes:
        name, semicolon, options = key.partition(";")
        if semicolon and "range=" in options and name in _KEYS.values():
            raise DirectoryError(
                f"{dn} has only a part of its values, as {key}",
                "export again with all values of the attribute",
            )


def _one(dn: str, attributes: Attributes, name: str) -> bytes | None:
    """The value of a single-valued attribute; None where it is not there."""
    values = attributes.get(_KEYS[name], ())
    if len(values) > 1:
        raise DirectoryError(
            f"{dn} has {len(values)} values of {name}, which holds one",
            "export again; this is not how a directory answers",
        )
    return values[0] if values else None


def _text(dn: str, name: str, value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError as exc:
        raise DirectoryError(
            f"{dn} has a value of {name} that is not UTF-8: {value[:40]!r}",
            "export again as UTF-8, or with ldifde -u",
        ) from exc


def _texts(dn: str, attributes: Attributes, name: str) -> tuple[str, ...]:
    values = attributes.get(_KEYS[name], ())
    try:
        # In a mesh each value stands on every peer: interned, it is in memory once.
        return tuple([sys.intern(value.decode()) for value in values])
    except UnicodeDecodeError:
        return tuple(_text(dn, name, value) for value in values)  # says which it is


def _one_text(dn: str, attributes: Attributes, name: str) -> str | None:
    value = _one(dn, attributes, name)
    return _text(dn, name, value) if value else None


def _integer(dn: str, attributes: Attributes, name: str) -> int | None:
    value = _one(dn, attributes, name)
    if value is None:
        return None
    if not _INTEGER.match(value):
        raise DirectoryError(f"{dn} has {name} {value[:40]!r}, not a whole number", "export again")
    return int(value)


_TICKS_A_DAY = 24 * 60 * 60 * 10_000_000
_FIRST_DAY = date(1601, 1, 1)


def _day(filetime: bytes | None) -> date | None:
    """The day of a FILETIME, 100 ns since 1601 (MS-DTYP 2.3.3); None of 0, and of what is none.

    Nothing that is written rests on it, so that what can't be read is unknown and no error.
    """
    if filetime is None or not _FILETIME.match(filetime) or filetime == b"0":
        return None
    days = int(filetime) // _TICKS_A_DAY
    return _FIRST_DAY + timedelta(days) if days < _MOST_DAYS else None


_FILETIME = re.compile(rb"[0-9]{1,19}\Z")
_MOST_DAYS = (date.max - _FIRST_DAY).days


def _moment(text: bytes | None) -> datetime | None:
    """A time as LDAP writes it, 20261130172246.0Z (RFC 4517 3.3.13); None of what is none.

    Like a day of logon it is told and never gone by.
    """
    found = _TIME.match(text) if text is not None else None
    if found is None:
        return None
    try:
        # Not strptime, which loads a module of its own.
        year, month, day, hour, minute, second = map(int, found.groups())
        return datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        return None


_TIME = re.compile(rb"(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(?:[.,]\d+)?Z\Z")


def guid_of_name(dn: str) -> UUID:
    """What stands for the objectGUID of an object that was exported without it."""
    return uuid5(WITHOUT_GUID, names.dn_key(dn))


def _guid(dn: str, attributes: Attributes) -> UUID:
    """objectGUID, little-endian (MS-DTYP 2.3.4.2); as text where ldbsearch wrote it so."""
    value = _one(dn, attributes, OBJECT_GUID)
    if value is None:
        return guid_of_name(dn)
    if len(value) == 16:
        return UUID(bytes_le=value)
    try:
        return UUID(value.decode("ascii"))
    except ValueError as exc:
        raise DirectoryError(
            f"{dn} has {OBJECT_GUID} {value[:40]!r}, not 16 bytes", "export again"
        ) from exc


def sid_text(raw: bytes) -> str:
    """``S-1-5-21-…`` of a binary SID (MS-DTYP 2.4.2). Raises ValueError where it is none."""
    if len(raw) < 8 or len(raw) != 8 + 4 * raw[1]:
        raise ValueError(f"{raw[:40]!r} is no SID")
    revision, count = raw[0], raw[1]
    authority = int.from_bytes(raw[2:8], "big")
    parts = struct.unpack_from(f"<{count}I", raw, 8)
    return "-".join(["S", str(revision), str(authority), *map(str, parts)])


def sid_bytes(text: str) -> bytes:
    """The binary form of ``S-1-5-21-…``. Raises ValueError where it is no SID."""
    if not _SID.match(text):
        raise ValueError(f"{text!r} is no SID")
    revision, authority, *parts = (int(part) for part in text.split("-")[1:])
    head = bytes([revision, len(parts)]) + authority.to_bytes(6, "big")
    return head + struct.pack(f"<{len(parts)}I", *parts)


_SID = re.compile(r"S-1-[0-9]{1,14}(?:-[0-9]{1,10}){0,15}\Z")


def _sid(dn: str, attributes: Attributes, name: str) -> str:
    """A single SID; as text where ldbsearch wrote it so, empty where it is not there."""
    value = _one(dn, attributes, name)
    if value is None:
        return ""
    text = value.decode("ascii", "replace")
    if _SID.match(text):
        return text
    try:
        return sid_text(value)
    except ValueError as exc:
        raise DirectoryError(f"{dn} has {name} {exc}", "export again") from exc


def _acting(dn: str, attributes: Attributes) -> tuple[Ace, ...]:
    value = _one(dn, attributes, ALLOWED_TO_ACT)
    if value is None:
        return ()
    from delegation.directory.descriptors import access_list

    try:
        return access_list(value)
    except ValueError as exc:
        raise DirectoryError(f"{dn} has {ALLOWED_TO_ACT}, {exc}", "export again") from exc
