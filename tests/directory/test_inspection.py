"""A real domain controller asked about people, groups, rights and who holds what."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from delegation.directory.inspection import LdapInspector
from delegation.mesh.snapshot import Computer, Operator
from tests.directory.test_ldap import credentials, settings
from tests.lab import Lab, admin, independent, ldif
from tests.lab.configuration import state
from tests.lab.description import ADMINISTRATOR, OPERATOR, PROTECTED_OPERATOR, READER, WRITER
from tests.lab.programs import run_samba

pytestmark = pytest.mark.lab

ADMINISTRATORS = "S-1-5-32-544"
WRITTEN = {"msds-allowedtodelegateto", "useraccountcontrol"}


def inspector(lab: Lab, account: str = READER) -> LdapInspector:
    return LdapInspector(settings(lab), lab.domain, credentials(lab, account))


@pytest.fixture
def asked(fresh_lab: Lab) -> Iterator[LdapInspector]:
    with closing(inspector(fresh_lab)) as connected:
        yield connected


def one(asked: LdapInspector, name: str) -> Computer:
    (found,) = [account for account in asked.find([name]) if account.name == name]
    return found


def test_it_has_no_write(asked: LdapInspector) -> None:
    assert not hasattr(asked, "write")


def test_computers_by_pattern(asked: LdapInspector) -> None:
    assert {c.name for c in asked.computers("hv6*")} == {f"HV{n}" for n in range(60, 67)}
    assert {c.name for c in asked.computers("*01")} == {"HV01", "SOFS01"}
    assert len(asked.computers()) == 68
    assert asked.computers("hv(6*") == []


@pytest.mark.parametrize(
    "name", ["vmadmin", "VMADMIN", "vmadmin@corp.example", "CORP\\vmadmin", "vmadmin@CORP.EXAMPLE"]
)
def test_people_by_every_form_of_their_name(asked: LdapInspector, name: str) -> None:
    assert [account.account for account in asked.people(name)] == [OPERATOR]


@pytest.mark.parametrize("name", ["nobody", "*", "vmadmin@other.example", ")(cn=*", ""])
def test_nobody_answers_to_another_name(asked: LdapInspector, name: str) -> None:
    assert asked.people(name) == []


def test_a_user_without_a_principal_name_has_the_implicit_one(
    asked: LdapInspector, fresh_lab: Lab
) -> None:
    assert [a.account for a in asked.people(f"{ADMINISTRATOR}@{fresh_lab.domain}")] == [
        ADMINISTRATOR
    ]


def test_a_token_holds_nested_groups(asked: LdapInspector, fresh_lab: Lab) -> None:
    inner, outer = (f"CN={name},CN=Users,{fresh_lab.base_dn}" for name in ("inner", "outer"))
    (operator,) = asked.people(OPERATOR)
    protected = f"CN=Protected Users,CN=Users,{fresh_lab.base_dn}"
    assert Operator(OPERATOR, operator, asked.token(operator)).protected is False
    for dn, member in ((inner, operator.dn), (outer, inner)):
        name = dn.partition(",")[0].removeprefix("CN=")
        group: dict[str, list[str | bytes]] = {
            "objectClass": ["group"],
            "sAMAccountName": [name],
            "member": [member],
        }
        admin.modify(fresh_lab, ldif.addition(dn, group))
    admin.modify(fresh_lab, ldif.modification(protected, ("add", "member", [outer])))
    assert Operator(OPERATOR, operator, asked.token(operator)).protected is True


def test_a_flag_against_delegation_is_seen(asked: LdapInspector) -> None:
    (operator,) = asked.people(PROTECTED_OPERATOR)
    assert Operator(PROTECTED_OPERATOR, operator, None).not_delegated


def test_who_may_act_on_behalf_of_others(fresh_hardened_lab: Lab) -> None:
    with closing(inspector(fresh_hardened_lab)) as asked:
        hv01, hv03 = one(asked, "HV01"), one(asked, "HV03")
        assert hv01.acting == ()
        admin.set_rbcd(fresh_hardened_lab, "hv02", "hv01$", denied=["hv03$"])
        acting = one(asked, "HV02").acting
        assert [(ace.allows, ace.sid) for ace in acting] == [(False, hv03.sid), (True, hv01.sid)]
        assert asked.account_names([hv01.sid, hv03.sid, ADMINISTRATORS, "S-1-5-21-9-9-9-9"]) == {
            hv01.sid: "HV01$",
            hv03.sid: "HV03$",
            ADMINISTRATORS: "Administrators",
        }


@pytest.mark.parametrize(
    ("account", "expected"), [(WRITER, WRITTEN), (READER, set()), (ADMINISTRATOR, WRITTEN)]
)
def test_what_an_account_may_write(fresh_lab: Lab, account: str, expected: set[str]) -> None:
    with closing(inspector(fresh_lab, account)) as connected:
        guids = {one(connected, name).guid for name in ("HV01", "HV02")}
        found = connected.writable(guids)
        assert found is not None
        assert set(found) == guids
        assert all(allowed & WRITTEN == expected for allowed in found.values())


def test_the_own_token_tells_an_administrator(fresh_lab: Lab) -> None:
    for account, expected in ((ADMINISTRATOR, True), (WRITER, False)):
        with closing(inspector(fresh_lab, account)) as connected:
            own = connected.own_token()
            assert own is not None
            assert (ADMINISTRATORS in own) is expected


def test_the_holders_of_a_name_come_along(asked: LdapInspector, fresh_lab: Lab) -> None:
    admin.add_computer(fresh_lab, "other", services=["MSSQLSvc/db1:1433", "HOST/db1"])
    found = asked.find(["hv01"], ["mssqlsvc/DB1:1433"])
    assert "OTHER" in {account.name for account in found}
    assert "OTHER" in {account.name for account in asked.find([], ["HOST/db1"])}
    assert "OTHER" not in {account.name for account in asked.find(["hv01"], ["HOST/db(1"])}


def test_all_who_have_a_list_of_their_own(asked: LdapInspector, fresh_lab: Lab) -> None:
    """Users and service accounts too, page after page; and krbtgt."""
    admin.add_values(fresh_lab, "hv65", "cifs/hv01", "HTTP/x")
    admin.add_user(fresh_lab, "svc-web")
    admin.set_object(fresh_lab, "svc-web", "msDS-AllowedToDelegateTo", "cifs/hv02")
    heard: list[tuple[int, int]] = []
    asked.page = 1
    found = asked.delegators(66, lambda done, total: heard.append((done, total)))
    held = {one.name: set(one.values) for one in found}
    assert held == {"HV65$": {"cifs/hv01", "HTTP/x"}, "svc-web": {"cifs/hv02"}, "krbtgt": set()}
    assert all(one.guid and one.uac is not None for one in found)
    assert heard == [(0, 0), (1, 0), (2, 0), (3, 0), (3, 3)]


def test_flags_that_this_logon_may_not_see(asked: LdapInspector, fresh_lab: Lab) -> None:
    admin.add_values(fresh_lab, "hv65", "cifs/hv01")
    hidden(fresh_lab, "hv65", USER_ACCOUNT_CONTROL)
    [found] = [one for one in asked.delegators(66, lambda *_: None) if one.values]
    assert (found.name, found.uac, found.values) == ("HV65$", None, ("cifs/hv01",))


USER_ACCOUNT_CONTROL = "bf967a68-0de6-11d0-a285-00aa003049e2"
"""schemaIDGUID (MS-ADA3)."""


def hidden(lab: Lab, host: str, attribute: str) -> None:
    """Nobody but administrators may read that attribute of the host."""
    dn = independent.computer(lab, host).dn
    entry = f"(OD;;RP;{attribute};;AU)"
    command = ["samba-tool", "dsacl", "set", f"--objectdn={dn}", f"--sddl={entry}"]
    done = run_samba(lab, [*command, "-H", str(state(lab) / "private" / "sam.ldb")])
    assert done.returncode == 0, done.stderr
