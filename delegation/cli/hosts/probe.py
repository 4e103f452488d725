"""``delegation hosts probe``: what two hosts tell over CIM, into one file to send in."""

import json
from collections.abc import Sequence
from pathlib import Path

import click

from delegation.cli import files, opening, options, terminal
from delegation.errors import CimFailed, HostRefused
from delegation.hosts.probe.probe_view import HostProbe, ProbeView
from delegation.hosts.probe.probing import probe_pair


@click.command()
@options.common()
@options.reaching_hosts()
@click.argument("source")
@click.argument("target")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    default="probe.json",
    show_default=True,
    metavar="FILE",
    help="The file to send in.",
)
@click.pass_context
def probe(ctx: click.Context, source: str, target: str, output: Path) -> int:
    """Ask two hosts what only real Windows can tell, into one file.

    This program was made without a Windows host. What is not known of them, rights, texts, forms
    and faults, is asked here over CIM (WinRM and WMI), as Hyper-V Manager does it; some questions
    are wrong on purpose, to see how a host refuses them. Nothing is changed on any host, and
    nothing is moved: what only a move can tell is listed as not asked.

    The file has numbers, counts and the hosts' own texts. Names of hosts, machines, folders,
    networks and people are taken out; read it before you send it in.

    \b
    Examples:
      delegation hosts probe hv01 hv02
      delegation hosts probe hv01 hv02 -o first-day.json

    Exit codes: 0 both hosts were asked, whatever they refuse; 1 one could not be asked.
    """
    world = opening.world(options.given(ctx))
    files.refuse(output, world.own_files())
    view = probe_pair(world, source, target)
    files.save(output, json.dumps(view.to_json(), indent=1, ensure_ascii=False), world.own_files())
    _show(view)
    terminal.say(f"saved   {output}: no names of hosts, machines or people; read it, then send it")
    return 0 if all(host.was_asked for host in view.hosts) else 1


def _show(view: ProbeView) -> None:
    rows = [
        [question, *(_came_of(host, key) for host in view.hosts)]
        for key, question in view.questions.items()
    ]
    terminal.table(["question", *(host.label for host in view.hosts)], rows)
    for host in view.hosts:
        if host.failure is not None:
            details: Sequence[str] = host.failure.details
            terminal.error(f"{host.label}: {host.failure.what}", host.failure.fix, details)


def _came_of(host: HostProbe, key: str) -> str:
    found = next((one for one in host.answers if one.key == key), None)
    if found is None:
        return "not asked"
    if found.error is None:
        return f"told, {found.refusals} refused" if found.refusals else "told"
    if isinstance(found.error, CimFailed | HostRefused):
        return f"refused {found.error.hresult}".rstrip()
    return "failed"
