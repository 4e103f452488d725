"""Facts that several judges rest on."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delegation.mesh import facts, snapshot
from delegation.mesh.facts import NoAccount, ValueCount
from delegation.mesh.snapshot import NOT_DELEGATED, Directory, Operator
from tests.builders import BASE, DIRECTORY, DOMAIN, computer, user

ELSEWHERE = "DC=other,DC=example"
DOMAIN_SID = "S-1-5-21-1-1-1"


@pytest.mark.parametrize(
    ("accounts", "bases", "kind", "words"),
    [
        ([], (), NoAccount.MISSING, f"there is no computer hv01$ in {BASE}"),
        (
            [computer("hv01"), computer("hv01")._replace(dn=f"CN=HV01,OU=Lab,{BASE}")],
            (),
            NoAccount.AMBIGUOUS,
            "several accounts are hv01$",
        ),
        ([computer("hv01")], (f"OU=Lab,{BASE}",), NoAccount.OUTSIDE, "directory.search_base"),
        ([computer("hv01", base=ELSEWHERE)], (), NoAccount.OTHER_DOMAIN, "in another domain"),
    ],
)
def test_why_a_name_is_no_account(
    accounts: list[snapshot.Computer], bases: tuple[str, ...], kind: NoAccount, words: str
) -> None:
    found = snapshot.resolve(DIRECTORY, ["hv01"], accounts, bases)
    trouble = facts.why_no_account(found, "hv01")
    assert trouble is not None
    assert trouble[0] is kind
    assert words in trouble[1]


def test_an_account_is_no_trouble() -> None:
    found = snapshot.resolve(DIRECTORY, ["hv01"], [computer("hv01")])
    assert facts.why_no_account(found, "hv01") is None


def test_a_suffix_is_no_domain() -> None:
    """A disjoint namespace: the domain is told by the naming context."""
    assert facts.is_home(DIRECTORY, f"CN=HV01,{BASE}")
    assert not facts.is_home(DIRECTORY, f"CN=HV01,DC=lab,{BASE}")
    assert facts.has_fqdn(computer("hv01", dns="hv01.lab.other"), "HV01.lab.other")
    assert not facts.has_fqdn(computer("hv01", dns=None), "hv01")


@pytest.mark.parametrize(
    ("name", "is_it"), [("krbtgt", True), ("KRBTGT_12345", True), ("krbtgtx", False), ("a", False)]
)
def test_the_account_of_the_kdc(name: str, is_it: bool) -> None:  # noqa: FBT001
    assert facts.is_krbtgt(name) is is_it


@pytest.mark.parametrize(
    ("value", "danger"),
    [
        ("cifs/DC1", "domain controller"),
        ("HTTP/dc1:8080/x", "domain controller"),
        ("ldap/dc1.", "domain controller"),
        ("ldap/d\uff431\u200b", "domain controller"),
        ("cifs/dc10", ""),
        ("dc1", "domain controller"),
        ("DC1$", "domain controller"),
        ("DC1$@CORP.EXAMPLE", "domain controller"),
        ("dc10$", ""),
        ("", ""),
        ("$", ""),
        ("krbtgt", "krbtgt"),
        ("KRBTGT_12345", "krbtgt"),
        ("krbtgt/CORP.EXAMPLE", "krbtgt"),
        ("kadmin/changepw", "krbtgt"),
        ("krbtgtx", ""),
    ],
)
def test_a_value_is_dangerous_by_what_it_names(value: str, danger: str) -> None:
    found = facts.danger_by_name(value, {"dc1"})
    assert danger in found
    assert bool(found) is bool(danger)


@given(st.integers(0, 3000), st.integers(1, 2000))
def test_what_is_beyond_is_near_and_has_no_room(count: int, limit: int) -> None:
    held = ValueCount(count, limit)
    assert held.room == max(limit - count, 0)
    assert not held.is_beyond or (held.is_near and held.room == 0)
    assert held.is_near == (count / limit >= 0.8)


def test_what_keeps_an_operator_from_being_delegated() -> None:
    account = user("joe")._replace(sid=f"{DOMAIN_SID}-1104")
    protected = frozenset({f"{DOMAIN_SID}-525"})
    assert facts.bars_to_delegation(Operator("joe", account, frozenset())) == []
    assert facts.bars_to_delegation(Operator("joe", account)) == [], "that is not told"
    assert facts.bars_to_delegation(Operator("joe", account, protected)) == [facts.PROTECTED]
    sensitive = account._replace(uac=account.uac | NOT_DELEGATED)
    both = [facts.SENSITIVE, facts.PROTECTED]
    assert facts.bars_to_delegation(Operator("joe", sensitive, protected)) == both


def test_a_file_is_no_directory() -> None:
    assert facts.is_export(Directory("ldif:x.ldf", DOMAIN, BASE, "x.ldf"))
    assert not facts.is_export(DIRECTORY)
