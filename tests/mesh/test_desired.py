import pytest
from hypothesis import given

from delegation.errors import Refused
from delegation.inventory import Inventory
from delegation.mesh.desired import expand
from delegation.names import MIGRATION
from tests.builders import (
    file_server,
    forms,
    host,
    inventories,
    inventory,
    on_shares,
    one_way,
    two_way,
)


def _values(inventory: Inventory, label: str) -> list[str]:
    return [value for _, value in expand(inventory).delegates[label].values()]


def test_a_full_mesh_gives_four_values_a_peer() -> None:
    assert _values(inventory("hv01", "hv02", "hv03"), "hv02") == [*forms("hv01"), *forms("hv03")]


def test_64_hosts_take_16_128_values() -> None:
    mesh = inventory(*(f"hv{n:02}" for n in range(1, 65)))
    counts = [len(_values(mesh, label)) for label in mesh.hosts]
    assert set(counts) == {252}
    assert sum(counts) == 16_128


def test_one_way_the_targets_delegate_to_nothing() -> None:
    recovery = inventory("hv01", "hv02", "hv03", meshes=[one_way("dr", ["hv01", "hv02"], ["hv03"])])
    assert _values(recovery, "hv01") == [*forms("hv03")]
    assert _values(recovery, "hv03") == []


def test_a_host_in_several_meshes_reaches_the_union_of_them() -> None:
    both = inventory(
        "hv01",
        "hv02",
        "hv03",
        meshes=[two_way("a", "hv01", "hv02"), one_way("b", ["hv01"], ["hv02", "hv03"])],
    )
    assert _values(both, "hv01") == [*forms("hv02"), *forms("hv03")]
    assert _values(both, "hv02") == [*forms("hv01")]


def test_a_file_server_takes_cifs_alone_from_every_member_of_its_meshes() -> None:
    storage = inventory(
        "hv01",
        "hv02",
        "hv03",
        meshes=[one_way("a", ["hv01"], ["hv02"]), two_way("b", "hv01", "hv03")],
        file_servers=[file_server("sofs01", "a")],
    )
    assert _values(storage, "hv02") == [*forms("sofs01", "cifs")]
    assert _values(storage, "hv01") == [*forms("hv02"), *forms("hv03"), *forms("sofs01", "cifs")]
    assert not set(forms("sofs01", "cifs")) & set(_values(storage, "hv03"))


def test_hosts_whose_machines_stay_on_shares_ask_each_other_for_no_cifs() -> None:
    farm = inventory(
        "hv01",
        "hv02",
        meshes=[on_shares("farm", "hv01", "hv02")],
        file_servers=[file_server("sofs01", "farm")],
    )
    assert _values(farm, "hv01") == [*forms("hv02", MIGRATION), *forms("sofs01", "cifs")]


@pytest.mark.parametrize("farm_first", [True, False])
def test_by_several_meshes_a_host_is_reached_with_what_they_ask_for_together(
    farm_first: bool,  # noqa: FBT001
) -> None:
    meshes = [on_shares("farm", "hv01", "hv02", "hv03"), one_way("dr", ["hv01"], ["hv02"])]
    both = inventory("hv01", "hv02", "hv03", meshes=meshes if farm_first else meshes[::-1])
    assert _values(both, "hv01") == [*forms("hv02"), *forms("hv03", MIGRATION)]
    assert _values(both, "hv03") == [*forms("hv01", MIGRATION), *forms("hv02", MIGRATION)]
    [hv01, hv02, hv03] = expand(both).endpoints_of(["hv01", "hv02", "hv03"])
    assert hv02.values == forms("hv02"), "with all that somebody reaches it by"
    assert hv01.values == forms("hv01", MIGRATION)
    assert hv03.values == forms("hv03", MIGRATION)


def test_names_are_those_of_the_account_not_of_the_label() -> None:
    odd = host("hv02", computer="HV02X", fqdn="hv02.lab.corp.example")
    assert _values(inventory("hv01", odd), "hv01") == [
        "cifs/HV02X",
        "cifs/hv02.lab.corp.example",
        "Microsoft Virtual System Migration Service/HV02X",
        "Microsoft Virtual System Migration Service/hv02.lab.corp.example",
    ]


@pytest.mark.parametrize("wanted", [True, False, None])
def test_the_flag_is_as_the_host_says(wanted: bool | None) -> None:  # noqa: FBT001
    mesh = expand(inventory(host("hv01", transition=wanted), "hv02"))
    assert mesh.delegates["hv01"].protocol_transition is wanted


def test_a_host_that_delegates_to_nothing_has_no_use_for_the_flag() -> None:
    mesh = expand(inventory("hv01", "hv02", meshes=[one_way("dr", ["hv01"], ["hv02"])]))
    assert mesh.delegates["hv01"].protocol_transition is True
    assert mesh.delegates["hv02"].protocol_transition is None


def test_the_accounts_to_read_are_hosts_and_the_file_servers_they_reach() -> None:
    storage = inventory(
        host("hv01", computer="HV01X"), "hv02", file_servers=[file_server("sofs01", "all")]
    )
    assert sorted(expand(storage).account_names()) == ["HV01X", "hv02", "sofs01"]


def test_a_mesh_beyond_all_bounds_is_refused_before_it_uses_memory() -> None:
    with pytest.raises(Refused, match="1,200"):
        expand(inventory(*(f"h{n}" for n in range(20_000))))


@given(inventories())
def test_a_host_never_delegates_to_itself(inventory: Inventory) -> None:
    for delegate in expand(inventory).delegates.values():
        own = {delegate.host.computer.casefold(), delegate.host.fqdn.casefold()}
        assert not own & {key.partition("/")[2] for key, _ in delegate.values()}


@given(inventories())
def test_a_host_reaches_exactly_what_its_meshes_say(inventory: Inventory) -> None:
    for label, delegate in expand(inventory).delegates.items():
        peers = {
            (peer, service)
            for mesh in inventory.meshes
            if label in mesh.sources
            for peer in mesh.targets
            if peer != label
            for service in mesh.services
        }
        servers = {
            server.name
            for server in inventory.file_servers
            for mesh in inventory.meshes
            if mesh.name in server.reached_from and label in {*mesh.sources, *mesh.targets}
        }
        hosts = [(inventory.hosts[peer], service) for peer, service in peers]
        expected = {f"{it}/{name}" for h, it in hosts for name in (h.computer, h.fqdn)}
        expected |= {value for name in servers for value in forms(name, "cifs")}
        values = [value for _, value in delegate.values()]
        assert len(values) == len(set(values))
        assert set(values) == expected


@given(inventories())
def test_keys_are_the_casefolded_values(inventory: Inventory) -> None:
    for delegate in expand(inventory).delegates.values():
        assert all(key == value.casefold() for key, value in delegate.values())
