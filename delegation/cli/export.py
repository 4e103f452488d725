"""``delegation export``: the plan as a change file for other programs, and its undo beside it."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from delegation import names
from delegation.cli import files, opening, options, terminal
from delegation.cli.apply import ALLOWED
from delegation.errors import UsageError
from delegation.mesh.export_plan import ExportedPlan, export_plan
from delegation.mesh.state import DelegationPlan
from delegation.report.change_files import FORMS, ChangeFileNames, ChangeFilePrinter
from delegation.report.templates import TemplateChoice


@click.group()
@options.common()
def export() -> None:
    """Write the plan as a change file, and its undo beside it.

    For whoever has the rights, without this program. Nothing is written to the directory or to
    the journal: rollback does not know of such a change, and the undo file is the way back.

    \b
    Examples:
      delegation export ldif
      delegation export powershell -o change.ps1
    """


_shared = options.together(
    options.common(),
    options.limit("hosts' objects"),
    options.allow(*ALLOWED),
    options.output(
        "The change file; its undo is FILE with -undo in its name. With - the change alone goes to "
        "standard output.  [default: plan-DIGEST]",
        type=click.Path(path_type=Path, dir_okay=False, allow_dash=True),
    ),
    click.option(
        "--undo",
        type=options.FILE,
        metavar="FILE",
        help="Name the undo file yourself; with -o - there is none otherwise.",
    ),
    click.option(
        "--template",
        type=click.Path(path_type=Path, exists=True, dir_okay=False),
        metavar="FILE",
        help="A Jinja2 template instead of ours, for both files. It is code, and what "
        "it makes is run with high rights: use none that you would not run.",
    ),
    click.pass_context,
)


@export.command()
@_shared
def ldif(ctx: click.Context, **given: Any) -> int:  # noqa: ANN401 - as _shared declares them
    """The plan as LDIF, for ldapmodify or ldifde.

    Values are deleted and added one by one, and userAccountControl is exchanged by its exact old
    number: an object that has changed since is refused by the directory, and stays as it is.

    \b
    Examples:
      delegation export ldif
      delegation export ldif --limit hv[01-08] -o change.ldif    and change-undo.ldif
      delegation export ldif -o - --undo undo.ldif

    Exit codes: 0 written or nothing to do, 4 blocked and nothing was written.
    """
    return _export(ctx, "ldif", **given)


@export.command()
@_shared
def powershell(ctx: click.Context, **given: Any) -> int:  # noqa: ANN401 - as _shared declares them
    """The plan as a PowerShell script.

    It needs the ActiveDirectory module alone, compares every object with the plan before it
    writes any, and knows -WhatIf.

    \b
    Examples:
      delegation export powershell
      delegation export powershell -o change.ps1    and change-undo.ps1

    Exit codes: 0 written or nothing to do, 4 blocked and nothing was written.
    """
    return _export(ctx, "powershell", **given)


def _export(  # noqa: PLR0913 - one parameter an option
    ctx: click.Context,
    kind: str,
    *,
    limit: str | None,
    allow: tuple[str, ...],
    output: Path | None,
    undo: Path | None,
    template: Path | None,
) -> int:
    given = options.given(ctx)
    world = opening.world(given)
    to_stdout = str(output) == "-"
    exported = export_plan(world, limit, allow, shown=not to_stdout)
    if not exported.plan.changes:
        terminal.say(
            "nothing to do: the directory is as the inventory says; no file was written", fg="green"
        )
        return 0
    change, undo = _names(exported.plan, FORMS[kind].suffix, output, undo)
    file_names = ChangeFileNames(change.name if change else None, undo.name if undo else None)
    now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    printer = ChangeFilePrinter(FORMS[kind], file_names, now, TemplateChoice(template))
    text = printer.change(exported)
    # The undo first: a change without its way back is the one thing that must not be left behind.
    new: list[tuple[Path, bytes]] = []
    if undo is not None:
        new.append((undo, printer.encoded(printer.undo(exported))))
    if change is not None:
        new.append((change, printer.encoded(text)))
    _save(new, world.records.folder)
    if change is None:
        click.echo(text, nl=False)
    _tell(given, exported, change, undo)
    return 0


def _names(
    planned: DelegationPlan, suffix: str, output: Path | None, undo: Path | None
) -> tuple[Path | None, Path | None]:
    """Where the change and its undo go; None is standard output for the one, nowhere for both."""
    if str(undo) == "-":
        raise UsageError("--undo names a file", "standard output is for the change: -o -")
    if any(path is not None and not path.name for path in (output, undo)):
        raise UsageError("an empty file name", "leave -o away for the usual name")
    if str(output) == "-":
        return None, undo
    if output is None:
        digest = planned.digest.removeprefix("sha256:")
        output = Path(f"plan-{digest[:12]}{suffix}")
    return output, undo or output.with_name(f"{output.stem}-undo{output.suffix}")


def _save(new: list[tuple[Path, bytes]], state: Path) -> None:
    """Write all files or none, each whole, and over nothing that is there. Raises UsageError."""
    for path, _ in new:
        if path.resolve().is_relative_to(state.resolve()):
            raise UsageError(
                f"{path} is in the state folder, which is the program's own; nothing was written",
                "name a file elsewhere",
            )
    files.create_all(
        new, "name another file with -o, or move that one away", "name another file with -o"
    )


def _tell(
    given: options.Options, exported: ExportedPlan, change: Path | None, undo: Path | None
) -> None:
    if change is not None:
        terminal.say(f"wrote   {change}   the change")
    if undo is not None:
        terminal.say(f"wrote   {undo}   its undo, the way back")
    else:
        terminal.warn("there is no undo of this: --undo FILE writes it")
    trusted = exported.trusted_again
    if undo is not None and trusted:
        terminal.warn(
            f"the undo would trust {names.fold(trusted)} for delegation to any service again"
        )
    terminal.say("  nothing is changed yet; the file says how to carry it out. That will not be in")
    terminal.say("  the journal, and rollback will not know of it: the undo is the only way back")
    terminal.say(f"next    {given.command('audit')}   afterwards, to see what was made")
