"""What goes on with a machine, by the numbers of OperationalStatus."""

import pytest

from delegation.hosts.cim.machine_activity import activity
from delegation.hosts.machines import MachineActivity

MIGRATING, BUSY = MachineActivity.MIGRATING, MachineActivity.BUSY


@pytest.mark.parametrize("number", [32774, 32778, 32779, 32780])
def test_its_memory_and_its_storage_are_on_their_way(number: int) -> None:
    assert activity((11, number)) is MIGRATING
    assert activity((2, number)) is MIGRATING


@pytest.mark.parametrize("number", [*range(32768, 32774), 32776, 32777, 32781])
def test_what_ends_by_itself(number: int) -> None:
    assert activity((11, number)) is BUSY


@pytest.mark.parametrize("status", [(), (2,), (3,), (11,), (2, 32775), (2, 40000)])
def test_nothing_that_is_waited_for(status: tuple[int, ...]) -> None:
    assert activity(status) is None
