"""What the commands have in common by which a person says what no look can tell."""

import click

from delegation import names
from delegation.changes.settlement import ConfirmSettlement, Said, SeenChange, SettlementView
from delegation.cli import options, rendering, terminal
from delegation.cli.options import Options

arguments = options.together(
    click.argument("run", type=options.RUN, metavar="RUN"),
    click.option(
        "--host", "hosts", metavar="HOSTS", required=True, help="Of which, as in hv[01-08],hv12."
    ),
    click.option(
        "--as",
        "said",
        type=click.Choice([said.value for said in Said]),
        required=True,
        help="What you say of them.",
    ),
)
"""Of which run, of which hosts, and what."""


def confirmation(*, yes: bool) -> ConfirmSettlement | None:
    """Asks whether it is to be recorded; None where nobody is to be asked."""
    if yes:
        return None
    return lambda view: terminal.confirm(
        f"Record that run {view.run.id} has {_said(view.said)} {names.fold(view.hosts)}?", yes=False
    )


def _said(said: Said) -> str:
    return "changed" if said is Said.MADE else "not changed"


@rendering.rendered.register
def settlement(view: SettlementView, given: Options) -> None:  # noqa: ARG001
    """What was seen, before somebody says what it means."""
    on = f", seen on {view.place}" if view.place else ""
    terminal.out(f"In doubt of run {view.run.id} ({view.run.kind}){on}", bold=True)
    if view.instead_of:
        pages = ", ".join(map(str, view.instead_of))
        terminal.out(f"  some of it was said before, in run {pages}, and is said anew")
    terminal.out()
    for line in evidence_lines(view.evidence):
        terminal.out(line)
    terminal.out()
    terminal.out(f"to be recorded as {view.said.value}: {names.fold(view.hosts)}")


def evidence_lines(evidence: tuple[SeenChange, ...]) -> list[str]:
    """What was seen, alike hosts once."""
    alike = names.alike(((one.part, one.seen), one.host) for one in evidence)
    return [
        f"  {hosts}: {part}: {seen}" if part else f"  {hosts}: {seen}"
        for (part, seen), hosts in alike.items()
    ]


def next_step(view: SettlementView, rollback: str) -> None:
    """What it means from now on."""
    hosts = names.fold(view.hosts)
    terminal.say(f"run {view.run.id}: {hosts} recorded as {view.said.value}", fg="green")
    if view.said is Said.MADE:
        terminal.say(f"next    {rollback}   to undo it")
