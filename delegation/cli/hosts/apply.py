"""``delegation hosts apply``: plan, show, ask, plan once more, set, look again."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from delegation import names
from delegation.cli import options, reviewed, runs, show, terminal, wiring
from delegation.cli.hosts import survey, tables
from delegation.cli.hosts.survey import Survey
from delegation.errors import DelegationError, Refused
from delegation.hyperv.planning import KERBEROS_BEFORE_MESH, HostsPlan
from delegation.hyperv.settings import shown
from delegation.report import host_settings, setting_data
from delegation.run import HOST_SETTINGS, HOSTS_APPLY, NewRun


@click.command()
@options.common()
@options.reaching_hosts()
@click.argument(
    "file", required=False, type=click.Path(path_type=Path, dir_okay=False), metavar="[FILE]"
)
@options.expect
@options.limit("hosts")
@options.ticket
@options.yes
@options.allow(KERBEROS_BEFORE_MESH)
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
    """Set the hosts as the inventory declares.

    One cmdlet a setting, hosts at the same time, recorded, read back, undoable.

    It plans afresh. FILE (from hosts plan -o) and --expect are what was reviewed: where the fresh
    plan is not the same, nothing is changed and the differences are named.

    \b
    Examples:
      delegation hosts apply
      delegation hosts apply hosts.json --ticket CHG-1234
      delegation hosts apply --limit hv[01-02]     a first step with two hosts

    Exit codes: 0 done, 1 a setting was not made or a host not reached, 4 refused and nothing was
    changed.
    """
    given = options.given(ctx)
    inventory = wiring.load(given)
    labels = survey.managed(inventory, survey.in_scope(inventory, limit))
    looked_at = reviewed.reviewed(FORM, file, expect)
    open_host = survey.reach(given, inventory, labels)
    of_hosts = survey.changer(inventory, open_host)
    directory = survey.identity(inventory)
    with runs.recording(wiring.state_folder(given, inventory)) as journal:
        survey.settle_all(journal, of_hosts, directory)
        found = survey.planned(given, inventory, open_host, labels, allow)
        data = host_settings.plan_data(found.proposal, found.readings, found.unreachable)
        looked_at.refuse_other(found.plan, data["changes"])
        tables.plan(data, found.plan.changes, verbose=given.verbose)
        if found.plan.blocked:
            refusals = show.refusals(found.plan.blocked)
            raise Refused("the plan is blocked; nothing was changed", "", refusals)
        if not found.plan.changes:
            return survey.nothing_to_do(found, labels)
        if not yes:
            ask(found.plan)
            again = survey.planned(given, inventory, open_host, labels, allow)
            _refuse_changed(found, again)
        run = NewRun(
            HOSTS_APPLY,
            directory,
            inventory.domain,
            names.fold(change.target.name for change in found.plan.changes),
            {},
            inventory.digest,
            found.plan.digest,
            ticket,
        )
        result = runs.carried_out(journal, run, found.plan, of_hosts, HOST_SETTINGS, "applied")
        code = runs.told(result)
    if code == 0:
        terminal.say(
            f"next    {given.command('hosts', 'plan')}   to see that nothing is left to do"
        )
        terminal.say(f"        {given.command('hosts', 'rollback')}   to undo this run exactly")
    return survey.code(code, found.unreachable)


def ask(plan: HostsPlan) -> None:
    settings = show.counted(len(plan.changes), "setting")
    hosts = show.counted(len({change.target.name for change in plan.changes}), "host")
    if not terminal.confirm(f"Change {settings} on {hosts}?", yes=False):
        raise DelegationError("declined; nothing was changed")


def _refuse_changed(found: Survey, again: Survey) -> None:
    confirmed, now = ((s.plan, map(setting_data, s.plan.changes)) for s in (found, again))
    reviewed.refuse_changed(FORM, "the hosts have", confirmed, now)


def _fingerprint(change: Mapping[str, Any]) -> dict[str, Any]:
    made = {key: change[key] for key in ("host", "setting", "before", "after")}
    if not isinstance(made["host"], str) or not isinstance(made["setting"], str):
        raise TypeError
    return made


def _differences(then: reviewed.Fingerprints, now: reviewed.Fingerprints) -> list[str]:
    old = {(change["host"], change["setting"]): change for change in then}
    new = {(change["host"], change["setting"]): change for change in now}
    lines = [f"{h}: {s} would not be changed any more" for h, s in old.keys() - new.keys()]
    lines += [f"{h}: {s} would be changed as well" for h, s in new.keys() - old.keys()]
    for host, setting in old.keys() & new.keys():
        before, after = (_words(one[host, setting]) for one in (old, new))
        if before != after:
            lines.append(f"{host}: {setting} was to go {before}, is to go {after}")
    return sorted(lines)


def _words(change: Mapping[str, Any]) -> str:
    return f"from {shown(change['before'])} to {shown(change['after'])}"


FORM = reviewed.Form("delegation hosts plan", _fingerprint, _differences)
