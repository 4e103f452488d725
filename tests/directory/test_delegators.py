"""Whoever has a list of its own, as far as it may be seen: nothing of a stranger ends an audit."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from uuid import UUID

import pytest

from delegation.directory import delegators
from delegation.errors import DirectoryError
from delegation.mesh.delegator import Delegator

DN = "CN=web,CN=Users,DC=corp,DC=example"
GUID = UUID(int=7)
WHOLE: Mapping[str, Sequence[bytes]] = {
    "samaccountname": [b"svc-web"],
    "objectguid": [GUID.bytes_le],
    "useraccountcontrol": [b"16777728"],
    "msds-allowedtodelegateto": [b"cifs/hv01", b"HTTP/x"],
}


def test_all_of_it() -> None:
    found = delegators.delegator(DN, WHOLE)
    assert found == Delegator("svc-web", DN, GUID, 16777728, ("cifs/hv01", "HTTP/x"))
    assert (found.transition, found.is_disabled, found.is_sensitive) == (True, False, False)
    assert found.identity == str(GUID)


def test_what_is_not_seen_is_unknown() -> None:
    found = delegators.delegator(DN, {"msds-allowedtodelegateto": [b"cifs/hv01"]})
    assert (found.name, found.guid, found.uac) == (DN, None, None)
    assert (found.transition, found.is_sensitive, found.is_disabled) == (None, None, False)
    assert found.identity == DN.casefold()


@pytest.mark.parametrize(
    ("attribute", "values"),
    [
        ("useraccountcontrol", [b"many"]),
        ("useraccountcontrol", [b"\xd9\xa1"]),
        ("useraccountcontrol", [b"1", b"2"]),
        ("useraccountcontrol", [b""]),
        ("objectguid", [b"short"]),
        ("objectguid", [b"\xff" * 17]),
        ("samaccountname", [b"\xff\xfe"]),
        ("msds-allowedtodelegateto", [b"\xff/hv01", b""]),
    ],
)
def test_nothing_that_it_holds_is_an_error(attribute: str, values: list[bytes]) -> None:
    found = delegators.delegator(DN, {**WHOLE, attribute: values})
    assert found.dn == DN
    if attribute == "useraccountcontrol":
        assert found.uac is None


def test_those_of_an_export(tmp_path: Path) -> None:
    """Whatever else of them was exported; krbtgt, who has no list, and nobody who was deleted."""
    path = tmp_path / "export.ldif"
    path.write_text(
        "dn: CN=a,DC=corp,DC=example\nmsDS-AllowedToDelegateTo: cifs/hv01\n\n"
        "dn: CN=b,DC=corp,DC=example\nsAMAccountName: b\n\n"
        "dn: CN=c,DC=corp,DC=example\nisDeleted: TRUE\nmsDS-AllowedToDelegateTo: cifs/hv01\n\n"
        "dn: CN=k,DC=corp,DC=example\nsAMAccountName: KRBTGT\nuserAccountControl: 1049090\n\n",
        encoding="utf-8",
    )
    found = {one.dn[:4]: one for one in delegators.of_export(path)}
    assert found.keys() == {"CN=a", "CN=k"}
    assert (found["CN=k"].is_krbtgt, found["CN=k"].is_sensitive) == (True, True)
    with pytest.raises(DirectoryError):
        delegators.of_export(tmp_path / "none.ldif")
