"""The folder of its own that a machine gets on a host."""

from uuid import UUID

import pytest

from delegation.hosts.hosted import Hosted, folder, is_device
from delegation.hosts.machines import HostReading, MachineState, Resources, VirtualMachine

HOST = HostReading("hv02.corp.example", {}, Resources(2, 2, 1, 1, "D:\\VMs\\"))


def machine(name: str, number: int = 1) -> VirtualMachine:
    return VirtualMachine(UUID(int=number), name, MachineState.OFF, 0)


def test_it_is_called_like_the_machine() -> None:
    web = machine("web01")
    assert folder(Hosted(HOST, ()), web) == "D:\\VMs\\web01"
    assert folder(Hosted(HOST, (web,)), web) == "D:\\VMs\\web01", "it is there itself"


@pytest.mark.parametrize("name", ["CON", "com1.x", "a/b", "a.", "x" * 65, "tab\t", ""])
def test_but_by_its_id_where_windows_takes_no_such_name(name: str) -> None:
    assert folder(Hosted(HOST, ()), machine(name)) == f"D:\\VMs\\{UUID(int=1)}"


def test_nor_where_somebody_else_is_called_so() -> None:
    by_id = f"D:\\VMs\\{UUID(int=1)}"
    assert folder(Hosted(HOST, (machine("WEB01", 2),)), machine("web01")) == by_id
    assert folder(Hosted(HOST, ()), machine("web01"), {"d:\\vms\\web01"}) == by_id


def test_devices() -> None:
    assert all(map(is_device, ["con", "NUL.txt", "lpt¹", "aux "]))
    assert not any(map(is_device, ["console", "com", "com10", "x.con"]))
