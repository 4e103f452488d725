"""Lists of moves as files: read as they are, and written from a plan."""

from collections.abc import Sequence
from pathlib import Path

from delegation.cli import files, terminal
from delegation.errors import UsageError
from delegation.inventory.yaml_text import MAX_BYTES
from delegation.migrations.migration_plan import PlannedMigrations
from delegation.migrations.wanted_moves import ListedMoves
from delegation.wiring import World


def read_list(file: Path) -> ListedMoves:
    """The moves of a list. Raises UsageError where it can't be read."""
    # A byte more than is allowed: the parser says of that one that it is too large.
    try:
        with file.open("rb") as opened:
            return ListedMoves(opened.read(MAX_BYTES + 1), str(file))
    except (OSError, ValueError) as exc:
        reason = getattr(exc, "strerror", None) or exc
        raise UsageError(
            f"the list of moves {str(file)!r} can't be read: {reason}",
            "name a YAML or CSV file of moves; delegation migrate --help shows one",
        ) from exc


def save(world: World, planned: PlannedMigrations, path: Path, read: Sequence[Path] = ()) -> None:
    """The moves of a plan as a list that gives this plan again. Raises UsageError."""
    if path.suffix.casefold() in {".csv", ".tsv"}:
        raise UsageError(f"{path}: lists are written as YAML", "name it .yaml")
    # Neither the program's own files nor the list that was read are written over.
    files.save(path, planned.as_list(), [*world.own_files(), *read])
    terminal.say(f"{len(planned.preview.placement.moves):,} moves are in {path}")
