"""What every directory to write through must do: one suite for the LDAP edge and the offline one.

A test module subclasses ``DirectoryContract`` and gives it a ``world``: the edge under test, and a
hand that makes and changes objects past it, and looks at them, with other tools than ours. Where
Samba is looser than Active Directory, a test belongs to the offline edge alone.
"""

from collections.abc import Sequence
from typing import Protocol
from uuid import uuid4

import pytest

from delegation.changes.outcomes import Result
from delegation.changes.plan import Change, Target
from delegation.mesh.seams import Writer
from delegation.mesh.snapshot import Computer
from delegation.mesh.state import Delegation, DelegationChange, DelegationOutcome
from delegation.names import peer_values

ENABLED = 4096
DISABLED = 4098
TRANSITION = 4096 | 0x1000000


class World(Protocol):
    """A directory with at least one domain controller, and an administrator's other tools.

    Computers are named by sAMAccountName without ``$``, in the spelling that made them.
    """

    @property
    def writer(self) -> Writer: ...

    @property
    def domain_controller(self) -> str: ...

    def create(
        self,
        name: str,
        *,
        values: Sequence[str] = (),
        uac: int = ENABLED,
        spns: Sequence[str] = (),
        dns_host_name: str | None = None,
    ) -> None: ...

    def delete(self, name: str) -> None: ...

    def move(self, name: str) -> None:
        """Give the object another distinguished name."""

    def add(self, name: str, value: str) -> None: ...

    def remove(self, name: str, value: str) -> None: ...

    def set_uac(self, name: str, uac: int) -> None: ...

    def look(self, name: str) -> Delegation:
        """What the object holds now, in any order."""


def one(world: World, name: str) -> Computer:
    """The one computer of that name, as the edge reads it."""
    found = [
        computer
        for computer in world.writer.find([name])
        if computer.name.casefold() == name.casefold()
    ]
    assert len(found) == 1, found
    return found[0]


def change(
    computer: Computer,
    *,
    add: Sequence[str] = (),
    remove: Sequence[str] = (),
    uac: int | None = None,
) -> DelegationChange:
    before = Delegation.of(computer)
    values = tuple(value for value in before.values if value not in remove)
    after = Delegation((*values, *add), before.uac if uac is None else uac)
    return Change(Target(computer.name, computer.dn, computer.guid), before, after)


def write(world: World, *changes: DelegationChange) -> list[DelegationOutcome]:
    """The outcomes in the order of the changes."""
    outcomes = {id(outcome.change): outcome for outcome in world.writer.write(changes)}
    return [outcomes[id(asked)] for asked in changes]


def assert_refused(outcome: DelegationOutcome, code: int, name: str) -> None:
    assert outcome.result is Result.REFUSED
    assert not outcome.stops
    assert str(code) in outcome.reason
    assert name in outcome.reason


def assert_same(state: Delegation, values: Sequence[str], uac: int = ENABLED) -> None:
    assert sorted(state.values) == sorted(values)
    assert state.uac == uac


class ReaderContract:
    @pytest.mark.parametrize("asked", ["ct01", "CT01", "cT01"])
    def test_a_computer_is_found_by_its_name_in_any_case(self, world: World, asked: str) -> None:
        world.create("CT01")
        assert one(world, asked).name == "CT01"

    def test_a_name_without_an_account_is_left_out(self, world: World) -> None:
        world.create("ct01")
        found = {computer.name for computer in world.writer.find(["ct01", "ct02"])}
        assert "ct01" in found
        assert "ct02" not in found

    @pytest.mark.parametrize("asked", ["ct0*", "*", "ct0", "ct01$", "ct01)(cn=*", "\\63t01", ""])
    def test_a_name_is_no_pattern(self, world: World, asked: str) -> None:
        world.create("ct01")
        assert "ct01" not in {computer.name for computer in world.writer.find([asked])}

    def test_holders_of_a_managed_service_come_along(self, world: World) -> None:
        world.create("ct01")
        world.create("ctnas", spns=["cifs/ct02"])
        world.create("ctvmm", spns=["Microsoft Virtual System Migration Service/ct02"])
        world.create("ctweb", spns=["HTTP/ct02"])
        found = {computer.name: computer for computer in world.writer.find(["ct01"])}
        assert found.keys() >= {"ct01", "ctnas", "ctvmm"}
        assert "ctweb" not in found
        assert "cifs/ct02" in found["ctnas"].spns

    def test_domain_controllers_come_along(self, world: World) -> None:
        found = {computer.name.casefold(): computer for computer in world.writer.find([])}
        assert found[world.domain_controller.casefold()].is_domain_controller

    def test_all_that_is_judged_by_is_read(self, world: World) -> None:
        world.create(
            "ct01",
            values=["cifs/ct02", "HTTP/Portal"],
            uac=TRANSITION,
            spns=["HOST/ct01"],
            dns_host_name="ct01.somewhere.example",
        )
        computer = one(world, "ct01")
        assert sorted(computer.values) == ["HTTP/Portal", "cifs/ct02"]
        assert computer.uac == TRANSITION
        assert computer.dns_host_name == "ct01.somewhere.example"
        assert computer.spns == ("HOST/ct01",)
        assert computer.primary_group == 515
        assert "computer" in computer.object_classes
        assert not computer.is_domain_controller
        assert not computer.not_a_host

    def test_what_an_object_lacks_is_empty(self, world: World) -> None:
        world.create("ct01")
        computer = one(world, "ct01")
        assert (computer.values, computer.spns, computer.dns_host_name) == ((), (), None)

    def test_an_object_is_read_by_its_guid_after_a_move(self, world: World) -> None:
        world.create("ct01", values=["cifs/ct02"])
        computer = one(world, "ct01")
        world.move("ct01")
        moved = world.writer.read([computer.guid])[computer.guid]
        assert moved.dn != computer.dn
        assert (moved.name, moved.values) == ("ct01", ("cifs/ct02",))

    def test_a_read_shows_the_present(self, world: World) -> None:
        world.create("ct01", values=["cifs/ct02"])
        guid = one(world, "ct01").guid
        world.add("ct01", "cifs/ct03")
        assert sorted(world.writer.read([guid])[guid].values) == ["cifs/ct02", "cifs/ct03"]

    def test_objects_that_are_gone_are_left_out(self, world: World) -> None:
        world.create("ct01")
        world.create("ct02")
        gone, there = one(world, "ct01").guid, one(world, "ct02").guid
        world.delete("ct01")
        assert world.writer.read([gone, there, uuid4()]).keys() == {there}

    def test_nothing_asked_is_nothing_read(self, world: World) -> None:
        assert world.writer.read([]) == {}


class DirectoryContract(ReaderContract):
    """Subclasses override ``world`` with a fixture."""

    @pytest.fixture
    def world(self) -> World:
        raise NotImplementedError

    def test_values_go_and_come_with_the_flag_in_one_change(self, world: World) -> None:
        world.create("ct01", values=["cifs/ct99", "cifs/ct02", "HTTP/portal"])
        asked = change(
            one(world, "ct01"), add=["cifs/ct03", "cifs/ct04"], remove=["cifs/ct99"], uac=TRANSITION
        )
        (outcome,) = write(world, asked)
        assert (outcome.result, outcome.reason, outcome.stops) == (Result.APPLIED, "", False)
        values = ["cifs/ct02", "HTTP/portal", "cifs/ct03", "cifs/ct04"]
        assert_same(world.look("ct01"), values, TRANSITION)
        assert_same(Delegation.of(one(world, "ct01")), values, TRANSITION)

    def test_the_first_value_comes_and_the_last_goes(self, world: World) -> None:
        world.create("ct01")
        first = change(one(world, "ct01"), add=["cifs/ct02"])
        assert write(world, first)[0].result is Result.APPLIED
        assert_same(world.look("ct01"), ["cifs/ct02"])
        assert write(world, first.reversed())[0].result is Result.APPLIED
        assert_same(world.look("ct01"), [])

    def test_a_flag_alone(self, world: World) -> None:
        world.create("ct01", values=["cifs/ct02"])
        (outcome,) = write(world, change(one(world, "ct01"), uac=TRANSITION))
        assert outcome.result is Result.APPLIED
        assert_same(world.look("ct01"), ["cifs/ct02"], TRANSITION)

    def test_the_reverse_restores_every_spelling(self, world: World) -> None:
        values = ["CIFS/Ct02", "cifs/CT03.corp.example", "HTTP/portal:8080", "http/Ünïted/x"]
        world.create("ct01", values=values, uac=TRANSITION)
        there = change(
            one(world, "ct01"), add=["cifs/ct04"], remove=[values[0], values[3]], uac=ENABLED
        )
        assert write(world, there)[0].result is Result.APPLIED
        assert_same(world.look("ct01"), ["cifs/ct04", *values[1:3]])
        assert write(world, there.reversed())[0].result is Result.APPLIED
        assert_same(world.look("ct01"), values, TRANSITION)

    def test_a_spelling_can_be_corrected(self, world: World) -> None:
        world.create("ct01", values=["CIFS/ct02"])
        asked = change(one(world, "ct01"), add=["cifs/ct02"], remove=["CIFS/ct02"])
        assert write(world, asked)[0].result is Result.APPLIED
        assert_same(world.look("ct01"), ["cifs/ct02"])

    def test_the_order_of_values_means_nothing(self, world: World) -> None:
        world.create("ct01", values=["cifs/ct02", "cifs/ct03", "cifs/ct04"])
        asked = change(one(world, "ct01"), add=["cifs/ct05"], remove=["cifs/ct03"])
        world.remove("ct01", "cifs/ct02")
        world.add("ct01", "cifs/ct02")
        assert write(world, asked)[0].result is Result.APPLIED
        assert_same(world.look("ct01"), ["cifs/ct02", "cifs/ct04", "cifs/ct05"])

    def test_a_value_that_came_since_survives(self, world: World) -> None:
        world.create("ct01", values=["cifs/ct99"])
        asked = change(one(world, "ct01"), add=["cifs/ct02"], remove=["cifs/ct99"])
        world.add("ct01", "MSSQLSvc/db1:1433")
        assert write(world, asked)[0].result is Result.APPLIED
        assert_same(world.look("ct01"), ["MSSQLSvc/db1:1433", "cifs/ct02"])

    def test_as_many_values_as_a_mesh_of_64_needs(self, world: World) -> None:
        world.create("ct01")
        values = [
            value
            for number in range(2, 65)
            for value in peer_values(f"ct{number:02}", f"ct{number:02}.corp.example")
        ]
        assert len(values) == 252
        asked = change(one(world, "ct01"), add=values)
        assert write(world, asked)[0].result is Result.APPLIED
        assert_same(world.look("ct01"), values)
        assert write(world, asked.reversed())[0].result is Result.APPLIED
        assert_same(world.look("ct01"), [])

    def test_a_value_added_by_hand_is_a_conflict(self, world: World) -> None:
        world.create("ct01", values=["cifs/ct99"])
        asked = change(
            one(world, "ct01"),
            add=["cifs/ct02", "cifs/ct03"],
            remove=["cifs/ct99"],
            uac=TRANSITION,
        )
        world.add("ct01", "cifs/ct03")
        assert_refused(write(world, asked)[0], 20, "attributeOrValueExists")
        assert_same(world.look("ct01"), ["cifs/ct99", "cifs/ct03"])

    def test_a_value_removed_by_hand_is_a_conflict(self, world: World) -> None:
        world.create("ct01", values=["cifs/ct98", "cifs/ct99", "cifs/ct04"])
        asked = change(
            one(world, "ct01"),
            add=["cifs/ct02"],
            remove=["cifs/ct98", "cifs/ct99"],
            uac=TRANSITION,
        )
        world.remove("ct01", "cifs/ct99")
        assert_refused(write(world, asked)[0], 16, "noSuchAttribute")
        assert_same(world.look("ct01"), ["cifs/ct98", "cifs/ct04"])

    def test_a_flag_changed_by_hand_is_a_conflict(self, world: World) -> None:
        world.create("ct01", values=["cifs/ct99"])
        asked = change(one(world, "ct01"), add=["cifs/ct02"], remove=["cifs/ct99"], uac=TRANSITION)
        world.set_uac("ct01", DISABLED)
        assert_refused(write(world, asked)[0], 16, "noSuchAttribute")
        assert_same(world.look("ct01"), ["cifs/ct99"], DISABLED)

    def test_a_flag_changed_by_hand_is_none_where_flags_stay(self, world: World) -> None:
        world.create("ct01")
        asked = change(one(world, "ct01"), add=["cifs/ct02"])
        world.set_uac("ct01", DISABLED)
        assert write(world, asked)[0].result is Result.APPLIED
        assert_same(world.look("ct01"), ["cifs/ct02"], DISABLED)

    def test_a_deleted_object_is_a_conflict(self, world: World) -> None:
        world.create("ct01")
        asked = change(one(world, "ct01"), add=["cifs/ct02"])
        world.delete("ct01")
        assert_refused(write(world, asked)[0], 32, "noSuchObject")

    def test_one_conflict_does_not_stop_the_others(self, world: World) -> None:
        for name in ("ct01", "ct02", "ct03", "ct04"):
            world.create(name)
        asked = [
            change(one(world, name), add=["cifs/ct09"]) for name in ("ct01", "ct02", "ct03", "ct04")
        ]
        world.add("ct02", "cifs/ct09")
        world.delete("ct03")
        results = [outcome.result for outcome in write(world, *asked)]
        assert results == [Result.APPLIED, Result.REFUSED, Result.REFUSED, Result.APPLIED]
        assert_same(world.look("ct01"), ["cifs/ct09"])
        assert_same(world.look("ct04"), ["cifs/ct09"])

    def test_every_change_has_one_outcome(self, world: World) -> None:
        for number in range(1, 21):
            world.create(f"ct{number:02}")
        asked = [change(one(world, f"ct{number:02}"), add=["cifs/ct99"]) for number in range(1, 21)]
        outcomes = list(world.writer.write(iter(asked)))
        assert sorted(id(outcome.change) for outcome in outcomes) == sorted(map(id, asked))
        assert {outcome.result for outcome in outcomes} == {Result.APPLIED}

    def test_no_changes_have_no_outcomes(self, world: World) -> None:
        assert list(world.writer.write([])) == []
