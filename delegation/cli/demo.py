"""``delegation demo``: the whole story on the embedded sample directory, no server needed."""

import hashlib
import os
import shlex
import shutil
import tempfile
from collections.abc import Callable
from contextlib import chdir
from pathlib import Path

import click

from delegation.changes.outcomes import Result
from delegation.changes.plan import Change, Target
from delegation.cli import opening, options, terminal
from delegation.cli.options import Options
from delegation.errors import DelegationError
from delegation.mesh.state import Delegation
from delegation.names import peer_values
from delegation.report.templates import example_inventory, templates

_DIRECTORY = Path("directory.ldif")
_COMMAND = ["-i", "inventory.yaml", "--directory", f"ldif:{_DIRECTORY}"]
_LOST = peer_values("hv05", "hv05.corp.example")[0]
_STRAY = "cifs/nas01"


@click.command()
@options.common()
def demo() -> int:
    """Show the whole story on an embedded sample directory.

    Plan, apply, audit and roll back with 64 Hyper-V hosts. Everything happens in a temporary
    folder, which is removed at the end. Each step shows the command that you would type.

    \b
    Example:
      delegation demo
    """
    for name in [name for name in os.environ if name.startswith("DELEGATION_")]:
        del os.environ[name]  # of the real directory, and of the real record of runs
    with tempfile.TemporaryDirectory(prefix="delegation-demo-") as folder, chdir(folder):
        shutil.copyfile(example_inventory(), "inventory.yaml")
        shutil.copyfile(templates() / "sample-directory.ldif", _DIRECTORY)
        _story()
    return 0


def _story() -> None:
    original = _digest()
    _tell("An inventory of 64 hosts, and a directory (an LDIF export) without delegation so far.")
    _step("Is the inventory right, and does it fit the directory?", 0, "check")
    _step("What would change?", 3, "plan")
    _step("Write it.", 0, "apply", "--yes", "--ticket", "DEMO-1")
    _step("Is anything left to do?", 0, "plan")
    _by_hand(f"hv12 loses {_LOST}, and gains {_STRAY}.", _drift)
    _step("The nightly audit sees it.", 3, "audit")
    _step("The missing value is repaired; what is not ours stays.", 0, "apply", "--yes")
    _step("Of run 1 one value is not its own any more.", 4, "rollback", "1", "--yes")
    _by_hand(f"The owner of {_STRAY} takes it away.", _owner_cleans_up)
    _step("So the later run is undone first.", 0, "rollback", "--yes")
    _step("Now run 1 is undone exactly.", 0, "rollback", "--yes")
    _step("All of it is on record.", 0, "history")
    if _digest() != original:
        raise DelegationError("the directory is not as it was at the start", "please report this")
    _tell(f"The directory is as it was at the start, byte for byte: sha256 {original[:16]}…")


def _tell(text: str) -> None:
    terminal.out()
    terminal.out(text, bold=True)


def _step(text: str, expected: int, *arguments: str) -> None:
    from delegation.cli import run

    _tell(text)
    terminal.out(f"$ delegation {shlex.join([*_COMMAND, *arguments])}", fg="cyan")
    code = run([*_COMMAND, *arguments])
    terminal.out(f"(exit code {code})")
    if code != expected:
        raise DelegationError(
            f"the demo expected exit code {expected} of {arguments[0]}, not {code}",
            "please report this, with the output above",
        )


def _by_hand(text: str, edit: Callable[[tuple[str, ...]], tuple[str, ...]]) -> None:
    """Change hv12's values in the directory, as somebody else would."""
    _tell(f"Somebody edits the directory by hand: {text}")
    here = Options(Path("inventory.yaml"), f"ldif:{_DIRECTORY}")
    with opening.world(here).writing() as directory:
        [computer] = [c for c in directory.find(["hv12"]) if c.name.casefold() == "hv12"]
        before = Delegation.of(computer)
        change = Change(
            Target("hv12", computer.dn, computer.guid),
            before,
            Delegation(edit(before.values), before.uac),
        )
        for outcome in directory.write([change]):
            if outcome.result is not Result.APPLIED:
                raise DelegationError(f"the edit by hand failed: {outcome.reason}")


def _drift(values: tuple[str, ...]) -> tuple[str, ...]:
    return (*(value for value in values if value != _LOST), _STRAY)


def _owner_cleans_up(values: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(value for value in values if value != _STRAY)


def _digest() -> str:
    return hashlib.sha256(_DIRECTORY.read_bytes()).hexdigest()
