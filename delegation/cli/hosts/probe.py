"""``delegation hosts probe``: what two hosts tell over CIM, into one file to send in."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from delegation import names
from delegation.cli import files, opening, options, terminal
from delegation.errors import CimFailed, HostRefused, Interrupted
from delegation.hosts.probe.probe_view import STEPS, HostProbe, ProbeStep, ProbeView
from delegation.hosts.probe.probing import probe_pair
from delegation.migrations.probed_move import ProbedMove, ProbeMoveWorld, probe_move


@click.command()
@options.common()
@options.reaching_hosts()
@click.argument("source")
@click.argument("target")
@options.output("The file to send in.", default="probe.json", show_default=True)
@click.option(
    "--vm", metavar="NAME", help="And move this virtual machine there and back: it asks first."
)
@click.option(
    "--check",
    "checked",
    multiple=True,
    metavar="NAME",
    help="Have the source check this virtual machine in several ways; it is not moved. Repeatable.",
)
@options.yes
@click.pass_context
def probe(  # noqa: PLR0913, PLR0917 - one parameter an option
    ctx: click.Context,
    source: str,
    target: str,
    output: Path,
    vm: str | None,
    checked: tuple[str, ...],
    yes: bool,  # noqa: FBT001 - click passes it by name
) -> int:
    """Ask two hosts what only real Windows can tell, into one file.

    This program was made without a Windows host. What is not known of them, rights, texts, forms
    and faults, is asked here over CIM (WinRM and WMI), as Hyper-V Manager does it; some questions
    are wrong on purpose, to see how a host refuses them. Nothing is changed on any host, and
    nothing is moved: what only a move can tell is listed as not asked, with what to try.

    With --check the source is asked to check a virtual machine, as before a migration, in ways
    that this program would send and in others: with all of its disks, some, none, renamed. One
    with checkpoints tells the most. Nothing is moved; should a check leave a planned machine on
    TARGET, that is told, and removed.

    With --vm the rest is answered, by a virtual machine that may be moved: a small one without
    checkpoints, all of whose files are in one folder. It is checked in these ways, its migration
    to TARGET is begun and cancelled, then it is moved there, and back to where it was; each is a
    run on record, as any other (delegation migrate status), and what was left is gone on with by
    migrate resume.

    The file has numbers, counts and the hosts' own texts. Names of hosts, machines, folders,
    networks and people are taken out; read it before you send it in.

    \b
    Examples:
      delegation hosts probe hv01 hv02
      delegation hosts probe hv01 hv02 -o first-day.json
      delegation hosts probe hv01 hv02 --check web01 --check db01
      delegation hosts probe hv01 hv02 --vm small01

    Exit codes: 0 both hosts were asked, whatever they refuse; 1 one could not be asked, there is no
    such machine, or it is not where it was; 4 refused, and nothing was moved.
    """
    given = options.given(ctx)
    world = opening.world(given)
    files.refuse(output, world.own_files())
    try:
        view = _asked(world, (source, target), vm, checked, yes=yes)
    except KeyboardInterrupt as exc:
        if not isinstance(exc, Interrupted):
            terminal.say("nothing was changed on either host, and nothing saved")
        raise
    files.save(output, json.dumps(view.to_json(), indent=1, ensure_ascii=False), world.own_files())
    _show(view)
    terminal.say(f"saved   {output}: no names of hosts, machines or people; read it, then send it")
    if view.trouble is not None:
        terminal.error(view.trouble.what, given.said(view.trouble.fix), view.trouble.details)
        return 1
    return 0 if all(host.was_asked for host in view.hosts) else 1


def _asked(
    world: ProbeMoveWorld,
    ends: tuple[str, str],
    vm: str | None,
    checked: Sequence[str],
    *,
    yes: bool,
) -> ProbeView:
    if vm is None:
        return probe_pair(world, *ends, checked)
    return probe_move(world, *ends, vm, lambda wanted: yes or _confirmed(wanted), checked)


def _confirmed(wanted: ProbedMove) -> bool:
    terminal.say(
        f"{wanted.name} is moved from {wanted.source} to {wanted.target}, {wanted.storage}"
    )
    terminal.say("(once begun and cancelled, once to its end), and back to where it was:")
    terminal.say(f"{wanted.home} of {wanted.source}. It may run; its files are copied each time.")
    return terminal.confirm("Move it now?", yes=False)


def _show(view: ProbeView) -> None:
    rows = [
        [question, *(_came_of(host, key) for host in view.hosts)]
        for key, question in view.questions.items()
    ]
    terminal.table(["question", *(host.label for host in view.hosts)], rows)
    for step in view.steps:
        terminal.say(f"  {STEPS[step.key]} {_came_to(step)}")
    count = names.counted(len(view.open_questions), "question")
    terminal.say(f"{count} stay open; the file says of each what to try (not_asked)")
    for host in view.hosts:
        if host.failure is not None:
            details: Sequence[str] = host.failure.details
            terminal.error(f"{host.label}: {host.failure.what}", host.failure.fix, details)


def _came_to(step: ProbeStep) -> str:
    ways = step.facts.get("ways")
    if isinstance(ways, Mapping):
        asked = [one for one in ways.values() if isinstance(one, Mapping) and "accepted" in one]
        return f"{sum(one['accepted'] is True for one in asked)} of {len(asked)}"
    if "where" not in step.facts:
        return "told"
    return str(step.facts["where"] or "it was not begun")


def _came_of(host: HostProbe, key: str) -> str:
    found = next((one for one in host.answers if one.key == key), None)
    if found is None:
        return "not asked"
    if found.error is None:
        return f"told, {found.refusals} refused" if found.refusals else "told"
    if isinstance(found.error, CimFailed | HostRefused):
        return f"refused {found.error.hresult}".rstrip()
    return "failed"
