"""A machine checked in all ways: what is told of it, and that nothing is left of it anywhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from xml.etree.ElementTree import Element

import pytest

from delegation.errors import CimFailed, HostUnreachable
from delegation.hosts.cim.cim_client import Cim
from delegation.hosts.cim.machine_list import is_named, read_machines
from delegation.hosts.cim.told import NotTold
from delegation.hosts.machines import VirtualMachine
from delegation.hosts.probe.checked_ways import CheckedEnds, ask_ways
from delegation.hosts.probe.request_ways import WAYS
from tests.hosts.cim import farms
from tests.hosts.cim.canned import V2, CannedWire, Row
from tests.hosts.cim.source import TARGET, VM, Source, job

CHECK = "CheckVirtualSystemIsMigratable"
PLANNED: Row = {"Name": str(VM).upper(), "ElementName": "vm1"}


class Pair:
    """A canned source, and a canned target that it may leave something on."""

    def __init__(self) -> None:
        self.source = Source()
        self.target = Source(farms.host("HV02", machines=0), {"DestroySystem": 0})
        self.target.host.fqdn = TARGET
        self.wire = CannedWire(self.target.host)
        self.leaving = False
        self.checks = 0
        self.interrupted_at = 0
        begun = self.source.host.methods[CHECK]

        def check(asked: Element) -> str:
            self.checks += 1
            if self.leaving:
                self.planned[:] = [PLANNED]
            if self.checks == self.interrupted_at:
                raise KeyboardInterrupt
            return begun(asked)

        self.source.host.methods[CHECK] = check

    @property
    def planned(self) -> list[Row]:
        return self.target.host.rows.setdefault((V2, "Msvm_PlannedComputerSystem"), [])

    @property
    def destroyed(self) -> int:
        return self.target.count("DestroySystem")

    def machine(self) -> VirtualMachine:
        found = read_machines(self.source.cim, is_named("vm1"))
        assert not isinstance(found, NotTold)
        return found[0]

    def told(self) -> Mapping[str, Any]:
        ends = CheckedEnds(self.source.cim, Cim(self.wire), TARGET)
        return ask_ways(ends, self.machine())


@pytest.fixture
def pair() -> Pair:
    return Pair()


def test_every_way_is_asked_once_and_nothing_is_moved(pair: Pair) -> None:
    told = pair.told()
    assert list(told["ways"]) == list(WAYS)
    assert told["ways"]["as_sent"] == {
        "accepted": True,
        "planned": False,
        "job": {
            "state": 7,
            "type": 302,
            "percent": 10,
            "error_code": 0,
            "can_be_cancelled": True,
            "owner_told": False,
            "destination": "full name",
        },
    }
    assert told["ways"]["without_disks_of_checkpoints"] == {
        "not_asked": "the machine has not got a checkpoint"
    }
    assert (told["disks"], told["disks_of_checkpoints"], told["state"]) == (2, 0, "Running")
    methods = {name for name, _ in pair.source.calls}
    assert methods == {CHECK}
    assert pair.source.count(CHECK) == len(WAYS) - 1
    assert pair.destroyed == 0


def test_a_refused_check_is_told_by_its_numbers(pair: Pair) -> None:
    pair.source.checked = job("CHECK", JobType=302, JobState=10, ErrorCode=32768)
    pair.source.errors = [{"Message": "vm1: no such switch (0x80070490)", "MessageID": "33012"}]
    told = pair.told()["ways"]["as_sent"]
    assert told["accepted"] is False
    assert told["job"]["errors"] == (
        {"message_id": "33012", "type": None, "hresult": "0x80070490"},
    )
    assert told["texts_follow_language"] is False
    assert "vm1" not in str(told)
    assert pair.source.host.languages[-2:] == ["ja-JP", "en-US"]
    pair.source.codes[CHECK] = 32773
    assert pair.told()["ways"]["no_disks"]["return_value"] == 32773


def test_what_a_check_leaves_is_told_and_removed_each_time(pair: Pair) -> None:
    pair.leaving = True
    told = pair.told()
    asked = [one for one in told["ways"].values() if "accepted" in one]
    assert [one["planned"] for one in asked] == [{"left": True, "removed": True}] * len(asked)
    assert pair.planned == []
    assert pair.destroyed == len(asked)


def test_somebody_elses_planned_machine_is_never_removed(pair: Pair) -> None:
    pair.planned.append(PLANNED)
    told = pair.told()
    assert told["planned_before"] is True
    assert told["ways"]["as_sent"]["planned"] == "one was there before"
    assert pair.planned == [PLANNED]
    assert pair.destroyed == 0


def test_ctrl_c_in_the_midst_leaves_nothing(pair: Pair) -> None:
    pair.leaving, pair.interrupted_at = True, 3
    with pytest.raises(KeyboardInterrupt):
        pair.told()
    assert (pair.checks, pair.planned) == (3, [])
    assert pair.wire.times_renewed == 1


def test_what_can_not_be_removed_is_an_error_and_no_silence(pair: Pair) -> None:
    pair.leaving, pair.interrupted_at = True, 2
    pair.target.codes["DestroySystem"] = 32775
    with pytest.raises(CimFailed, match="may have left a planned machine on hv02") as failed:
        pair.told()
    assert isinstance(failed.value.__context__, KeyboardInterrupt)


def test_a_check_that_goes_on_is_waited_for_before_anything_is_removed(pair: Pair) -> None:
    pair.leaving = True
    pair.source.checked = job("CHECK", JobType=302, JobState=4)
    with pytest.raises(CimFailed, match="could not be removed") as failed:
        pair.told()
    assert isinstance(failed.value.__context__, HostUnreachable)
    assert (pair.checks, pair.destroyed) == (1, 0)


def test_a_machine_with_something_going_on_is_not_checked(pair: Pair) -> None:
    pair.source.jobs.append(job("OTHER"))
    assert pair.told() == {"not_checked": "something goes on with the machine"}
    assert pair.checks == 0
