"""``delegation check``: what is wrong before anything is written, and whether it could be."""

import json

import click

from delegation import names, report
from delegation.cli import findings, options, terminal, wiring
from delegation.errors import ConnectionFailed, DelegationError, UsageError
from delegation.inventory import DirectorySettings
from delegation.mesh import checks, rights, survey
from delegation.mesh.checks import Severity
from delegation.mesh.compare import Comparison
from delegation.mesh.reader import Inspector
from delegation.mesh.rights import Rights, RightsAnswer
from delegation.wiring import today


@click.command()
@options.common()
@click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True
)
@findings.operators
@click.pass_context
def check(ctx: click.Context, form: str, operators: tuple[str, ...]) -> int:
    """Look for everything wrong with the inventory and its accounts.

    Every problem of the file comes in one run, as file:line:column. Then the directory: what a
    plan would refuse, what is dangerous, and whether the account that is logged on can write.
    Nothing is written anywhere. Where the inventory names no domain controller and DNS knows
    none, that is a warning, and the file alone is judged.

    \b
    Examples:
      delegation check
      delegation check --as vmadmin    can vmadmin run migrations?
      delegation -i lab.yaml --directory ldif:export.ldf check

    Exit codes: 0 fine, 1 high findings, 2 the inventory is invalid.
    """
    given = options.given(ctx)
    inventory = wiring.load(given)
    hosts = f"{len(inventory.hosts):,} hosts ({names.fold(inventory.hosts)})"
    terminal.say(f"{given.inventory} is valid: {hosts}", fg="green")
    wanted = wiring.settings(given, inventory)
    if wanted.url is None and (missing := _not_found(wanted, inventory.domain)):
        what = f"no directory was looked at: {missing.what}"
        terminal.warn(what)
        for line in (*missing.details, missing.fix):
            terminal.say(f"  {line}")
        if form == "json":
            data = report.unread_data(inventory)
            click.echo(_json(data, Rights(RightsAnswer.UNKNOWN, (what,))))
        return 0
    with wiring.reading(given, wanted, inventory.domain) as reader:
        comparison = survey.for_findings(inventory, reader, today(), operators=operators)
        write = _rights(comparison, reader)
    found = checks.findings(comparison, preflight=True)
    if form == "json":
        click.echo(_json(report.audit_data(comparison, found), write))
    else:
        for line in findings.lines(found):
            terminal.out(line)
        terminal.out(f"  can this account write? {write.answer}")
        for sentence in write.evidence:
            terminal.out(f"            {sentence}")
    return 1 if any(finding.severity >= Severity.HIGH for finding in found) else 0


def _not_found(wanted: DirectorySettings, domain: str) -> DelegationError | None:
    """Why DNS knows no domain controller; None where it does. One that fails is an error."""
    from delegation.directory import locate

    try:
        locate.controllers(wanted, domain)
    except (ConnectionFailed, UsageError) as exc:
        return exc
    return None


def _rights(comparison: Comparison, inspector: Inspector) -> Rights:
    hosts = {host.label: host.computer for host in comparison.hosts}
    writable = inspector.writable([computer.guid for computer in hosts.values()]) if hosts else {}
    return rights.judged(hosts, writable, inspector.own_token())


def _json(data: report.Data, write: Rights) -> str:
    told = {"answer": write.answer, "evidence": list(write.evidence)}
    return json.dumps({**data, "write": told}, indent=1)
