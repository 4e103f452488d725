"""A report on the directory as it is now: the state, a plan, an audit."""

from collections import defaultdict
from pathlib import Path
from uuid import UUID

from delegation import names
from delegation.cli import options, terminal, wiring
from delegation.cli.report.origin import origin
from delegation.errors import DelegationError
from delegation.inventory import Inventory
from delegation.mesh import checks, compare, planning, survey
from delegation.mesh.plan_mesh import hints
from delegation.mesh.state import DELEGATION, RecordedDelegation
from delegation.report import Data, contents
from delegation.wiring import today

NEWEST = 20
"""Runs that a report tells of, and looks into for what they did to each host."""


def report_of(
    given: options.Options, subject: str, limit: str | None, operators: tuple[str, ...]
) -> tuple[Data, list[Path]]:
    """The data of a report on the directory as it is now, and what it must not be written over."""
    inventory = wiring.load(given)
    wanted = wiring.settings(given, inventory)
    scope = survey.limited(limit, inventory)
    own = wiring.own_files(given, inventory, wanted)
    which = origin(subject, names.fold(scope) if scope else None)
    with wiring.reading(given, wanted, inventory.domain) as reader:
        if subject == "plan":
            comparison = survey.for_plan(inventory, reader, today(), scope)
        else:
            comparison = survey.for_findings(inventory, reader, today(), scope, operators)
    past = _past(given, inventory, comparison)
    if subject == "plan":
        return contents.plan(which, comparison, planning.plan(comparison), past), own
    told = contents.audit if subject == "audit" else contents.state
    return told(which, comparison, checks.findings(comparison, scope), past), own


def _past(
    given: options.Options, inventory: Inventory, comparison: compare.Comparison
) -> contents.Past:
    """What the journal tells; one that can't be read is a warning."""
    here = {host.computer.guid for host in comparison.hosts}
    touched: dict[UUID, list[tuple[int, RecordedDelegation]]] = defaultdict(list)
    world = wiring.world(given, inventory)
    try:
        with world.records.reading() as journal:
            runs = journal.runs()[-NEWEST:]
            for run in runs:
                for recorded in (
                    journal.changes(run.id, DELEGATION) if run.kind in DELEGATION.runs else ()
                ):
                    if recorded.change.target.guid in here and recorded.intended:
                        touched[recorded.change.target.guid].append((run.id, recorded))
    except DelegationError as exc:
        terminal.warn(f"the report is without runs: {exc.what}")
        return contents.Past()
    return contents.Past(tuple(runs), hints(world, comparison), touched)
