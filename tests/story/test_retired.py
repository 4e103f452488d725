"""A host retires while its account is still there: seen by the KDC, and restored exactly."""

from __future__ import annotations

import pytest

from tests.lab import Lab
from tests.lab.description import cifs_values
from tests.story.test_kdc import granted
from tests.story.witness import EMPTY, holding, mesh, restored, towards
from tests.story.workstation import Workstation

pytestmark = pytest.mark.lab

FIVE = "hosts: {'hv[01-05]': }"


@pytest.mark.parametrize(
    ("everybody", "others"),
    [
        pytest.param("hv[01-05]", "hv[01-04]", id="of five, without an override"),
        pytest.param("hv[01-64]", "hv[01-04,06-64]", id="of a whole mesh"),
    ],
)
def test_a_retired_host_reaches_nobody_and_nobody_reaches_it(
    desk: Workstation, fresh_lab: Lab, everybody: str, others: str
) -> None:
    to_peer, to_it = list(cifs_values("hv01")), list(cifs_values("hv05"))
    with restored(fresh_lab):
        desk.inventory(f"hosts: {{'{everybody}': }}")
        assert desk.run("apply", "--yes").code == 0
        assert granted(fresh_lab, to_peer, source="hv05") == to_peer
        with restored(fresh_lab):
            desk.inventory(f"hosts: {{'{others}': }}\nretired: [hv05]\n")
            applied = desk.run("apply", "--yes")
            assert applied.code == 0, applied.err
            found = mesh(fresh_lab)
            assert found["hv05"] == (EMPTY, [])
            assert not any(towards("hv05") & set(values) for _, values in found.values())
            assert granted(fresh_lab, to_peer, source="hv05") == []
            assert granted(fresh_lab, to_it, source="hv01") == []
            assert granted(fresh_lab, to_peer, source="hv02") == to_peer
            audited = desk.run("audit")
            assert (audited.code, "hv05" in audited.out) == (0, False)
            assert desk.run("plan").code == 0
            assert desk.run("rollback", "--yes").code == 0
        assert granted(fresh_lab, to_peer, source="hv05") == to_peer
        assert desk.run("rollback", "1", "--yes").code == 0
    assert holding(fresh_lab) == {}


def test_a_dropped_host_is_found_in_the_same_search(desk: Workstation, fresh_lab: Lab) -> None:
    desk.inventory(FIVE)
    assert desk.run("apply", "--yes").code == 0
    desk.inventory("hosts: {'hv[01-04]': }")
    found = desk.run("audit", "--format", "json").data["findings"]
    [dropped] = [one for one in found if one["rule"] == "KCD023"]
    assert dropped["computer"].lower() == "hv05"
    assert "retired: [" in dropped["fix"]
