"""A world for use cases that read: an inventory beside an LDIF export; what is said is kept."""

from collections.abc import Iterable
from pathlib import Path

from delegation import wiring
from delegation.events import Event, Progress
from delegation.inventory import DirectorySettings, Inventory
from delegation.wiring import Places, World
from tests.cli.world import INVENTORY


class Nobody:
    """Nobody who could log on anywhere: an export needs no logon. Implements wiring.Logons."""

    def to_directory(self, wanted: DirectorySettings, domain: str) -> None:
        raise AssertionError(f"{wanted.url} of {domain} is not to be asked")

    def refuse_elsewhere(self, url: str, domain: str) -> None:
        raise AssertionError(f"{url} of {domain} is not to be asked")

    def to_hosts(self, inventory: Inventory) -> str | None:
        raise AssertionError(f"no host of {inventory.domain} is to be asked")


class Heard:
    """Keeps what is said. Implements events.Teller."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def say(self, event: Event) -> None:
        self.events.append(event)

    def show(self, view: object) -> None:
        raise AssertionError(f"nobody asked for {view}")

    def progress(self, what: str) -> Progress:  # noqa: ARG002
        return lambda _done, _total: None

    @property
    def lines(self) -> list[str]:
        return [line for event in self.events for line in event.words()]


def world(
    folder: Path, export: bytes, inventory: str = INVENTORY, kind: type[World] = World
) -> tuple[World, Heard]:
    """The export as directory.ldif, and its inventory, in ``folder``."""
    (folder / "inventory.yaml").write_text(inventory, encoding="utf-8")
    (folder / "directory.ldif").write_bytes(export)
    heard = Heard()
    places = Places(folder / "inventory.yaml")
    return kind(wiring.load(places), places, Nobody(), heard), heard  # type: ignore[arg-type]


def contents(folder: Path, *besides: str) -> dict[str, bytes]:
    """Every file below ``folder`` but those ``besides``."""
    files: Iterable[Path] = (path for path in folder.rglob("*") if path.is_file())
    return {path.name: path.read_bytes() for path in files if path.name not in besides}
