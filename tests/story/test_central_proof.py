"""The central proof: a migration fails before ``apply``, works after it, fails after ``rollback``.

Nothing else changes in between. The operator has one connection to each host, his own; his requests
are written by hand, and sent by a client that is none of the product's. The source asks the
domain's KDC for tickets to the target in his name, and copies real bytes with them.
"""

from __future__ import annotations

import pytest

from tests.lab.hosts.host_wording import HostWording
from tests.lab.hosts.stage import COMPLETED, Stage, session_operator, stage
from tests.story.workstation import Workstation

pytestmark = pytest.mark.lab
__all__ = ["session_operator", "stage"]

NO_CREDENTIALS = "0x8009030E"


def moved(stage: Stage, source: str, target: str) -> str:
    """Have a machine moved with its storage; gives "moved", or the error's HRESULT."""
    end = stage.run(host=source, to=target)
    return "moved" if end.state == COMPLETED else end.hresult


@pytest.mark.every_wording
def test_a_migration_needs_what_apply_writes_and_nothing_else(
    desk: Workstation, stage: Stage, wording: HostWording
) -> None:
    hv01, hv02 = stage.source, stage.target
    before = sorted(hv01.disk_files().values())
    desk.inventory("hosts: {'hv[01-02]': }")

    refused = wording.verdict(NO_CREDENTIALS, without="")
    assert moved(stage, "hv01", "hv02") == refused
    assert list(hv01.vms()) == ["web1"]

    assert desk.run("apply", "--yes").code == 0

    assert moved(stage, "hv01", "hv02") == "moved"
    assert (list(hv01.vms()), list(hv02.vms())) == ([], ["web1"])
    assert sorted(hv02.disk_files().values()) == before
    assert moved(stage, "hv02", "hv01") == "moved"

    assert desk.run("rollback", "--yes").code == 0

    assert moved(stage, "hv01", "hv02") == refused
    assert (list(hv01.vms()), list(hv02.vms())) == (["web1"], [])
    assert (hv01.shares(), hv02.shares()) == ([], [])
