"""The mesh as a matrix: every verdict in its place, none lost and none told twice."""

from collections import Counter
from datetime import timedelta

import pytest
from hypothesis import given

from delegation.inventory import Foreign, Inventory, Keep, Policy
from delegation.mesh.compare import Comparison, Standing
from delegation.mesh.matrix import Cell, Matrix, PairState, matrix
from delegation.names import CIFS, MIGRATION
from tests.builders import (
    DOMAIN,
    TODAY,
    MemoryDirectory,
    World,
    computer,
    file_server,
    forms,
    host,
    inventory,
    one_way,
    retired,
    survey,
    two_way,
    worlds,
)


def drawn(inventory: Inventory, **held: tuple[str, ...]) -> Matrix:
    """The matrix of hosts and file servers, of which these hold these values."""
    names = [*(h.computer for h in inventory.hosts.values())]
    names += [server.computer for server in inventory.file_servers]
    accounts = []
    for name in names:
        spns = (f"HOST/{name}", f"HOST/{_fqdn(inventory, name)}")
        values = held.get(name, ())
        accounts.append(computer(name, *values, dns=_fqdn(inventory, name), spns=spns))
    return matrix(survey(inventory, MemoryDirectory(accounts)))


def _fqdn(inventory: Inventory, name: str) -> str:
    fqdns = {h.computer: h.fqdn for h in inventory.hosts.values()}
    return fqdns.get(name, f"{name}.{DOMAIN}")


def cell(found: Matrix, source: str, target: str) -> Cell:
    labels = [one.label for one in found.targets]
    [row] = [row for row in found.rows if row.source.label == source]
    return row.cells.get(labels.index(target), Cell())


TWO = inventory("hv01", "hv02")
APART = inventory(
    "hv01",
    "hv02",
    "hv03",
    "hv04",
    meshes=[two_way("a", "hv01", "hv02"), two_way("b", "hv03", "hv04")],
    retired=[retired("hv99")],
)


@pytest.mark.parametrize(
    ("held", "state", "missing"),
    [
        (forms("hv02"), PairState.COMPLETE, 0),
        (forms("hv02", CIFS), PairState.PARTIAL, 2),
        (forms("hv02")[1:], PairState.PARTIAL, 1),
        ((), PairState.MISSING, 4),
        (("HTTP/hv02",), PairState.MISSING, 4),
        (tuple(value.upper() for value in forms("hv02")), PairState.COMPLETE, 0),
    ],
)
def test_a_pair_of_a_mesh(held: tuple[str, ...], state: PairState, missing: int) -> None:
    found = cell(drawn(TWO, hv01=held), "hv01", "hv02")
    assert found.state is state
    assert len(found.missing) == missing
    assert set(found.present) | set(found.missing) == set(forms("hv02")) == set(found.desired)


def test_a_pair_outside_every_mesh_has_no_cell_until_somebody_adds_a_value() -> None:
    assert cell(drawn(APART), "hv01", "hv03").state is PairState.OUTSIDE
    for value in (*forms("hv03"), "HTTP/hv03", "MSSQLSvc/hv03.corp.example:1433"):
        found = cell(drawn(APART, hv01=(value,)), "hv01", "hv03")
        assert found.state is PairState.UNEXPECTED
        assert [verdict.value for verdict in found.unexpected] == [value]


def test_values_beside_a_complete_pair_are_told_with_it() -> None:
    found = drawn(TWO, hv01=(*forms("hv02"), "HTTP/hv02"))
    pair = cell(found, "hv01", "hv02")
    assert pair.state is PairState.COMPLETE
    assert [verdict.value for verdict in pair.unexpected] == ["HTTP/hv02"]
    assert found.rows[0].surprises == 1


def test_a_value_towards_the_host_itself_is_unexpected() -> None:
    assert (
        cell(drawn(TWO, hv01=(f"{MIGRATION}/hv01",)), "hv01", "hv01").state is PairState.UNEXPECTED
    )


def test_values_of_other_machines_stand_elsewhere() -> None:
    found = drawn(APART, hv01=("cifs/nas01", "cifs/hv99", "no slash"))
    assert {verdict.value for verdict in found.rows[0].elsewhere} == {
        "cifs/nas01",
        "cifs/hv99",
        "no slash",
    }
    assert len(found.rows[0].unexpected) == 3


def test_what_is_kept_or_ignored_is_not_unexpected() -> None:
    keep = inventory(
        *APART.hosts, meshes=APART.meshes, keep=[Keep("HTTP/*")], policy=Policy(Foreign.REPORT)
    )
    ignore = inventory(*APART.hosts, meshes=APART.meshes, policy=Policy(Foreign.IGNORE))
    for declared in (keep, ignore):
        found = drawn(declared, hv01=("HTTP/hv03", "HTTP/nas01", f"{MIGRATION}/hv04"))
        assert cell(found, "hv01", "hv03").state is PairState.KEPT
        assert cell(found, "hv01", "hv04").state is PairState.UNEXPECTED, "it is stale"
        assert found.rows[0].unexpected == ()


def test_a_rule_that_expired_is_told_even_where_foreign_values_are_ignored() -> None:
    expired = Keep("HTTP/*", expires=TODAY - timedelta(days=1))
    declared = inventory(
        *APART.hosts, meshes=APART.meshes, keep=[expired], policy=Policy(Foreign.IGNORE)
    )
    found = drawn(declared, hv01=("HTTP/hv03", "cifs/nas01"))
    assert cell(found, "hv01", "hv03").state is PairState.UNEXPECTED
    assert found.rows[0].unexpected == ()


def test_a_file_server_is_a_target_with_two_values() -> None:
    declared = inventory("hv01", "hv02", file_servers=[file_server("sofs01", "all")])
    found = cell(drawn(declared, hv01=("cifs/sofs01",)), "hv01", "sofs01")
    assert found.desired == ("cifs/sofs01", f"cifs/sofs01.{DOMAIN}")
    assert found.state is PairState.PARTIAL


def test_a_host_is_known_by_either_name() -> None:
    odd = host("hv01", computer="HV01X", fqdn="hv01.lab.example")
    declared = inventory(
        odd, "hv02", "hv03", meshes=[two_way("a", "hv02", "hv03"), one_way("b", ["hv01"], ["hv03"])]
    )
    for name in ("hv01x", "HV01.LAB.example", "HV01X:8080/x"):
        assert cell(drawn(declared, hv02=(f"HTTP/{name}",)), "hv02", "hv01").extra


def test_hosts_in_the_same_roles_are_one_group() -> None:
    declared = inventory(
        *(f"hv{n:02}" for n in range(1, 7)),
        meshes=[
            two_way("production", "hv01", "hv02", "hv03"),
            one_way("recovery", ["hv01", "hv02", "hv03"], ["hv04"]),
            two_way("lab", "hv05", "hv06"),
        ],
        file_servers=[file_server("sofs01", "production", "lab")],
    )
    found = drawn(declared)
    names = [group.name for group in found.groups]
    assert [(group.name, group.members) for group in found.groups] == [
        ("production + recovery (sources)", (0, 1, 2)),
        ("recovery (targets)", (3,)),
        ("lab", (4, 5)),
        ("file servers of production, lab", (6,)),
    ]
    assert {(names[one], names[other]) for one, other in found.desired} == {
        ("production + recovery (sources)", "production + recovery (sources)"),
        ("production + recovery (sources)", "recovery (targets)"),
        ("production + recovery (sources)", "file servers of production, lab"),
        ("lab", "lab"),
        ("lab", "file servers of production, lab"),
    }


def test_a_limit_leaves_rows_out_and_no_columns() -> None:
    directory = MemoryDirectory([computer("hv01"), computer("hv02")])
    found = matrix(survey(TWO, directory, limit={"hv02"}))
    assert [row.source.label for row in found.rows] == ["hv02"]
    assert [target.label for target in found.targets] == ["hv01", "hv02"]


# Laws


def compared(world: World) -> Comparison:
    return survey(world.inventory, world.directory)


@given(worlds())
def test_every_verdict_is_in_the_matrix_once(world: World) -> None:
    comparison = compared(world)
    for host_of, row in zip(comparison.hosts, matrix(comparison).rows, strict=True):
        told: Counter[tuple[str, Standing]] = Counter()
        for pair in row.cells.values():
            told.update((value, Standing.MISSING) for value in pair.missing)
            told.update((value, Standing.PRESENT) for value in pair.present)
            told.update((verdict.value, verdict.standing) for verdict in pair.extra)
        told.update((verdict.value, verdict.standing) for verdict in row.elsewhere)
        assert told == Counter((one.value, one.standing) for one in host_of.verdicts())


@given(worlds())
def test_the_groups_tell_exactly_which_pairs_are_desired(world: World) -> None:
    found = matrix(compared(world))
    of = {member: g for g, group in enumerate(found.groups) for member in group.members}
    assert sorted(of) == list(range(len(found.targets)))
    labels = [target.label for target in found.targets]
    for row in found.rows:
        source = labels.index(row.source.label)
        wanted = {target for target, pair in row.cells.items() if pair.desired}
        assert wanted == {target for target in of if (of[source], of[target]) in found.desired} - {
            source
        }


@given(worlds())
def test_a_drift_of_values_is_a_cell_that_is_not_complete(world: World) -> None:
    comparison = compared(world)
    for host_of, row in zip(comparison.hosts, matrix(comparison).rows, strict=True):
        counts = row.counts()
        assert bool(host_of.missing) is bool(counts[PairState.MISSING] + counts[PairState.PARTIAL])
        if host_of.standing(Standing.STALE):
            assert row.surprises or row.unexpected
