"""``remove:`` takes away exact values; ``unconstrained: clear`` of one host clears its flag."""

from pathlib import Path

import pytest

from delegation.names import MIGRATION
from tests.cli.program import Delegation
from tests.cli.world import (
    INVENTORY,
    MEMBER,
    TRANSITION,
    UNCONSTRAINED,
    account,
    directory,
    forms,
    held,
)

HOSTS = ("hv01", "hv02", "hv03")
ON = MEMBER | TRANSITION
JUNK = ("cifs/hv02:445", "cifs/hv02/extra/more", "ldap/dc1", "hv02", "cifs/hv77", "HTTP/portal")


def given(here: Path, inventory: str, *of_hv01: str, uac: int = ON) -> None:
    """A whole mesh of the three, and HV01 with more."""
    (here / "inventory.yaml").write_text(INVENTORY + inventory, encoding="utf-8")
    records = []
    for host in HOSTS:
        peers = forms(*(peer for peer in HOSTS if peer != host))
        more = of_hv01 if host == "hv01" else ()
        records.append(account(host.upper(), *peers, *more, uac=uac if host == "hv01" else ON))
    (here / "directory.ldif").write_bytes(directory(*records))


@pytest.mark.parametrize("value", JUNK)
def test_exactly_that_value_goes_and_a_rollback_brings_it_back(
    delegation: Delegation, here: Path, value: str
) -> None:
    rule = f"remove: [{{value: '{value}', hosts: [hv01], reason: left by a script}}]\n"
    given(here, rule, *JUNK)
    before = (here / "directory.ldif").read_bytes()
    [change] = delegation("plan", "--format", "json").json["changes"]
    assert change["remove"] == [{"value": value, "reason": "left by a script"}]
    found = delegation("audit", "--format", "json").json["findings"]
    assert [one["value"] for one in found if one["rule"] == "KCD002"] == [value]
    assert delegation("apply", "--yes").code == 0
    assert held(here / "directory.ldif")["hv01"].values == {
        *forms("hv02", "hv03"),
        *JUNK,
    } - {value}
    back = delegation("rollback", "--yes")
    # What leads to a domain controller is gone for good: no rollback restores that.
    is_lethal = value == "ldap/dc1"
    assert back.code == (4 if is_lethal else 0)
    assert ((here / "directory.ldif").read_bytes() == before) is not is_lethal


def test_case_makes_no_difference_and_what_the_rule_does_not_name_stays(
    delegation: Delegation, here: Path
) -> None:
    twins = (f"{MIGRATION}/hv77", "cifs/hv77")
    given(here, f"remove: [{{value: '{MIGRATION.upper()}/HV77', hosts: [hv01]}}]\n", *twins)
    assert delegation("apply", "--yes").code == 0
    assert held(here / "directory.ldif")["hv01"].values == {*forms("hv02", "hv03"), "cifs/hv77"}


def test_only_on_the_hosts_that_it_names(delegation: Delegation, here: Path) -> None:
    given(here, "remove: [{value: HTTP/x, hosts: ['hv[02-03]']}]\n", "HTTP/x")
    assert delegation("plan").code == 0


def test_from_a_retired_account_too(delegation: Delegation, here: Path) -> None:
    text = "retired: [hv04]\nremove: [{value: HTTP/x, hosts: [hv04], reason: old}]\n"
    given(here, text)
    with (here / "directory.ldif").open("a", encoding="utf-8") as export:
        export.write(account("HV04", "HTTP/x", "HTTP/y", uac=ON))
    assert delegation("apply", "--yes").code == 0
    assert held(here / "directory.ldif")["hv04"].values == {"HTTP/y"}


def test_such_removals_count(delegation: Delegation, here: Path) -> None:
    junk = [f"HTTP/x{n}" for n in range(21)]
    rules = ", ".join(f"{{value: {value}, hosts: [hv01]}}" for value in junk)
    given(here, f"remove: [{rules}]\n", *junk)
    ran = delegation("apply", "--yes")
    assert ran.code == 4
    assert "--allow removals" in ran.err


@pytest.mark.parametrize(
    ("inventory", "line", "words"),
    [
        pytest.param(
            "remove: [{value: cifs/hv02, hosts: [hv01]}]\n", 6, "a mesh wants on hv01", id="desired"
        ),
        pytest.param(
            "remove: [{value: CIFS/HV02.corp.example, hosts: ['hv[01-03]']}]\n",
            6,
            "a mesh wants on hv[01,03]",
            id="desired in another case, on some",
        ),
        pytest.param(
            "file_servers: {nas: {reached_from: [all]}}\n"
            "remove: [{value: cifs/nas, hosts: [hv01]}]\n",
            7,
            "a mesh wants on hv01",
            id="of a file server",
        ),
        pytest.param(
            "keep: [{value: HTTP/*, hosts: [hv02]}]\n"
            "remove: [{value: http/x, hosts: [hv01, hv02]}]\n",
            7,
            "a keep rule keeps on hv02",
            id="kept",
        ),
        pytest.param(
            "keep: [{value: HTTP/*, expires: 2020-01-01}]\n"
            "remove: [{value: HTTP/x, hosts: [hv01]}]\n",
            7,
            "a keep rule keeps on hv01",
            id="kept by a rule that has expired",
        ),
        pytest.param("remove: [{value: HTTP/*, hosts: [hv01]}]\n", 6, "is a pattern", id="pattern"),
        pytest.param("remove: [{value: HTTP/x}]\n", 6, "lacks 'hosts'", id="no hosts"),
        pytest.param("remove: [{value: HTTP/x, hosts: []}]\n", 6, "empty list", id="no host"),
        pytest.param("remove: [{value: HTTP/x, hosts: [hv9]}]\n", 6, "unknown host", id="unknown"),
    ],
)
def test_a_rule_against_the_rest_is_invalid(
    delegation: Delegation, here: Path, inventory: str, line: int, words: str
) -> None:
    given(here, inventory)
    ran = delegation("plan")
    assert ran.code == 2
    assert words in ran.err
    assert f"inventory.yaml:{line}:" in ran.err
    assert ran.err.count("inventory.yaml:") == 1


@pytest.mark.parametrize(
    "inventory",
    [
        pytest.param("remove: [{value: cifs/hv01, hosts: [hv01]}]\n", id="itself"),
        pytest.param(
            "meshes: {one: {sources: [hv01, hv02], targets: [hv03]}}\n"
            "remove: [{value: cifs/hv02, hosts: [hv01]}, {value: cifs/hv01, hosts: [hv03]}]\n",
            id="no peers",
        ),
        pytest.param(
            "keep: [{value: HTTP/*, hosts: [hv02]}]\nremove: [{value: HTTP/x, hosts: [hv01]}]\n",
            id="kept elsewhere",
        ),
    ],
)
def test_what_nothing_wants_there_may_be_removed(
    delegation: Delegation, here: Path, inventory: str
) -> None:
    given(here, inventory)
    assert delegation("plan").code in {0, 3}


def test_one_host_is_cleared_and_no_other(delegation: Delegation, here: Path) -> None:
    given(here, "", uac=ON | UNCONSTRAINED)
    text = INVENTORY.replace("hv[01-03]:", "hv01: {unconstrained: clear}\n  hv[02-03]:")
    (here / "inventory.yaml").write_text(text, encoding="utf-8")
    other = (here / "directory.ldif").read_text(encoding="utf-8")
    other = other.replace(f"userAccountControl: {ON}\n", f"userAccountControl: {ON | 0x80000}\n")
    (here / "directory.ldif").write_text(other, encoding="utf-8")
    assert delegation("apply", "--yes").code == 0
    found = held(here / "directory.ldif")
    assert [found[host].uac for host in HOSTS] == [ON, ON | UNCONSTRAINED, ON | UNCONSTRAINED]


def test_one_host_is_left_out_of_the_policy(delegation: Delegation, here: Path) -> None:
    given(here, "policy: {unconstrained: clear}\n", uac=ON | UNCONSTRAINED)
    text = (here / "inventory.yaml").read_text(encoding="utf-8")
    text = text.replace("hv[01-03]:", "hv01: {unconstrained: report}\n  hv[02-03]:")
    (here / "inventory.yaml").write_text(text, encoding="utf-8")
    assert delegation("plan").code == 0
