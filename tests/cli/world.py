"""A small world for the command line: an LDIF export with a few computers, and an inventory of it.

``account("HV01", "cifs/hv02")`` is the record of the computer HV01$ that may delegate to cifs/hv02.
"""

import base64
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple
from uuid import NAMESPACE_DNS, UUID, uuid5

from delegation.directory import ldif

ROOT = Path(__file__).resolve().parents[2]
"""The checkout."""

DOMAIN = "corp.example"
BASE = "DC=corp,DC=example"
MIGRATION = "Microsoft Virtual System Migration Service"

MEMBER = 0x1000
"""userAccountControl of a member server, and bits that may be added to it."""
DISABLED = 0x2
CONTROLLER = 0x2000
UNCONSTRAINED = 0x80000
TRANSITION = 0x1000000

INVENTORY = """\
domain: corp.example
directory:
  url: ldif:directory.ldif
hosts:
  hv[01-03]:
"""
"""Three hosts in one mesh, and the export beside the inventory as the directory."""


def forms(*hosts: str) -> list[str]:
    """The values that lead to these hosts: both services, short name and FQDN."""
    return [
        f"{service}/{name}"
        for host in hosts
        for service in ("cifs", MIGRATION)
        for name in (host, f"{host}.{DOMAIN}")
    ]


def undo_file(state: Path, run: int) -> Path:
    """The one undo file of that run in a state folder."""
    [path] = state.glob(f"run-{run}-*-undo.ldif")
    return path


def account(
    name: str,
    *values: str,
    uac: int = MEMBER,
    unit: str = "Hyper-V",
    base: str = BASE,
    dn: str | None = None,
    fqdn: str | None = None,
    sam: str | None = None,
    spns: Sequence[str] | None = None,
    group: int = 515,
    guid: UUID | None = None,
) -> str:
    """One computer as ldapsearch prints it, with base64 where a text is not plain."""
    dn = dn or f"CN={name},OU={unit},{base}"
    host = name.lower()
    if spns is None:
        spns = [f"{MIGRATION}/{name}", f"{MIGRATION}/{host}.{DOMAIN}", f"HOST/{name}"]
        spns.append(f"HOST/{host}.{DOMAIN}")
    guid = guid or uuid5(NAMESPACE_DNS, dn)
    lines = [
        _line("dn", dn),
        *(f"objectClass: {one}" for one in ("top", "person", "user", "computer")),
        f"objectGUID:: {base64.b64encode(guid.bytes_le).decode()}",
        f"userAccountControl: {uac}",
        f"primaryGroupID: {group}",
        _line("sAMAccountName", sam or f"{name}$"),
        _line("dNSHostName", fqdn or f"{host}.{DOMAIN}"),
        *(_line("servicePrincipalName", spn) for spn in spns),
        *(_line("msDS-AllowedToDelegateTo", value) for value in values),
    ]
    return "\n".join(lines) + "\n\n"


def controller(name: str = "DC1") -> str:
    spns = [f"HOST/{name}", f"ldap/{name.lower()}.{DOMAIN}"]
    uac = CONTROLLER | UNCONSTRAINED
    return account(name, unit="Domain Controllers", uac=uac, group=516, spns=spns)


def directory(*records: str) -> bytes:
    """An export: one domain controller and these records."""
    return "".join([controller(), *records]).encode()


def plain() -> bytes:
    """An export with HV01 to HV03, which may not delegate anything yet."""
    return directory(account("HV01"), account("HV02"), account("HV03"))


def finished() -> bytes:
    """The same, as an apply of INVENTORY leaves it."""
    names = ("hv01", "hv02", "hv03")
    return directory(
        *(
            account(one.upper(), *forms(*(n for n in names if n != one)), uac=MEMBER | TRANSITION)
            for one in names
        )
    )


class Held(NamedTuple):
    """What one computer account holds."""

    values: frozenset[str]
    uac: int


def held(path: Path) -> dict[str, Held]:
    """What an export says, by computer name in lower case."""
    return holdings(path.read_bytes(), str(path))


def holdings(raw: bytes, file: str = "export") -> dict[str, Held]:
    found = {}
    for record in ldif.records(ldif.document(raw, file)):
        [sam] = record.attributes["samaccountname"]
        values = record.attributes.get("msds-allowedtodelegateto", [])
        [uac] = record.attributes["useraccountcontrol"]
        name = sam.decode().removesuffix("$").lower()
        found[name] = Held(frozenset(value.decode() for value in values), int(uac))
    return found


def tree(folder: Path) -> dict[str, bytes | None]:
    """Every file below ``folder`` with its bytes, every folder with None."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in sorted(folder.rglob("*"))
    }


def edited(path: Path, **values: Iterable[str]) -> None:
    """Somebody edits the export by hand: these hosts hold these values now, flags as they were."""
    now = held(path)
    records = []
    for name, one in now.items():
        if name == "dc1":
            continue
        wanted = sorted(values.get(name, one.values))
        records.append(account(name.upper(), *wanted, uac=one.uac))
    path.write_bytes(directory(*records))


def apply_change_file(
    text: str, before: Mapping[str, Held], dns: Mapping[str, str]
) -> dict[str, Held]:
    """What a directory holds after ``ldapmodify`` has read a change file; strict as a DC is.

    ``dns`` gives the computer of each distinguished name.
    """
    after = dict(before)
    uncommented = "".join(
        line for line in text.splitlines(keepends=True) if not line.startswith("#")
    )
    for chunk in uncommented.removeprefix("version: 1\n").strip("\n").split("\n\n"):
        lines = [_parsed(line) for line in ldif.lines(chunk.encode())]
        (_, dn), (_, changetype), *rest = lines
        assert changetype == "modify"
        values, uac = set(after[dns[dn]].values), after[dns[dn]].uac
        operation = attribute = ""
        for name, value in rest:
            if name == "-":
                operation = ""
            elif not operation:
                operation, attribute = name, value
                assert operation in {"add", "delete"}
            else:
                assert name == attribute
                uac = _modified(values, uac, operation, attribute, value)
        after[dns[dn]] = Held(frozenset(values), uac)
    return after


def _modified(values: set[str], uac: int, operation: str, attribute: str, value: str) -> int:
    if attribute == "userAccountControl":
        if operation == "delete":
            assert uac == int(value)
        return int(value)
    assert attribute == "msDS-AllowedToDelegateTo"
    assert (value in values) is (operation == "delete")
    values.symmetric_difference_update({value})
    return uac


def _parsed(line: bytes) -> tuple[str, str]:
    if line == b"-":
        return "-", ""
    name, _, rest = ldif.unfolded(line).partition(b":")
    return name.decode(), ldif.value(rest).decode()


def _line(attribute: str, text: str) -> str:
    if text.isascii() and text.isprintable() and text == text.strip() and text[:1] not in ":<":
        return f"{attribute}: {text}"
    return f"{attribute}:: {base64.b64encode(text.encode()).decode()}"
