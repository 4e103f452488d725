"""Who answers to a service principal name, and who an operator is."""

import pytest

from delegation.mesh import snapshot
from delegation.mesh.snapshot import NOT_DELEGATED, Operator, Snapshot
from tests.builders import DIRECTORY, computer, user

DOMAIN_SID = "S-1-5-21-1-2-3"
PROTECTED_USERS = f"{DOMAIN_SID}-525"


def found(*accounts: snapshot.Computer) -> Snapshot:
    return snapshot.resolve(DIRECTORY, [], accounts)


def owners(spn: str, *accounts: snapshot.Computer) -> list[str]:
    return [account.account for account in found(*accounts).owners(spn)]


HV02 = computer("hv02")._replace(spns=("HOST/HV02", "HOST/hv02.corp.example"))


@pytest.mark.parametrize("spn", ["cifs/hv02", "CIFS/HV02.corp.example", "HOST/hv02", "http/hv02"])
def test_host_stands_for_many_services(spn: str) -> None:
    assert owners(spn, HV02) == ["hv02$"]


@pytest.mark.parametrize("spn", ["MSSQLSvc/hv02", "ldap/hv02", "cifs/hv03", "cifs", "", "/hv02"])
def test_host_stands_for_no_other(spn: str) -> None:
    assert owners(spn, HV02) == []


def test_an_explicit_name_wins_over_host() -> None:
    assert owners("cifs/hv02", HV02, user("svc", "cifs/HV02")) == ["svc"]


def test_two_may_hold_the_same_name() -> None:
    assert owners("cifs/hv02", HV02, user("svc", "host/hv02")) == ["hv02$", "svc"]


@pytest.mark.parametrize(
    ("token", "expected"),
    [
        (None, None),
        (frozenset(), False),
        (frozenset({"S-1-5-21-9-9-9-525"}), False),
        (frozenset({PROTECTED_USERS}), True),
    ],
)
def test_protected_is_the_group_of_the_own_domain(
    token: frozenset[str] | None,
    expected: bool | None,  # noqa: FBT001 - a column of the table
) -> None:
    account = user("vmadmin")._replace(sid=f"{DOMAIN_SID}-1104")
    assert Operator("vmadmin", account, token).protected is expected


def test_an_operator_may_be_flagged() -> None:
    account = user("vmadmin")
    assert not Operator("vmadmin", account).not_delegated
    assert Operator("x", account._replace(uac=account.uac | NOT_DELEGATED)).not_delegated
    assert not Operator("x", None).not_delegated
    assert Operator("x", None, frozenset()).protected is None
