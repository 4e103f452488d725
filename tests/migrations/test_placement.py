"""What is asked for, against what the hosts hold; and the targets that a drain chooses."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace
from math import inf
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delegation.hosts.hosted import Hosted
from delegation.hosts.machines import (
    Disk,
    HostReading,
    MachineActivity,
    MachineState,
    VirtualMachine,
)
from delegation.inventory import Apart, OnlyOn, Slots, Together
from delegation.migrations.moves import drain, placement
from delegation.migrations.moves.affinity import AffinityRules
from delegation.migrations.moves.asked import AskedMove
from delegation.migrations.moves.placed import Placement
from delegation.migrations.moves.surveyed import Surveyed
from delegation.migrations.moves.terms import Liberties, Terms
from tests.migrations.fleet import GB, estimate, fleet, hosted, machine, placed_on, terms

HOSTS = ("hv01", "hv02", "hv03")


def resolved(surveyed: Surveyed, *asked: AskedMove, under: Terms | None = None) -> Placement:
    return placement.resolve(asked, surveyed, under or terms(HOSTS), estimate)


def with_disks(name: str, *disks: Disk) -> VirtualMachine:
    return replace(machine(name), disks=disks)


def refusal(surveyed: Surveyed, asked: AskedMove, under: Terms | None = None) -> str:
    """Why the one move can't be made."""
    found = resolved(surveyed, asked, under=under)
    assert not found.moves
    [one] = found.unmovable
    assert one.fix
    return one.why


# Lists


def test_a_machine_is_found_by_its_name_or_its_id() -> None:
    web, db = machine("Web01", memory=4 * GB, disk=6 * GB), machine("db01")
    surveyed = fleet({"hv01": hosted(web, "other"), "hv02": hosted(db), "hv03": hosted()})
    found = resolved(
        surveyed, AskedMove("web01", "hv02"), AskedMove(str(db.id).upper(), "hv03", "hv02")
    )
    assert not found.unmovable
    first, second = found.moves
    assert (first.move.name, first.move.source, first.move.target) == ("Web01", "hv01", "hv02")
    assert first.move.machine == str(web.id)
    assert (first.move.memory, first.move.disk, first.move.seconds) == (4 * GB, 6 * GB, 10.0)
    assert (first.storage, first.size) == ("D:\\VMs\\Web01", 10 * GB)
    assert second.move.machine == str(db.id)


def test_what_is_there_already_is_no_move() -> None:
    surveyed = fleet({"hv01": hosted(), "hv02": hosted("web01"), "hv03": hosted("db01")})
    found = resolved(surveyed, AskedMove("web01", "hv02", "hv01"), AskedMove("db01", "hv03"))
    assert not found.moves
    assert not found.unmovable
    assert [(one.name, one.host) for one in found.there] == [("web01", "hv02"), ("db01", "hv03")]


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        (AskedMove("nobody", "hv02"), "no host that was read has it"),
        (AskedMove("nobody", "hv02", "hv01"), "it is not on hv01"),
        (AskedMove("web01", "hv02", "hv03"), "it is not on hv03, but on hv01"),
        (AskedMove("saved", "hv02"), "it has 2 checkpoints"),
        (AskedMove("linked", "hv02"), "its disks hold differences to other files"),
        (AskedMove("merged", "hv02"), "its disks hold differences to other files"),
        (
            AskedMove("mixed", "hv02"),
            r"some of its disks are on a share (\\sofs01\vms), and others are not",
        ),
        (AskedMove("away", "hv02"), "it is being migrated already"),
        (AskedMove("odd", "hv02"), "its state does not allow it (OperationalStatus: 2, 5)"),
        (AskedMove("web01", "hv04"), "hv01 may not migrate to hv04: no mesh has that pair"),
    ],
)
def test_what_can_not_be_moved_is_named_with_its_reason(asked: AskedMove, why: str) -> None:
    machines = (
        machine("web01"),
        machine("saved", checkpoints=2),
        with_disks("linked", Disk(r"D:\x\a.vhdx", 1, r"D:\x\parent.vhdx")),
        with_disks("merged", Disk(r"D:\x\a_1F.avhdx", 1)),
        with_disks("mixed", Disk(r"D:\x\a.vhdx", 1, ""), Disk(r"\\sofs01\vms\b.vhdx", 1, "")),
        machine("away", activity=MachineActivity.MIGRATING),
        machine("odd", state=MachineState.OTHER, status=(2, 5)),
    )
    surveyed = fleet({"hv01": hosted(*machines), "hv02": hosted(), "hv04": hosted()})
    assert refusal(surveyed, asked) == why


def test_a_name_on_two_hosts_needs_its_source() -> None:
    one, other = machine("web01"), machine("WEB01", id_=UUID(int=7))
    surveyed = fleet({"hv01": hosted(one), "hv02": hosted(other), "hv03": hosted()})
    why = refusal(surveyed, AskedMove("web01", "hv03"))
    assert str(one.id) in why
    assert f"{other.id} on hv02" in why
    [found] = resolved(surveyed, AskedMove("web01", "hv03", "hv02")).moves
    assert found.move.machine == str(other.id)


def test_a_name_twice_on_one_host_needs_its_id() -> None:
    one, other = machine("web01"), machine("web01", id_=UUID(int=7))
    surveyed = fleet({"hv01": hosted(one, other), "hv02": hosted(), "hv03": hosted()})
    [found] = resolved(surveyed, AskedMove("web01", "hv03", "hv01")).unmovable
    assert found.fix == "name it by its id"
    [placed] = resolved(surveyed, AskedMove(str(other.id), "hv03")).moves
    assert placed.move.machine == str(other.id)


def test_two_of_a_name_on_one_host_and_one_elsewhere_need_the_id() -> None:
    two = (machine("web01"), machine("web01", id_=UUID(int=7)))
    surveyed = fleet(
        {"hv01": hosted(*two), "hv02": hosted(machine("web01", id_=UUID(int=8))), "hv03": hosted()}
    )
    [found] = resolved(surveyed, AskedMove("web01", "hv03")).unmovable
    assert found.fix == "name it by its id"


@pytest.mark.parametrize(
    ("storage", "remark"),
    [
        ("C:\\Windows\\VMs", "Windows' own folder is no good place for the storage of web01"),
        ("\\\\hv02\\d$\\VMs", "the administrative share d$ of hv02 is no good place"),
        ("\\\\hv02\\ADMIN$\\x", "the administrative share admin$ of hv02 is no good place"),
        ("D:\\Windows10", ""),
        ("\\\\sofs\\vms$\\Windows", ""),
    ],
)
def test_a_place_that_is_none_for_machines_is_worth_a_look(storage: str, remark: str) -> None:
    surveyed = fleet({"hv01": hosted("web01"), "hv02": hosted()})
    found = resolved(surveyed, AskedMove("web01", "hv02", storage=storage))
    assert len(found.moves) == 1
    told = [line for line in found.remarks if "no good place" in line]
    assert len(told) == bool(remark)
    assert all(line.startswith(remark) for line in told)


def test_a_disk_that_is_full_is_named() -> None:
    surveyed = fleet({"hv01": hosted("web01"), "hv02": hosted(disk=5 * GB)})
    why = refusal(surveyed, AskedMove("web01", "hv02"))
    assert why == "hv02 has no room for it: 15.0 GB of disk on D: too little for web01"


def test_a_machine_asked_for_twice_is_moved_once() -> None:
    web = machine("web01")
    surveyed = fleet({"hv01": hosted(web), "hv02": hosted(), "hv03": hosted()})
    found = resolved(surveyed, AskedMove("web01", "hv02"), AskedMove(str(web.id), "hv03"))
    assert len(found.moves) == 1
    assert "twice" in found.unmovable[0].why


def test_a_replica_with_the_same_id_stands_in_the_way() -> None:
    web = machine("web01")
    surveyed = fleet({"hv01": hosted(web), "hv02": hosted(replace(web, name="replica"))})
    why = refusal(surveyed, AskedMove("web01", "hv02", "hv01"))
    assert why == "hv02 has a machine of the same id"


@pytest.mark.parametrize("end", ["hv01", "hv02"])
@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"enabled": False}, "live migration is switched off there"),
        ({"vmms": "Stopped"}, "its Virtual Machine Management service is Stopped"),
        ({"migrations": 0}, "it allows no migration at a time"),
        ({"storage_migrations": 0}, "it allows no migration at a time"),
    ],
)
def test_a_host_that_can_not_take_part(end: str, change: dict[str, object], why: str) -> None:
    changes = {end: change}
    surveyed = fleet(
        {
            "hv01": hosted("web01", **changes.get("hv01", {})),  # type: ignore[arg-type]
            "hv02": hosted(**changes.get("hv02", {})),  # type: ignore[arg-type]
        }
    )
    assert refusal(surveyed, AskedMove("web01", "hv02")) == f"{end}: {why}"


def test_storage_slots_count_where_a_move_takes_one() -> None:
    surveyed = fleet({"hv01": hosted("web01", storage_migrations=0), "hv02": hosted()})
    asked = AskedMove("web01", "hv02")
    assert resolved(surveyed, asked, under=terms(HOSTS, slots=Slots.LIVE)).moves
    assert not resolved(surveyed, asked, under=terms(HOSTS, slots=Slots.BOTH)).moves


def test_hosts_that_were_not_read_are_said() -> None:
    surveyed = fleet({"hv01": hosted("web01")}, {"hv02": "no answer", "hv03": "access denied"})
    assert refusal(surveyed, AskedMove("db01", "hv01")) == (
        "no host that was read has it; not read: hv02, hv03"
    )
    assert refusal(surveyed, AskedMove("db01", "hv01", "hv02")) == "hv02 was not read: no answer"
    why = refusal(surveyed, AskedMove("web01", "hv03"))
    assert why == "hv03 was not read: access denied"


def test_an_end_without_room_is_refused_with_all_names() -> None:
    """What leaves makes room, what has to stay does not."""
    big = [machine(f"vm{n}", memory=6 * GB) for n in range(3)]
    surveyed = fleet(
        {
            "hv01": hosted(*big),
            "hv02": hosted(machine("old", memory=4 * GB), memory=13 * GB),
            "hv03": hosted(memory=64 * GB),
        }
    )
    three = [AskedMove(one.name, "hv02") for one in big]
    found = resolved(surveyed, *three)
    assert not found.moves
    assert [one.name for one in found.unmovable] == ["vm0", "vm1", "vm2"]
    assert "hv02 has no room for it: 5.0 GB of memory too little" in found.unmovable[0].why
    assert len(resolved(surveyed, *three[:2]).moves) == 2
    short = resolved(surveyed, *three, AskedMove("old", "hv03"))  # by 1 GB even so
    assert placed_on(one.move for one in short.moves) == {"old": "hv03"}
    roomier = fleet({**surveyed.hosts, "hv02": hosted("old", memory=16 * GB)})
    assert len(resolved(roomier, *three, AskedMove("old", "hv03")).moves) == 4
    assert not resolved(roomier, *three, AskedMove("old", "hv09")).moves


def test_what_has_to_stay_makes_no_room() -> None:
    """A finds no room on hv02 and so stays on hv01, where B is to go in its place."""
    surveyed = fleet(
        {
            "hv01": hosted(machine("a", memory=8 * GB), memory=1 * GB),
            "hv02": hosted(memory=1 * GB),
            "hv03": hosted(machine("b", memory=8 * GB)),
        }
    )
    found = resolved(surveyed, AskedMove("a", "hv02"), AskedMove("b", "hv01"))
    assert not found.moves
    assert [one.name for one in found.unmovable] == ["a", "b"]


def test_a_machine_that_is_off_takes_no_memory() -> None:
    off = machine("off", memory=100 * GB, state=MachineState.OFF)
    surveyed = fleet({"hv01": hosted(off), "hv02": hosted(memory=1 * GB)})
    [found] = resolved(surveyed, AskedMove("off", "hv02")).moves
    assert found.move.memory == 0


def test_a_volume_of_which_nothing_is_known_is_a_remark() -> None:
    surveyed = fleet({"hv01": hosted("web01"), "hv02": hosted(disk=0, storage="D:\\VMs")})
    elsewhere = resolved(surveyed, AskedMove("web01", "hv02", storage="E:\\VMs"))
    assert elsewhere.moves[0].move.disk == 0
    assert elsewhere.moves[0].size == 22 * GB
    assert "how much room e: of hv02 has is not known" in elsewhere.remarks[0]
    assert not resolved(surveyed, AskedMove("web01", "hv02", storage="d:\\Other")).moves


@pytest.mark.parametrize(
    ("name", "own"),
    [("web 01", True), ("a/b", False), ("nul", False), ("com1.x", False), ("dot.", False)],
)
def test_each_machine_gets_a_folder_of_its_own(name: str, *, own: bool) -> None:
    one = machine(name)
    surveyed = fleet({"hv01": hosted(one), "hv02": hosted(storage="D:\\")})
    [found] = resolved(surveyed, AskedMove(name, "hv02")).moves
    assert found.storage == f"D:\\{name if own else one.id}"


def test_two_machines_of_one_name_get_two_folders() -> None:
    one, other, there = (machine("web01", id_=UUID(int=n)) for n in (1, 2, 3))
    surveyed = fleet({"hv01": hosted(one), "hv02": hosted(other), "hv03": hosted()})
    asked = (AskedMove("web01", "hv03", "hv01"), AskedMove("web01", "hv03", "hv02"))
    found = resolved(surveyed, *asked)
    assert len({placed.storage.casefold() for placed in found.moves}) == 2
    occupied = fleet({**surveyed.hosts, "hv03": hosted(there)})
    [placed] = resolved(occupied, asked[0]).moves
    assert placed.storage == f"D:\\VMs\\{one.id}"


def test_disks_of_one_name_may_not_meet_in_one_folder() -> None:
    machines = [machine(name, file="disk.vhdx") for name in ("a", "b", "c")]
    surveyed = fleet({"hv01": hosted(*machines), "hv02": hosted()})
    found = resolved(
        surveyed,
        AskedMove("a", "hv02", storage="D:\\x"),
        AskedMove("b", "hv02", storage="d:\\X"),
        AskedMove("c", "hv02"),
    )
    assert placed_on(one.move for one in found.moves) == {"c": "hv02"}
    assert [one.name for one in found.unmovable] == ["a", "b"]
    assert "a, b have a disk disk.vhdx each" in found.unmovable[0].why


def test_a_list_may_break_a_rule_and_is_told() -> None:
    surveyed = fleet({"hv01": hosted("dc1", "x"), "hv02": hosted("dc2"), "hv03": hosted("y")})
    under = terms(HOSTS, Apart(("dc*",)), OnlyOn(("x",), ("hv01",)), Together(("x", "y")))
    found = resolved(surveyed, AskedMove("dc1", "hv02"), AskedMove("x", "hv02"), under=under)
    assert len(found.moves) == 2
    assert found.remarks == (
        "after the moves, dc1, dc2 are on hv02, against {apart: [dc*]}",
        "after the moves, x is on hv02, against {machines: [x], hosts: [hv01]}",
        "after the moves, x on hv02; y on hv03, against {together: [x, y]}",
    )
    quiet = resolved(surveyed, AskedMove("y", "hv01"), under=terms(HOSTS, Apart(("dc*",))))
    assert quiet.remarks == ()


def test_patterns_of_rules_mean_whole_names_in_any_case() -> None:
    rules = AffinityRules([Apart(("SQL*",)), Apart(("web?",)), Apart(("a[1]", "b"))])
    assert rules.all_of("sql01") == (0,)
    assert rules.all_of("MySQL") == ()
    assert rules.all_of("WEB1") == (1,)
    assert rules.all_of("web12") == ()
    assert rules.all_of("A[1]") == (2,)
    assert rules.all_of("a1") == ()


# Drains


def test_a_drain_fills_the_targets_evenly() -> None:
    machines = [machine(f"vm{n:02}", memory=4 * GB) for n in range(12)]
    room = {"memory": 32 * GB, "total": (64 * GB, 2000 * GB)}
    surveyed = fleet(
        {"hv01": hosted(*machines), **{f"hv0{n}": hosted(**room) for n in (2, 3, 4)}}  # type: ignore[arg-type]
    )
    found = drain.drain(["hv01"], surveyed, terms(surveyed.hosts))
    assert not found.unmovable
    assert Counter(move.target for move in found.moves) == {"hv02": 4, "hv03": 4, "hv04": 4}
    assert {move.source for move in found.moves} == {"hv01"}


def test_a_drain_packs_tightly_where_evenly_would_leave_one_out() -> None:
    sizes = [1, 7, 4, 5, 5]
    machines = [machine(f"vm{n}", memory=size * GB) for n, size in enumerate(sizes)]
    rooms = {"hv02": 10, "hv03": 7, "hv04": 8}
    targets = {host: hosted(memory=size * GB) for host, size in rooms.items()}
    surveyed = fleet({"hv01": hosted(*machines), **targets})
    found = drain.drain(["hv01"], surveyed, terms(surveyed.hosts))
    assert not found.unmovable


def test_a_drain_starts_with_the_machine_that_has_the_fewest_hosts() -> None:
    """The largest, first, would take hv02, where the one small machine has to go."""
    machines = [
        machine("small", memory=GB),
        machine("free", memory=2 * GB),
        machine("large", memory=8 * GB),
    ]
    surveyed = fleet(
        {"hv01": hosted(*machines), **{f"hv0{n}": hosted(memory=8 * GB) for n in (2, 3)}}
    )
    under = terms(surveyed.hosts, OnlyOn(("small",), ("hv02",)))
    found = drain.drain(["hv01"], surveyed, under)
    assert {move.machine: move.target for move in found.moves} == {
        "small": "hv02",
        "free": "hv02",
        "large": "hv03",
    }


def test_a_drain_moves_one_aside_for_another() -> None:
    """Neither evenly nor tightly, one after the other, are these four placed."""
    sizes = [(4, 6), (8, 5), (2, 7), (3, 9)]
    rooms = {"hv02": (8, 13), "hv03": (12, 14), "hv04": (8, 4)}
    machines = [machine(f"vm{n}", memory=m * GB, disk=d * GB) for n, (m, d) in enumerate(sizes)]
    targets = {host: hosted(memory=m * GB, disk=d * GB) for host, (m, d) in rooms.items()}
    surveyed = fleet({"hv01": hosted(*machines), **targets})
    found = drain.drain(["hv01"], surveyed, terms(surveyed.hosts))
    assert not found.unmovable


def test_machines_that_leave_are_kept_apart_and_together() -> None:
    """Although one host would have had the room for all, or another for each."""
    surveyed = fleet(
        {
            "hv01": hosted("dc1", "dc2", "web", "db"),
            "hv02": hosted(memory=1000 * GB),
            "hv03": hosted(memory=10 * GB),
        }
    )
    under = terms(surveyed.hosts, Apart(("dc*",)), Together(("web", "db")))
    found = drain.drain(["hv01"], surveyed, under)
    targets = {move.machine: move.target for move in found.moves}
    assert targets["dc1"] != targets["dc2"]
    assert targets["web"] == targets["db"]


def test_a_drain_says_what_it_can_not_place() -> None:
    machines = [
        machine("huge", memory=100 * GB),
        machine("role", activity=MachineActivity.MIGRATING),
        machine("ok"),
    ]
    surveyed = fleet({"hv01": hosted(*machines), "hv02": hosted()})
    found = drain.drain(["hv01"], surveyed, terms(surveyed.hosts))
    assert [move.machine for move in found.moves] == ["ok"]
    huge, role = found.unmovable
    assert huge.name == "huge"
    assert huge.why == (
        "no room: it needs 100.0 GB of memory and 20.0 GB of disk; "
        "with the others, hv02 has 62.0 GB and, on D:, 980.0 GB left"
    )
    assert role.why == "it is being migrated already"


@pytest.mark.parametrize(
    ("reach", "unread", "why"),
    [
        (
            {"hv01": ["hv02"], "hv03": ["hv01"]},
            {},
            "no host that stays and was read may be reached",
        ),
        ({}, {"hv03": "no answer"}, "no host that stays and was read may be reached"),
    ],
)
def test_a_drain_goes_where_the_mesh_leads(
    reach: dict[str, list[str]], unread: dict[str, str], why: str
) -> None:
    """Hosts that are drained themselves, or were not read, are no targets."""
    hosts = {"hv01": hosted("web01"), "hv02": hosted(), "hv03": hosted()}
    surveyed = fleet({h: one for h, one in hosts.items() if h not in unread}, unread)
    found = drain.drain(["hv01", "hv02"], surveyed, terms(HOSTS, reach=reach))
    assert not found.moves
    assert found.unmovable[0].why.startswith(why)


def test_a_drained_host_that_was_not_read_is_said() -> None:
    surveyed = fleet({"hv02": hosted()}, {"hv01": "no answer"})
    found = drain.drain(["hv01"], surveyed, terms(HOSTS))
    assert [(one.name, one.why) for one in found.unmovable] == [
        ("every machine", "hv01 was not read: no answer")
    ]


def test_affinity_holds_against_machines_that_stay() -> None:
    surveyed = fleet(
        {
            "hv01": hosted("dc1", "web", "lonely"),
            "hv02": hosted("dc2", memory=1000 * GB),
            "hv03": hosted("db"),
            "hv04": hosted(),
        }
    )
    under = terms(
        surveyed.hosts,
        Apart(("dc*",)),
        Together(("web", "db")),
        OnlyOn(("lonely",), ("hv04", "hv01")),
    )
    found = drain.drain(["hv01"], surveyed, under)
    targets = {move.machine: move.target for move in found.moves}
    assert not found.unmovable
    assert targets["web"] == "hv03"
    assert targets["lonely"] == "hv04"
    assert targets["dc1"] != "hv02"


@pytest.mark.parametrize(
    ("rules", "why"),
    [
        ([OnlyOn(("web",), ("hv01",))], "affinity rules leave no host for it"),
        ([Apart(("web", "other*"))], "a machine that it is to be apart from is on every host"),
        ([Together(("web", "role"))], "affinity rules leave no host for it"),
        ([Together(("web", "db")), Apart(("web", "db"))], "affinity rules leave no host for it"),
    ],
)
def test_rules_that_leave_no_host_are_named(
    rules: list[Apart | Together | OnlyOn], why: str
) -> None:
    role = machine("role", activity=MachineActivity.MIGRATING)
    surveyed = fleet(
        {"hv01": hosted("web", "db", role), "hv02": hosted("other1"), "hv03": hosted("other2")}
    )
    found = drain.drain(["hv01"], surveyed, terms(surveyed.hosts, *rules))
    web = next(one for one in found.unmovable if one.name == "web")
    assert web.why == why
    assert web.fix.startswith("see migrate.affinity: {")


def test_a_drain_names_machines_so_that_a_list_finds_them() -> None:
    same = [machine("same", id_=UUID(int=n)) for n in (1, 2)]
    odd = machine(" odd ")
    surveyed = fleet({"hv01": hosted(*same, odd, "plain"), "hv02": hosted()})
    found = drain.drain(["hv01"], surveyed, terms(surveyed.hosts))
    assert {move.machine for move in found.moves} == {
        *(str(one.id) for one in same),
        str(odd.id),
        "plain",
    }
    assert len(placement.resolve(found.moves, surveyed, terms(HOSTS), estimate).moves) == 4


# Laws

LABELS = ("hv01", "hv02", "hv03", "hv04", "hv05")
PATTERNS = ("a*", "b*", "*1", "c2")

machines_ = st.builds(
    machine,
    st.sampled_from([f"{kind}{n}" for kind in "abcd" for n in range(4)]),
    memory=st.integers(0, 12).map(GB.__mul__),
    disk=st.none() | st.integers(0, 60).map(GB.__mul__),
    state=st.sampled_from(
        [MachineState.RUNNING, MachineState.OFF, MachineState.SAVED, MachineState.OTHER]
    ),
    id_=st.uuids(),
    checkpoints=st.integers(0, 9).map((9).__eq__),
)
hosts_ = st.builds(
    lambda machines, **given: hosted(*machines, **given),
    st.lists(machines_, max_size=6),
    memory=st.none() | st.integers(-2, 40).map(GB.__mul__),
    disk=st.none() | st.integers(0, 200).map(GB.__mul__),
    migrations=st.integers(0, 3),
    enabled=st.integers(0, 9).map((0).__ne__),
)
some_hosts = st.lists(st.sampled_from(LABELS), min_size=1, unique=True)
patterns = st.lists(st.sampled_from(PATTERNS), min_size=1, max_size=2, unique=True).map(tuple)
rules_ = st.lists(
    st.builds(Apart, patterns)
    | st.builds(Together, patterns)
    | st.builds(OnlyOn, patterns, some_hosts.map(tuple)),
    max_size=3,
)


@st.composite
def situations(draw: st.DrawFn) -> tuple[Surveyed, Terms]:
    read = draw(st.lists(st.sampled_from(LABELS), min_size=2, unique=True))
    surveyed = fleet(
        {label: draw(hosts_) for label in LABELS if label in read},
        {label: "no answer" for label in LABELS if label not in read},
    )
    reach = draw(
        st.none()
        | st.dictionaries(st.sampled_from(LABELS), some_hosts, min_size=1).map(
            lambda found: {a: set(b) - {a} for a, b in found.items()}
        )
    )
    said = draw(st.builds(Liberties))
    known = surveyed.taken_for_full() if said.assume_full else surveyed
    return known, terms(LABELS, *draw(rules_), reach=reach, liberties=said)


def ends_up(surveyed: Surveyed, found: Placement) -> dict[str, list[VirtualMachine]]:
    """Who is where after the moves."""
    targets = {one.move.machine: one.move.target for one in found.moves}
    where: dict[str, list[VirtualMachine]] = defaultdict(list)
    for label, one in surveyed.hosts.items():
        for vm in one.machines:
            where[targets.get(str(vm.id), label)].append(vm)
    return where


def free(one: Hosted) -> tuple[float, float]:
    """What is not told is no bound, unless it was taken for none."""
    resources = one.reading.resources
    assert resources
    memory, disk = resources.memory, resources.disk
    return inf if memory is None else memory, inf if disk is None else disk


def everywhere(surveyed: Surveyed) -> Iterator[tuple[str, VirtualMachine]]:
    for label, one in surveyed.hosts.items():
        for vm in one.machines:
            yield label, vm


@given(situations(), some_hosts)
def test_a_drain_places_or_names_every_machine_once(
    situation: tuple[Surveyed, Terms], drained: list[str]
) -> None:
    surveyed, under = situation
    found = drain.drain(drained, surveyed, under)
    again = resolved(surveyed, *found.moves, under=under)
    assert len(again.moves) == len(found.moves)
    assert not again.unmovable
    machines = Counter(vm.name for label, vm in everywhere(surveyed) if label in drained)
    placed = Counter(one.move.name for one in again.moves)
    named = Counter(one.name for one in found.unmovable if one.name != "every machine")
    assert placed + named == machines


@given(situations(), some_hosts)
def test_a_drain_never_goes_beyond_room_or_mesh(
    situation: tuple[Surveyed, Terms], drained: list[str]
) -> None:
    surveyed, under = situation
    found = drain.drain(drained, surveyed, under)
    placed = resolved(surveyed, *found.moves, under=under)
    for label in surveyed.hosts:
        incoming = [one.move for one in placed.moves if one.move.target == label]
        memory, disk = free(surveyed.hosts[label])
        assert sum(move.memory for move in incoming) <= max(memory, 0)
        assert sum(move.disk for move in incoming) <= max(disk, 0)
    for one in placed.moves:
        assert one.move.target not in drained
        assert one.move.target in under.reach[one.move.source]


@given(situations(), some_hosts)
def test_a_drain_breaks_no_rule(situation: tuple[Surveyed, Terms], drained: list[str]) -> None:
    """Rules that machines break that stay where they are can't be mended by it."""
    surveyed, under = situation
    found = drain.drain(drained, surveyed, under)
    placed = resolved(surveyed, *found.moves, under=under)
    rules = under.rules
    moved = {one.move.machine for one in placed.moves}
    where = ends_up(surveyed, placed)
    for machines in where.values():
        for vm in machines:
            if str(vm.id) not in moved:
                continue
            mates = [other for other in machines if other.id != vm.id]
            assert not any(set(rules.apart(vm.name)) & set(rules.apart(m.name)) for m in mates)
    for label, machines in where.items():
        for vm in machines:
            only = rules.only_on(vm.name)
            assert str(vm.id) not in moved or only is None or label in only
    for rule in {r for _, vm in everywhere(surveyed) for r in rules.together(vm.name)}:
        hosts = {h: [m for m in ms if rule in rules.together(m.name)] for h, ms in where.items()}
        staying = {h for h, ms in hosts.items() if any(str(m.id) not in moved for m in ms)}
        arrived = {h for h, ms in hosts.items() if any(str(m.id) in moved for m in ms)}
        assert arrived <= staying if staying else len(arrived) <= 1


@given(situations(), st.data())
def test_a_list_never_ends_beyond_room(
    situation: tuple[Surveyed, Terms], data: st.DataObject
) -> None:
    surveyed, under = situation
    asked = [
        AskedMove(str(vm.id), data.draw(st.sampled_from(LABELS)), label)
        for label, vm in everywhere(surveyed)
        if data.draw(st.booleans())
    ]
    found = resolved(surveyed, *asked, under=under)
    assert len(found.moves) + len(found.there) + len(found.unmovable) == len(asked)
    for label, one in surveyed.hosts.items():
        moves = [placed.move for placed in found.moves]
        arriving = [move for move in moves if move.target == label]
        if not arriving:
            continue
        leaving = [move for move in moves if move.source == label]
        for left, kind in zip(free(one), ("memory", "disk"), strict=True):
            wanted = _sum(arriving, kind)  # what needs nothing has room on an overfull host
            assert not wanted or left + _sum(leaving, kind) - wanted >= 0


def _sum(moves: Iterable[object], size: str) -> int:
    return sum(getattr(move, size) for move in moves)


@given(st.lists(st.integers(1, 8), max_size=8), st.integers(0, 40))
def test_one_target_takes_all_that_fits(sizes: list[int], room: int) -> None:
    machines = [machine(f"vm{n}", memory=size * GB) for n, size in enumerate(sizes)]
    surveyed = fleet({"hv01": hosted(*machines), "hv02": hosted(memory=room * GB)})
    found = drain.drain(["hv01"], surveyed, terms(surveyed.hosts))
    assert (not found.unmovable) is (sum(sizes) <= room)


def test_a_host_whose_resources_are_unknown_is_no_target() -> None:
    unknown = Hosted(HostReading("hv02.corp.example"), ())
    surveyed = fleet({"hv01": hosted("web01"), "hv02": unknown})
    assert not drain.drain(["hv01"], surveyed, terms(surveyed.hosts)).moves
    why = refusal(surveyed, AskedMove("web01", "hv02"))
    assert why == "hv02: its slots and its free space are not known"


# What hosts do not tell


def test_a_host_that_does_not_tell_its_room_takes_machines_and_that_is_said() -> None:
    surveyed = fleet(
        {
            "hv01": hosted("web01", machine("db01", disk=None)),
            "hv02": hosted(disk=None, not_told={"disk": "hv02 gives joe no access to root/cimv2"}),
        }
    )
    drained = drain.drain(["hv01"], surveyed, terms(surveyed.hosts))
    assert not drained.unmovable
    found = resolved(surveyed, *drained.moves, under=terms(surveyed.hosts))
    assert [one.size for one in found.moves] == [None, 22 * GB]
    room, sizes = found.remarks
    assert room == (
        "how much disk hv02 has free is not told (hv02 gives joe no access to root/cimv2): "
        "not looked at"
    )
    assert sizes == "how large the disks of db01 are is not told: not counted as room"


def test_a_host_that_does_not_tell_its_room_is_full_only_where_somebody_says_so() -> None:
    read = fleet({"hv01": hosted("web01", machine("db01", disk=None)), "hv02": hosted(disk=None)})
    under = terms(read.hosts, liberties=Liberties(assume_full=True))
    drained = drain.drain(["hv01"], read.taken_for_full(), under)
    assert not drained.moves
    unknown, large = sorted(drained.unmovable, key=lambda refused: refused.name)
    assert unknown.why == "how large its disks are is not told, and what is not told fits nowhere"
    assert large.why.startswith("no room: it needs 2.0 GB of memory and 20.0 GB of disk")
    off = machine("off", disk=0)
    surveyed = fleet({"hv01": hosted(off), "hv02": hosted(disk=None)}).taken_for_full()
    [said] = resolved(surveyed, AskedMove("off", "hv02"), under=under).remarks
    assert said == "how much disk hv02 has free is not told: taken for full"


def test_a_volume_of_which_nothing_is_told_is_full_where_somebody_says_so() -> None:
    surveyed = fleet({"hv01": hosted("web01"), "hv02": hosted()})
    asked = AskedMove("web01", "hv02", storage=r"E:\Fast\web01")
    assert resolved(surveyed, asked).remarks[0].startswith("how much room e: of hv02 has is not")
    under = terms(surveyed.hosts, liberties=Liberties(assume_full=True))
    assert refusal(surveyed, asked, under) == (
        "how much room e: of hv02 has is not told: taken for full"
    )


def test_a_machine_with_checkpoints_is_moved_where_somebody_says_so() -> None:
    surveyed = fleet({"hv01": hosted(machine("web01", checkpoints=1)), "hv02": hosted()})
    assert refusal(surveyed, AskedMove("web01", "hv02")) == "it has 1 checkpoint"
    under = terms(surveyed.hosts, liberties=Liberties(with_checkpoints=True))
    found = resolved(surveyed, AskedMove("web01", "hv02"), under=under)
    assert len(found.moves) == 1
    [said] = found.remarks
    assert said == (
        "web01: moved with checkpoints or differencing disks, as you asked; how Windows does that "
        "was never seen"
    )


def test_a_machine_that_is_busy_is_waited_for_in_whatever_state() -> None:
    busy = [
        machine("backed", activity=MachineActivity.BUSY),
        machine("merged", activity=MachineActivity.BUSY, state=MachineState.OTHER),
    ]
    surveyed = fleet({"hv01": hosted(*busy), "hv02": hosted()})
    drained = drain.drain(["hv01"], surveyed, terms(surveyed.hosts))
    found = resolved(surveyed, *drained.moves, under=terms(surveyed.hosts))
    assert len(found.moves) == 2
    [said] = found.remarks
    assert said == (
        "backed, merged are busy with a backup, a checkpoint or a merge of disks: the end of that "
        "is waited for"
    )


def test_a_machine_on_a_share_is_refused_by_name_and_tells_what_its_source_needs() -> None:
    path = r"\\sofs01\vms\web01.vhdx"
    untold = fleet({"hv01": hosted(with_disks("web01", Disk(path))), "hv02": hosted()})
    [refused] = resolved(untold, AskedMove("web01", "hv02")).unmovable
    assert refused.why == (
        r"its disks are on a share (\\sofs01\vms), and how large they are is not told"
    )
    assert "its host needs cifs/sofs01 among what it may delegate to" in refused.fix
    told = fleet({"hv01": hosted(with_disks("web01", Disk(path, 7 * GB, ""))), "hv02": hosted()})
    [refused] = resolved(told, AskedMove("web01", "hv02")).unmovable
    assert refused.why == (
        r"its disks are on a share (\\sofs01\vms, 7.0 GB): that Windows takes them along was never "
        "seen"
    )
    assert "cifs" not in refused.fix


@pytest.mark.parametrize(
    ("clustered", "said"),
    [
        (True, "hv01 is a node of a cluster, and does not tell which machines are its roles"),
        (None, "whether hv01 is a node of a cluster is not told"),
    ],
)
def test_a_node_of_a_cluster_is_told(clustered: bool | None, said: str) -> None:  # noqa: FBT001
    surveyed = fleet({"hv01": hosted("web01", clustered=clustered), "hv02": hosted()})
    [remark] = resolved(surveyed, AskedMove("web01", "hv02")).remarks
    assert remark.startswith(said)


def test_a_list_that_can_not_be_relied_upon_is_a_host_that_was_not_read() -> None:
    fix = "add joe to Hyper-V Administrators on hv01"
    cut = Surveyed(
        {"hv02": hosted(), "hv03": hosted("db01")},
        {"hv01": "hv01 lists no object of its own"},
        {"hv01": fix},
    )
    drained = drain.drain(["hv01"], cut, terms(HOSTS))
    assert not drained.moves
    [refused] = drained.unmovable
    assert refused.why == "hv01 was not read: hv01 lists no object of its own"
    assert refused.fix == fix
    assert "hv01 was not read" in refusal(cut, AskedMove("db01", "hv01"))
