"""``delegation apply``: plan, show, ask, plan once more, write, verify."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from delegation import report
from delegation.changes.run import NewRun
from delegation.cli import options, reviewed, runs, show, terminal, wiring
from delegation.cli.plan import hints
from delegation.errors import DelegationError, Refused
from delegation.inventory import Inventory
from delegation.mesh import planning, survey
from delegation.mesh.compare import Comparison
from delegation.mesh.reader import Writer
from delegation.mesh.state import APPLY, DelegationPlan
from delegation.wiring import today

ALLOWED = ("removals", "flag-change")


@click.command()
@options.common()
@click.argument(
    "file", required=False, type=click.Path(path_type=Path, dir_okay=False), metavar="[FILE]"
)
@options.expect
@options.limit("hosts' objects")
@options.ticket
@options.yes
@options.allow(*ALLOWED)
@click.pass_context
def apply(  # noqa: PLR0913, PLR0917 - one parameter an option
    ctx: click.Context,
    file: Path | None,
    expect: str | None,
    limit: str | None,
    ticket: str | None,
    yes: bool,  # noqa: FBT001 - click passes it by name
    allow: tuple[str, ...],
) -> int:
    """Write the plan to the directory.

    One modify per object, recorded, verified, undoable.

    It plans afresh. FILE (from plan -o) and --expect are what was reviewed: where the fresh plan
    is not the same, nothing is written and the differences are named.

    \b
    Examples:
      delegation apply
      delegation apply plan.json --ticket CHG-1234
      delegation apply --expect sha256:4f1d… --yes
      delegation apply --limit hv[01-02]          a first step with two hosts

    Exit codes: 0 done, 1 something was not written, 4 refused and nothing was written.
    """
    given = options.given(ctx)
    inventory = wiring.load(given)
    wanted = wiring.settings(given, inventory)
    scope = survey.limited(limit, inventory)
    looked_at = reviewed.reviewed(FORM, file, expect)
    folder = wiring.state_folder(given, inventory)
    directory = wiring.identity(wanted, inventory.domain)
    with (
        runs.recording(folder) as journal,
        wiring.writing(
            given, wanted, inventory.domain, runs.unsettled_on(journal, directory)
        ) as writer,
    ):
        runs.settle_all(journal, writer, directory)
        planned, comparison = _plan(inventory, writer, scope, allow)
        data = report.plan_data(planned, comparison, hints(given, inventory, comparison))
        looked_at.refuse_other(planned, data["changes"])
        show.plan(data, planned.changes, verbose=given.verbose)
        if planned.blocked:
            raise Refused(
                "the plan is blocked; nothing was written", "", show.refusals(planned.blocked)
            )
        if not planned.changes:
            terminal.say("nothing to do: the directory is as the inventory says", fg="green")
            return 0
        if not yes:
            _ask(planned, writer)
            again, _ = _plan(inventory, writer, scope, allow)
            _refuse_other(planned, again)
        run = NewRun(
            APPLY,
            directory,
            inventory.domain,
            writer.directory.dc,
            wiring.connection_record(wanted, writer.directory),
            inventory.digest,
            planned.digest,
            ticket,
        )
        code = runs.carry_out(journal, run, planned, writer, "applied")
    if code == 0:
        terminal.say(f"next    {given.command('plan')}   to see that nothing is left to do")
        terminal.say(f"        {given.command('rollback')}   to undo this run exactly")
    return code


def _plan(
    inventory: Inventory, writer: Writer, scope: frozenset[str] | None, allow: tuple[str, ...]
) -> tuple[DelegationPlan, Comparison]:
    comparison = survey.for_plan(inventory, writer, today(), scope)
    return planning.plan(comparison, allow), comparison


def _ask(planned: DelegationPlan, writer: Writer) -> None:
    count = len(planned.changes)
    objects = "1 computer object" if count == 1 else f"{count:,} computer objects"
    question = f"Write this to {objects} on {writer.directory.dc}?"
    if not terminal.confirm(question, yes=False):
        raise DelegationError("declined; nothing was written")


def _refuse_other(planned: DelegationPlan, again: DelegationPlan) -> None:
    """What was confirmed is no longer what would happen."""
    confirmed, now = (
        (plan, (report.change_data(change, {}) for change in plan.changes))
        for plan in (planned, again)
    )
    reviewed.refuse_changed(FORM, "the directory has", confirmed, now)


def _fingerprint(change: Mapping[str, Any]) -> dict[str, Any]:
    """What a change says, from its JSON; raises where that is not of its form."""
    return {
        "computer": str(change["computer"]),
        "add": sorted(str(value) for value in change["add"]),
        "remove": sorted(str(removal["value"]) for removal in change["remove"]),
        "flags": {str(k): list(v) for k, v in change["flags"].items()},
        "values": sorted(str(value) for value in change["before"]["values"]),
        "user_account_control": int(change["before"]["user_account_control"]),
        "dn": str(change["dn"]).casefold(),
    }


_ASPECTS = {
    "add": "to add",
    "remove": "to remove",
    "values": "found there",
}


def _named_differences(then: reviewed.Fingerprints, now: reviewed.Fingerprints) -> list[str]:
    """How two lists of changes differ, a line each."""
    old = {change["computer"]: change for change in then}
    new = {change["computer"]: change for change in now}
    lines = [f"{name}: would not be changed any more" for name in old.keys() - new.keys()]
    lines += [f"{name}: would be changed as well" for name in new.keys() - old.keys()]
    for name in old.keys() & new.keys():
        before, after = old[name], new[name]
        for aspect, words in _ASPECTS.items():
            fresh = sorted(set(after[aspect]) - set(before[aspect]))
            gone = sorted(set(before[aspect]) - set(after[aspect]))
            lines += [f"{name}: now {words}: {value}" for value in fresh]
            lines += [f"{name}: no longer {words}: {value}" for value in gone]
        for aspect in ("flags", "user_account_control", "dn"):
            if before[aspect] != after[aspect]:
                lines.append(f"{name}: {aspect} was {before[aspect]}, is {after[aspect]}")
    return sorted(lines)


FORM = reviewed.Form("delegation plan", "computer", _fingerprint, _named_differences)
