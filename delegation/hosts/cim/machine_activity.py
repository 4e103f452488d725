"""OperationalStatus -> what goes on with a virtual machine: by numbers, texts are localised."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from delegation.hosts.machines import MachineActivity

_ACTIVITIES: Mapping[int, MachineActivity] = MappingProxyType(
    {
        32768: MachineActivity.BUSY,  # a checkpoint is made,
        32769: MachineActivity.BUSY,  # applied,
        32770: MachineActivity.BUSY,  # deleted
        32771: MachineActivity.BUSY,  # it waits to be started
        32772: MachineActivity.BUSY,  # its disks are merged
        32773: MachineActivity.BUSY,  # it is exported
        32774: MachineActivity.MIGRATING,
        32776: MachineActivity.BUSY,  # it is backed up
        32777: MachineActivity.BUSY,  # it is modified
        32778: MachineActivity.MIGRATING,  # its storage, the first phase
        32779: MachineActivity.MIGRATING,  # its storage, the second one
        32780: MachineActivity.MIGRATING,  # as a planned machine
        32781: MachineActivity.BUSY,  # a check of its compatibility
    }
)
"""Msvm_ComputerSystem.OperationalStatus[1] up to 32774; of the others a public enumeration of the
Hyper-V module tells the names: unverified."""


def activity(status: Sequence[int]) -> MachineActivity | None:
    """What the numbers say, the second of them first; None: nothing that a migration waits for.

    Health alone (2 to 15), and what no number here means, is no activity.
    """
    found = (_ACTIVITIES.get(number) for number in reversed(status))
    return next((one for one in found if one is not None), None)
