"""The central proof: a migration fails before ``apply``, works after it, fails after ``rollback``.

Nothing else changes in between. The operator types Move-VM, with a PowerShell remoting client that
is none of the product's; the hosts ask the domain's KDC for the operator's ticket to the target,
and copy real bytes with it.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.lab import Lab
from tests.lab.hosts import HostLab
from tests.lab.hosts.client import HostClient
from tests.story.workstation import Workstation

pytestmark = pytest.mark.lab

NO_CREDENTIALS = "0x8009030E"


@pytest.fixture
def operator(lab: Lab, hosts: HostLab) -> Iterator[HostClient]:
    """An operator, logged on nowhere but at the workstation."""
    client = HostClient(lab, "hv01")
    yield client
    client.close()


def move(operator: HostClient, machine: str, source: str, target: str) -> str:
    """Have a machine moved with its storage; gives "moved", or the error's HRESULT."""
    operator.meet(source)
    whereto = {"DestinationHost": f"{target}.corp.example", "DestinationStoragePath": "C:\\VMs"}
    answer = operator.run(("Move-VM", {"Name": machine, "IncludeStorage": True, **whereto}))
    return answer.hresult if answer.errors else "moved"


def test_a_migration_needs_what_apply_writes_and_nothing_else(
    desk: Workstation, hosts: HostLab, operator: HostClient
) -> None:
    hv01, hv02 = hosts.host("hv01"), hosts.host("hv02")
    for host in (hv01, hv02):
        host.ready()
    hv01.add_vm("web01")
    before = sorted(hv01.disk_files().values())
    desk.inventory("hosts: {'hv[01-02]': }")

    assert move(operator, "web01", "hv01", "hv02") == NO_CREDENTIALS
    assert list(hv01.vms()) == ["web01"]

    assert desk.run("apply", "--yes").code == 0

    assert move(operator, "web01", "hv01", "hv02") == "moved"
    assert (list(hv01.vms()), list(hv02.vms())) == ([], ["web01"])
    assert sorted(hv02.disk_files().values()) == before
    assert move(operator, "web01", "hv02", "hv01") == "moved"

    assert desk.run("rollback", "--yes").code == 0

    assert move(operator, "web01", "hv01", "hv02") == NO_CREDENTIALS
    assert (list(hv01.vms()), list(hv02.vms())) == (["web01"], [])
    assert (hv01.shares(), hv02.shares()) == ([], [])
