"""A rollback at night: what can be undone is, what stays is said, and once more does nothing."""

from __future__ import annotations

import pytest

from tests.lab import Lab, admin, recycle_bin
from tests.story.witness import DELEGATING, EMPTY, first, holding, mesh, towards, untouched
from tests.story.workstation import Workstation

pytestmark = pytest.mark.lab

EIGHT = first(8)
VALUES = 28


@pytest.fixture
def night(desk: Workstation, fresh_lab: Lab) -> Workstation:
    """Run 1 is the mesh of eight. Since then hv01 and hv02 lost their values, and an apply of just
    these gave them back; hv03 was deleted; on hv04 a colleague has undone all; hv05 lost one value,
    and was given another.
    """
    desk.inventory("hosts: {'hv[01-08]': }\n")
    assert desk.run("apply", "--yes").code == 0
    for host in ("hv01", "hv02"):
        admin.remove_values(fresh_lab, host, *sorted(towards(*EIGHT) - towards(host)))
    assert desk.run("apply", "--yes", "--limit", "hv[01-02]").code == 0
    admin.remove_values(fresh_lab, "hv04", *sorted(towards(*EIGHT) - towards("hv04")))
    admin.set_flags(fresh_lab, "hv04", off=0x1000000)
    admin.remove_values(fresh_lab, "hv05", "cifs/hv01")
    admin.add_values(fresh_lab, "hv05", "HTTP/portal")
    return desk


STAYS = (
    f"hv[01-02]: {VALUES} values, written again by run 2; "
    "protocol_transition, which governs what stays"
)


def test_what_can_be_undone_is_and_what_stays_is_said(night: Workstation, fresh_lab: Lab) -> None:
    deleted = recycle_bin.delete(fresh_lab, "hv03")
    with untouched(fresh_lab):
        refused = night.run("rollback", "1", "--yes")
    assert refused.code == 4
    assert f"{STAYS} [conflict]" in refused.err
    assert "--skip-conflicts undoes the rest" in refused.err

    back = night.run("rollback", "1", "--yes", "--skip-conflicts")
    assert back.code == 1
    assert "4 hosts to change: 0 values to restore, 111 to take back, 4 flags to set" in back.out
    assert "29 values and 1 flag of hv[04-05] as before already" in back.out
    assert f"{STAYS}; -v shows them" in back.out
    assert "hv03: left: not found by GUID" in back.err
    assert "warning: hv05: the restored delegation flag also governs HTTP/portal" in back.err
    assert "run 3: rolled back: 4 applied, and read back as intended" in back.err
    assert "left as run 1 left it, or may have: hv03" in back.err
    assert f"left on {STAYS}" in back.err
    repaired = {host: towards(*EIGHT) - towards(host) for host in ("hv01", "hv02")}
    assert holding(fresh_lab) == {**repaired, "hv05": {"HTTP/portal"}}
    assert mesh(fresh_lab)["hv01"][0] == DELEGATING
    assert all(mesh(fresh_lab)[host] == (EMPTY, []) for host in ("hv04", "hv06", "hv07", "hv08"))

    with untouched(fresh_lab):
        again = night.run("rollback", "1", "--yes", "--skip-conflicts")
    assert again.code == 1
    assert "nothing of run 1 can be taken back now; nothing was written" in again.err
    assert STAYS in again.out
    assert "hv03: left: not found by GUID" in again.err
    assert [run["kind"] for run in night.runs()] == ["apply", "apply", "rollback"]

    recycle_bin.restore(fresh_lab, "hv03", deleted)
    assert night.run("rollback", "2", "--yes").code == 0
    assert night.run("rollback", "--yes").code == 0
    assert holding(fresh_lab) == {"hv05": {"HTTP/portal"}}
    with untouched(fresh_lab):
        done = night.run("rollback", "1", "--yes")
    assert done.code == 1
    assert "run 1 (apply) has nothing that could be undone" in done.err


def test_host_by_host(night: Workstation, fresh_lab: Lab) -> None:
    """Those that are not meant stand in nobody's way."""
    one = night.run("rollback", "1", "--yes", "--limit", "hv[04-06]")
    assert one.code == 0
    assert "2 hosts to change" in one.out
    assert mesh(fresh_lab)["hv06"] == (EMPTY, [])
    assert holding(fresh_lab)["hv05"] == {"HTTP/portal"}
    assert {"hv01", "hv02", "hv03", "hv07", "hv08"} < holding(fresh_lab).keys()
    other = night.run("rollback", "1", "--yes", "--limit", "hv[01,07]")
    assert other.code == 4
    assert "hv01: 28 values, written again by run 2" in other.err
    assert night.run("rollback", "1", "--yes", "--limit", "hv40").code == 2
