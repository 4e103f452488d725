"""An inherited farm that nobody has described: ``init``, and nothing that works is touched."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from delegation.inventory import Inventory
from delegation.inventory.reader import parse
from tests.lab import Lab, admin, domain, independent, ldif, pristine
from tests.lab.description import (
    ACCOUNTDISABLE,
    ADMINISTRATOR,
    HOSTS,
    MIGRATION,
    READER,
    TRUSTED_TO_AUTH_FOR_DELEGATION,
    cifs_values,
    migration_values,
)
from tests.story.witness import mesh, towards, untouched
from tests.story.workstation import Workstation

pytestmark = pytest.mark.lab

BERLIN = ("hv01", "hv02", "hv03", "hv04")
PARIS = ("hv06", "hv07", "hv08")
ODD = "hv07.paris.corp.example"
SOFS = set(cifs_values("sofs01"))
MISSING = {
    "hv03": {f"{MIGRATION}/hv01.corp.example"},
    "hv04": {*cifs_values("hv02"), *migration_values("hv02")},
}
"""What is broken; everything else stays as it is."""


def hold(lab: Lab, host: str, *values: str) -> None:
    admin.set_attribute(lab, host, "msDS-AllowedToDelegateTo", *sorted(values))


@pytest.fixture(scope="module")
def grown(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All objects of the farm, written down once it has grown."""
    domain.reset(lab)
    grow(lab)
    objects = tmp_path_factory.mktemp("grown") / "objects.json"
    pristine.record(pristine.present(lab), objects)
    return objects


@pytest.fixture
def farm(lab: Lab, grown: Path) -> Lab:
    """The farm as it has grown, whatever the test before did to it."""
    assert pristine.put_back(lab, grown)
    return lab


def grow(lab: Lab) -> None:
    """Make two sites, one of them with holes, and what years leave behind."""
    places = {
        place: admin.add_unit(lab, "Hosts", parent=admin.add_unit(lab, place))
        for place in ("Berlin", "Paris")
    }
    for host in (*BERLIN, "hv05"):
        admin.move(lab, host, f"CN={host.upper()},{places['Berlin']}")
    for host in PARIS:
        admin.move(lab, host, f"CN={host.upper()},{places['Paris']}")
    admin.delete(lab, "hv09")
    _no_hyper_v(lab, [host for host in HOSTS if host > "hv09"])
    _berlin(lab)
    _paris(lab)
    names = [f"{MIGRATION}/clu1", "MSClusterVirtualServer/clu1"]
    admin.add_computer(lab, "clu1", dns="clu1.corp.example", services=names)
    controller = f"CN=DC1,OU=Domain Controllers,{lab.base_dn}"
    own = ("add", "servicePrincipalName", [f"{MIGRATION}/dc1"])
    admin.modify(lab, ldif.modification(controller, own))


def _no_hyper_v(lab: Lab, hosts: list[str]) -> None:
    """The other machines of the domain; the role was never installed there."""
    admin.modify(
        lab,
        "".join(
            ldif.modification(
                lab.computer_dn(host),
                ("replace", "servicePrincipalName", [f"HOST/{host}", f"HOST/{lab.fqdn(host)}"]),
            )
            for host in hosts
        ),
    )


def _berlin(lab: Lab) -> None:
    """A mesh with two holes, services of others, and the traces of hosts that are gone."""
    for host in BERLIN:
        found = towards(*BERLIN) - towards(host) - MISSING.get(host, set()) | SOFS
        if host == "hv01":
            found |= towards("hv05", "hv09") | set(migration_values("hv06"))
        if host == "hv02":
            found = {value.upper() for value in found} | towards("hv09")
        if host == "hv03":
            found |= {"HTTP/portal", "MSSQLSvc/db1.corp.example:1433"} | towards("hv05")
        hold(lab, host, *found)
        admin.set_flags(lab, host, on=TRUSTED_TO_AUTH_FOR_DELEGATION)
    hold(lab, "hv05", *towards(*BERLIN))
    admin.set_flags(lab, "hv05", on=ACCOUNTDISABLE)


def _paris(lab: Lab) -> None:
    """A complete mesh with Kerberos only, and a name from an older domain."""
    admin.set_attribute(lab, "hv07", "dNSHostName", ODD)
    names = [f"{service}/{name}" for service in (MIGRATION, "HOST") for name in ("hv07", ODD)]
    admin.set_attribute(lab, "hv07", "servicePrincipalName", *names)
    for host in PARIS:
        found = towards(*PARIS) - towards(host)
        hold(lab, host, *(value.replace(lab.fqdn("hv07"), ODD) for value in found))


@pytest.fixture
def reader(farm: Lab, tmp_path: Path) -> Workstation:
    """The workstation of somebody who may read the domain, and no more."""
    folder = tmp_path / "desk"
    folder.mkdir()
    return Workstation(folder, farm, account=READER)


def logon(desk: Workstation, *words: str) -> tuple[str, ...]:
    """How to reach the lab's DC while no inventory says so."""
    ca = str(desk.lab.ca_file)
    return ("init", "--domain", desk.lab.domain, "--user", desk.account, "--ca-file", ca, *words)


def inventory(desk: Workstation) -> Inventory:
    path = desk.folder / "inventory.yaml"
    return parse(path.read_bytes(), str(path))


def added(plan: Any) -> dict[str, set[str]]:
    """What a plan adds to each host; it does nothing else, and nothing refuses it."""
    assert plan["blocked"] == []
    assert plan["foreign"] == []
    assert [change["remove"] for change in plan["changes"] if change["remove"]] == []
    assert [change["flags"] for change in plan["changes"] if change["flags"]] == []
    return {change["computer"]: set(change["add"]) for change in plan["changes"]}


class TestAFarmThatGrew:
    def test_what_is_broken_is_mended_and_nothing_else_is_touched(
        self, reader: Workstation, farm: Lab
    ) -> None:
        with untouched(farm):
            made = reader.run(*logon(reader))
            assert made.code == 0, made.text
            checked = reader.run("check")
            assert checked.code == 0, checked.text
            planned = reader.run("plan", "--format", "json")
            assert planned.code == 3, planned.text
        assert added(planned.data) == MISSING
        for words in (
            "mesh berlin-hosts  hv[01-04]",
            "mesh paris-hosts   hv[06-08]",
            "clu1: a cluster name object",
            "dc1: a domain controller",
            "hv05: its account is disabled",
            "kept: 2 values towards hosts of another mesh",
            "kept: 8 values towards names that nobody answers to, on hv[01-02]",
            "the first plan: 5 values to add on hv[03-04]",
        ):
            assert words in made.err
        found = inventory(reader)
        assert found.hosts["hv07"].fqdn == ODD
        flags = {label: host.protocol_transition for label, host in found.hosts.items()}
        assert flags == {host: host in BERLIN for host in (*BERLIN, *PARIS)}
        kept = {(rule.value.casefold(), rule.hosts) for rule in found.keep}
        assert {("cifs/sofs01", BERLIN), ("http/portal", ("hv03",))} <= kept
        assert (f"{MIGRATION}/hv09".casefold(), ("hv01", "hv02")) in kept
        assert (f"{MIGRATION}/hv05".casefold(), ("hv01", "hv03")) in kept

    def test_applied_it_leaves_all_that_was_there(self, reader: Workstation, farm: Lab) -> None:
        assert reader.run(*logon(reader)).code == 0
        before = mesh(farm)
        desk = Workstation(reader.folder, farm, account=ADMINISTRATOR)
        path = desk.folder / "inventory.yaml"
        path.write_text(path.read_text().replace(f"user: {READER}", f"user: {ADMINISTRATOR}"))
        assert desk.run("apply", "--yes").code == 0
        after = mesh(farm)
        for host, (flags, values) in before.items():
            assert after[host] == (flags, sorted({*values, *MISSING.get(host, set())}))
        assert desk.run("plan").code == 0
        assert desk.run("audit").code == 0

    def test_what_is_gone_goes_once_it_is_said(self, reader: Workstation) -> None:
        """As the comments say: without its rules and under retired, its traces are removed."""
        assert reader.run(*logon(reader)).code == 0
        path = reader.folder / "inventory.yaml"
        lines = [line for line in path.read_text().splitlines() if "hv09" not in line]
        text = "\n".join(lines).replace("retired: []", "retired: [hv09]") + "\n"
        path.write_text(text)
        plan = reader.run("plan", "--format", "json").data
        removed = {c["computer"]: {r["value"] for r in c["remove"]} for c in plan["changes"]}
        assert {host: gone for host, gone in removed.items() if gone} == {
            "hv01": towards("hv09"),
            "hv02": towards("hv09"),
        }

    def test_the_whole_site_alone(self, reader: Workstation, farm: Lab) -> None:
        """A complete mesh needs nothing."""
        unit = f"OU=Paris,{farm.base_dn}"
        assert reader.run(*logon(reader, "--ou", unit)).code == 0
        assert set(inventory(reader).hosts) == set(PARIS)
        assert reader.run("plan").code == 0
        assert reader.run("check").code == 0

    def test_by_name_and_to_stdout(self, reader: Workstation) -> None:
        made = reader.run(*logon(reader, "--name", "hv0*", "--one-mesh", "-o", "-"))
        assert made.code == 0
        found = parse(made.out.encode(), "stdout")
        assert set(found.hosts) == {*BERLIN, *PARIS}
        assert [each.name for each in found.meshes] == ["all"]
        assert list(reader.folder.iterdir()) == []


class TestHowItIsReached:
    def test_the_domain_is_the_server_s(self, reader: Workstation, farm: Lab) -> None:
        """With DNS to find its address; the inventory alone is then enough."""
        desk = Workstation(reader.folder, farm, account=READER, url=f"ldaps://{farm.dc_fqdn}")
        words = logon(desk, "--dns-server", farm.address)
        made = desk.run(*(word for word in words if word not in {"--domain", farm.domain}))
        assert made.code == 0, made.text
        assert "next    delegation check\n" in made.err
        alone = Workstation(reader.folder, farm, account=READER, url="-")
        assert alone.run("check").code == 0
        assert alone.run("plan").code == 3

    def test_without_a_server_dns_knows_one(self, reader: Workstation, farm: Lab) -> None:
        variables = {"KRB5_CONFIG": str(farm.krb5_conf)}
        alone = Workstation(reader.folder, farm, account=READER, url="-", variables=variables)
        made = alone.run(*logon(alone, "--dns-server", farm.address))
        assert made.code == 0, made.text
        assert inventory(alone).directory.url is None
        checked = alone.run("check")
        assert checked.code == 0, checked.text
        assert added(alone.run("plan", "--format", "json").data) == MISSING

    def test_a_server_of_another_domain_says_which(self, reader: Workstation, farm: Lab) -> None:
        words = [w if w != farm.domain else "lab.example" for w in logon(reader)]
        chosen = reader.knowing("lab.example")
        made = chosen.run(*words, "--auth", "simple", "--user", f"{READER}@{farm.domain}")
        assert made.code == 1
        assert f"serves {farm.base_dn}, the domain asked for is lab.example" in made.err
        assert "correct --domain" in made.err
        assert not (reader.folder / "inventory.yaml").exists()

    def test_an_address_has_to_be_named_again(self, reader: Workstation, farm: Lab) -> None:
        """A logon goes to a server outside the domain only where the command line says so."""
        made = reader.run(*logon(reader))
        assert made.code == 0
        assert f"next    delegation --directory {farm.ldaps_url} check" in made.err


def test_a_wrong_password_is_told_in_words(reader: Workstation, farm: Lab) -> None:
    desk = Workstation(
        reader.folder, farm, account=READER, variables={"DELEGATION_PASSWORD": "wrong"}
    )
    made = desk.run(*logon(desk))
    assert made.code == 1
    assert "correct --user or the password" in made.err
    assert independent.delegation(farm, "hv05")
