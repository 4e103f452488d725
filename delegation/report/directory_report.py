"""Inventory, directory and journal -> a report on the directory as it is now; the use case."""

from collections.abc import Sequence

from delegation import __version__, names
from delegation.mesh import checks, planning, survey
from delegation.mesh.account_records import known_to
from delegation.mesh.past_runs import mesh_past
from delegation.mesh.plan_mesh import PlanWorld
from delegation.report import contents
from delegation.report.contents import DirectoryReport, Origin

STATE, PLAN, AUDIT = SUBJECTS = ("state", "plan", "audit")

NEWEST = 20
"""Runs that a report tells of, and looks into for what they did to each host."""


def directory_report(
    world: PlanWorld,
    subject: str,
    generated: str,
    limit: str | None = None,
    operators: Sequence[str] = (),
) -> DirectoryReport:
    """A report on one of SUBJECTS; ``generated`` is ISO 8601 in UTC, ``limit`` as ``hv[01-08]``.

    Raises UsageError for unknown hosts, and AccountsError of a plan where a host has not exactly
    one account.
    """
    inventory = world.inventory
    labels = survey.limited(limit, inventory)
    shown = names.fold(labels) if labels else None
    origin = Origin(subject, generated, f"delegation {__version__}", shown)
    known = known_to(world)
    with world.reading() as reader:
        today = world.today()
        if subject == PLAN:
            comparison = survey.for_plan(inventory, reader, today, labels, known)
        else:
            comparison = survey.for_findings(inventory, reader, today, labels, operators, known)
    past = mesh_past(world, comparison, NEWEST)
    if subject == PLAN:
        return contents.plan(origin, comparison, planning.plan(comparison), past)
    found = checks.judged(checks.MeshCase(comparison, labels))
    told = contents.audit if subject == AUDIT else contents.state
    return told(origin, comparison, found.open, past, found.accepted)
