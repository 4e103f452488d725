"""Operators of another domain of the forest: hosts in a child domain, people in the root."""

from pathlib import Path
from uuid import UUID

import pytest

from tests.cli.program import Delegation
from tests.cli.world import finished

SENSITIVE, PLAIN = 0x100200, 0x200
ROOT = "DC=root,DC=example"


def person(name: str, number: int, *, base: str, uac: int = PLAIN, principal: str = "") -> str:
    lines = [
        f"dn: CN={name},CN=Users,{base}",
        *(f"objectClass: {one}" for one in ("top", "person", "user")),
        f"objectGUID: {UUID(int=number, version=4)}",
        f"userAccountControl: {uac}",
        "primaryGroupID: 513",
        f"sAMAccountName: {name}",
        *([f"userPrincipalName: {principal}"] if principal else []),
    ]
    return "\n".join(lines) + "\n\n"


HERE = person("vmadmin", 1, base="DC=corp,DC=example", uac=SENSITIVE)
THERE = person("vmadmin", 2, base=ROOT)
BY_SUFFIX = person(
    "jd", 3, base="DC=corp,DC=example", uac=SENSITIVE, principal="jane.doe@contoso.example"
)


@pytest.fixture
def both(here: Path) -> None:
    """An export of two domains: the one's vmadmin may not be delegated, the other's may."""
    people = (HERE + THERE + BY_SUFFIX).encode()
    (here / "directory.ldif").write_bytes(finished() + people)


@pytest.mark.parametrize(
    "name", ["ROOT\\vmadmin", "vmadmin@root.example", "root.example\\vmadmin", "vmadmin@x.example"]
)
@pytest.mark.usefixtures("both")
def test_one_of_another_domain_is_unknown(delegation: Delegation, name: str) -> None:
    ran = delegation("explain", "hv01", "hv02", "--as", name)
    assert ran.code == 0, ran.out
    assert "which is not looked at" in ran.out
    assert "not told: encryption types, operator, delegation" in ran.out
    audited = delegation("audit", "--as", name, "--format", "json")
    [finding] = audited.json["findings"]
    assert (finding["rule"], finding["severity"]) == ("KCD018", "low")
    assert audited.code == 0


@pytest.mark.parametrize(
    "name",
    [
        *("vmadmin", "CORP\\vmadmin", "corp.example\\VMADMIN", "vmadmin@corp.example"),
        *("jane.doe@contoso.example", "jd"),
    ],
)
@pytest.mark.usefixtures("both")
def test_one_of_this_domain_is_judged_whatever_he_is_called(
    delegation: Delegation, name: str
) -> None:
    """A suffix of a user principal name need not be a domain's."""
    ran = delegation("explain", "hv01", "hv02", "--as", name)
    assert (ran.code, "cannot be delegated" in ran.out) == (1, True), ran.out
    [finding] = delegation("audit", "--as", name, "--format", "json").json["findings"]
    assert finding["rule"] == "KCD017"


@pytest.mark.usefixtures("both")
def test_an_export_holds_not_everybody(delegation: Delegation) -> None:
    ran = delegation("explain", "hv01", "hv02", "--as", "CORP\\nobody")
    assert (ran.code, "this export holds no account CORP\\nobody" in ran.out) == (0, True)


def test_several_of_one_name_are_told_apart_as_it_says(delegation: Delegation, here: Path) -> None:
    """The one by his principal name, the other by his account's."""
    one = person("admin", 4, base="DC=corp,DC=example", uac=SENSITIVE)
    other = person("x7", 5, base="DC=corp,DC=example", principal="admin@corp.example")
    (here / "directory.ldif").write_bytes(finished() + (one + other).encode())
    ran = delegation("explain", "hv01", "hv02", "--as", "admin")
    assert (ran.code, "means several accounts" in ran.err) == (1, True)
    assert "DOMAIN\\user or user@domain" in ran.err
    assert delegation("explain", "hv01", "hv02", "--as", "CORP\\admin").code == 1
    assert delegation("explain", "hv01", "hv02", "--as", "admin@corp.example").code == 0
