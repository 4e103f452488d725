"""File servers by any name: what is written, what is left out, and what is refused."""

import pytest

from delegation.inventory import FileServer, Inventory
from delegation.mesh import checks
from delegation.mesh.checks import Severity
from delegation.mesh.snapshot import Computer
from tests.builders import MemoryDirectory, computer, inventory, planned, survey, user

ALIASES = ("vmstore", "vmstore.corp.example")
NAS = FileServer("nas01", "nas01", "nas01.corp.example", ("all",), ALIASES)
SHARE = FileServer("share", "svc-share", "share.files.example", ("all",), (), "svc-share")


def farm(server: FileServer) -> Inventory:
    return inventory("hv01", "hv02", file_servers=[server])


def additions(server: FileServer, *accounts: Computer) -> list[str]:
    """What hv01 gets towards the server."""
    hosts = [computer("hv01"), computer("hv02")]
    plan = planned(farm(server), MemoryDirectory([*hosts, *accounts]))
    assert plan.blocked == ()
    change = next(change for change in plan.changes if change.target.name == "hv01")
    return [value for value in change.after.values if "hv02" not in value]


def refusals(server: FileServer, *accounts: Computer) -> list[tuple[str, str]]:
    hosts = [computer("hv01"), computer("hv02")]
    plan = planned(farm(server), MemoryDirectory([*hosts, *accounts]))
    return [(refusal.computer, refusal.why) for refusal in plan.blocked]


def nas(*spns: str, dns: str | None = "nas01.corp.example") -> Computer:
    own = ("HOST/nas01", "HOST/nas01.corp.example")
    return computer("nas01", dns=dns, spns=[*own, *spns])


def test_an_alias_is_written_where_exactly_that_account_answers_to_it() -> None:
    found = additions(NAS, nas("cifs/vmstore", "HOST/vmstore.corp.example"))
    assert found == [
        "cifs/nas01",
        "cifs/nas01.corp.example",
        "cifs/vmstore",
        "cifs/vmstore.corp.example",
    ]


def test_a_name_that_nobody_answers_to_is_left_out_and_told() -> None:
    server = nas("cifs/vmstore")
    assert "cifs/vmstore.corp.example" not in additions(NAS, server)
    hosts = [computer("hv01"), computer("hv02")]
    found = checks.findings(survey(farm(NAS), MemoryDirectory([*hosts, server])))
    [left_out] = [one for one in found if one.rule == "KCD028"]
    assert (left_out.computer, left_out.value) == ("nas01", "cifs/vmstore.corp.example")
    assert left_out.severity is Severity.HIGH
    assert left_out.fix == 'setspn -S "cifs/vmstore.corp.example" nas01'


def test_every_name_answered_is_no_finding() -> None:
    hosts = [computer("hv01"), computer("hv02")]
    server = nas("cifs/vmstore", "cifs/vmstore.corp.example")
    found = checks.findings(survey(farm(NAS), MemoryDirectory([*hosts, server])))
    assert "KCD028" not in {one.rule for one in found}


@pytest.mark.parametrize("other", [computer("old", spns=["cifs/vmstore"]), user("eve")])
def test_an_alias_that_another_account_answers_to_is_refused(other: Computer) -> None:
    holder = other._replace(spns=("cifs/vmstore",))
    server = nas("cifs/vmstore.corp.example")
    assert refusals(NAS, server, holder) == [("nas01", "spn-held")]
    both = nas("cifs/vmstore", "cifs/vmstore.corp.example")
    assert refusals(NAS, both, holder) == [("nas01", "spn-held")]


@pytest.mark.parametrize("dns", [None, "store.files.example", "nas01.corp.example.org"])
def test_what_the_account_calls_itself_decides_nothing(dns: str | None) -> None:
    names = ("cifs/vmstore", "cifs/vmstore.corp.example")
    assert len(additions(NAS, nas(*names, dns=dns))) == 4


def test_a_users_account_is_a_file_server_where_the_inventory_names_it() -> None:
    share = user("svc-share", "cifs/share.files.example")
    assert additions(SHARE, share) == ["cifs/share.files.example"]


def test_a_users_account_that_holds_no_name_is_read_and_gets_nothing() -> None:
    assert additions(SHARE, user("svc-share")) == []


def test_a_computer_of_a_users_name_is_not_meant() -> None:
    namesake = computer("svc-share", spns=["cifs/share.files.example"])
    assert refusals(SHARE, namesake) == [("share", "no-account"), ("share", "spn-held")]


def test_a_domain_controllers_name_as_an_alias_is_refused() -> None:
    controller = computer("dc1", uac=0x82000, spns=["HOST/dc1", "HOST/dc1.corp.example"])
    server = NAS._replace(aliases=("dc1",))
    assert ("nas01", "domain-controller") in refusals(server, nas(), controller)


def test_without_its_account_a_file_server_is_refused() -> None:
    assert refusals(NAS) == [("nas01", "no-account")]
