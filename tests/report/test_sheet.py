"""The table of a plan: what happens to each value."""

from delegation.inventory import Retired
from delegation.mesh import planning
from delegation.mesh.past_runs import MeshPast
from delegation.report import contents, sheet
from delegation.report.contents import Origin
from tests.builders import MemoryDirectory, computer, inventory, survey


def test_a_plan_tells_what_is_added_and_what_is_removed() -> None:
    wanted = inventory("hv01", "hv02", retired=[Retired("hv99", "hv99.corp.example")])
    directory = MemoryDirectory([computer("hv01", "cifs/hv99"), computer("hv02")])
    comparison = survey(wanted, directory)
    origin = Origin("plan", "2026-06-15T20:00:00+00:00", "delegation")
    report = contents.plan(origin, comparison, planning.plan(comparison), MeshPast())
    verbs = {
        (row["source"], row["value"]): row["change"] for row in sheet.rows(report) if "value" in row
    }
    assert verbs["hv01", "cifs/hv99"] == "remove"
    assert verbs["hv01", "cifs/hv02"] == "add"
    assert set(verbs.values()) == {"add", "remove"}
