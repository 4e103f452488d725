"""``delegation export``: the plan as a change file for other programs, and its undo beside it."""

import contextlib
import os
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import click

from delegation import __version__, names, report
from delegation.changes.plan import refusal_lines
from delegation.cli import options, show, terminal, wiring
from delegation.cli.apply import ALLOWED
from delegation.errors import Refused, UsageError
from delegation.inventory import Inventory
from delegation.mesh import planning, survey
from delegation.mesh.plan_mesh import hints
from delegation.mesh.plan_view import PlanView
from delegation.mesh.snapshot import Directory
from delegation.mesh.state import DelegationPlan, flags
from delegation.wiring import today

F = TypeVar("F", bound=Callable[..., Any])

SUFFIXES = {"ldif": ".ldif", "powershell": ".ps1"}
TEMPLATES = {"ldif": "plan.ldif.j2", "powershell": "plan.ps1.j2"}


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


def _shared(command: F) -> F:
    for decorate in reversed(
        (
            options.common(),
            options.limit("hosts' objects"),
            options.allow(*ALLOWED),
            click.option(
                "-o",
                "--output",
                type=click.Path(path_type=Path, dir_okay=False, allow_dash=True),
                metavar="FILE",
                help="The change file; its undo is FILE with -undo in its name. With - the "
                "change alone goes to standard output.  [default: plan-DIGEST]",
            ),
            click.option(
                "--undo",
                type=click.Path(path_type=Path, dir_okay=False),
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
    ):
        command = decorate(command)
    return command


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
    inventory = wiring.load(given)
    wanted = wiring.settings(given, inventory)
    scope = survey.limited(limit, inventory)
    to_stdout = str(output) == "-"
    with wiring.reading(given, wanted, inventory.domain) as reader:
        comparison = survey.for_plan(inventory, reader, today(), scope)
    planned = planning.plan(comparison, allow)
    if not to_stdout:
        found = hints(wiring.world(given, inventory), comparison)
        show.plan(PlanView.of(planned, comparison, found), given)
    if planned.blocked:
        raise Refused(
            "the plan is blocked; nothing was exported", "", refusal_lines(planned.blocked)
        )
    if not planned.changes:
        terminal.say(
            "nothing to do: the directory is as the inventory says; no file was written", fg="green"
        )
        return 0
    change, undo = _names(planned, kind, output, undo)
    about = _about(inventory, comparison.snapshot.directory, planned)
    made = _made(kind, template, about | _plan_data("change", planned, change, undo, kind))
    files: list[tuple[Path, bytes]] = []
    if undo is not None:
        back = _plan_data("undo", planned.reversed(), undo, change, kind)
        files.append((undo, _encoded(_made(kind, template, about | back), kind)))
    if change is not None:
        files.append((change, _encoded(made, kind)))
    _save(files, wiring.state_folder(given, inventory))
    if change is None:
        click.echo(made, nl=False)
    _tell(given, planned, change, undo)
    return 0


def _names(
    planned: DelegationPlan, kind: str, output: Path | None, undo: Path | None
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
        output = Path(f"plan-{digest[:12]}{SUFFIXES[kind]}")
    return output, undo or output.with_name(f"{output.stem}-undo{output.suffix}")


def _about(inventory: Inventory, directory: Directory, planned: DelegationPlan) -> dict[str, Any]:
    of_a_dc = not directory.url.startswith("ldif:")
    return {
        "domain": inventory.domain,
        "dc": directory.dc if of_a_dc else None,
        "source": directory.dc,
        "made": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "version": __version__,
        "digest": planned.digest,
        "inventory_digest": inventory.digest,
    }


def _plan_data(
    of: str, planned: DelegationPlan, ours: Path | None, other: Path | None, kind: str
) -> dict[str, Any]:
    from delegation.directory import change_file

    return {
        **change_file.template_data(planned),
        "kind": of,
        "file": ours.name if ours else f"FILE{SUFFIXES[kind]}",
        "other": other.name if other else None,
    }


def _made(kind: str, template: Path | None, data: Mapping[str, Any]) -> str:
    if template is not None:
        return report.render_own(template, data)
    return report.render(TEMPLATES[kind], data)


def _encoded(text: str, kind: str) -> bytes:
    """With the line ends of Windows; a script of a user's template that is not ASCII gets a mark.

    Windows PowerShell 5.1 would take it for ANSI without.
    """
    codec = "utf-8-sig" if kind == "powershell" and not text.isascii() else "utf-8"
    return text.replace("\n", "\r\n").encode(codec)


def _save(files: Sequence[tuple[Path, bytes]], state: Path) -> None:
    """Write all files or none, each whole, and over nothing that is there. Raises UsageError."""
    for path, _ in files:
        if path.resolve().is_relative_to(state.resolve()):
            raise UsageError(
                f"{path} is in the state folder, which is the program's own; nothing was written",
                "name a file elsewhere",
            )
    made: list[Path] = []
    try:
        for path, _ in files:
            path.open("xb").close()
            made.append(path)
        for path, content in files:
            new = path.with_name(f".{path.name}.{os.getpid()}")
            made.append(new)
            new.write_bytes(content)
            new.replace(path)
    except BaseException as exc:
        for path in made:
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)
        if isinstance(exc, FileExistsError):
            raise UsageError(
                f"{exc.filename} is there already; nothing was written",
                "name another file with -o, or move that one away",
            ) from exc
        if isinstance(exc, OSError):
            raise UsageError(
                f"{exc.filename} can't be written: {exc.strerror or exc}; nothing was written",
                "name another file with -o",
            ) from exc
        raise


def _tell(
    given: options.Options, planned: DelegationPlan, change: Path | None, undo: Path | None
) -> None:
    if change is not None:
        terminal.say(f"wrote   {change}   the change")
    if undo is not None:
        terminal.say(f"wrote   {undo}   its undo, the way back")
    else:
        terminal.warn("there is no undo of this: --undo FILE writes it")
    cleared = [c.target.name for c in planned.changes if flags(c).get("unconstrained")]
    if undo is not None and cleared:
        terminal.warn(
            f"the undo would trust {names.fold(cleared)} for delegation to any service again"
        )
    terminal.say("  nothing is changed yet; the file says how to carry it out. That will not be in")
    terminal.say("  the journal, and rollback will not know of it: the undo is the only way back")
    terminal.say(f"next    {given.command('audit')}   afterwards, to see what was made")
