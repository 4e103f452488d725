"""Puts the parts together for commands that are not on the world yet (delegation.wiring)."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

from delegation import wiring as opening
from delegation.cli import telling
from delegation.cli.options import Options
from delegation.cli.passwords import TerminalPasswords
from delegation.directory import connection, reaching
from delegation.directory.logons import Logons
from delegation.errors import InventoryError, UsageError
from delegation.inventory import DirectorySettings, Inventory
from delegation.mesh.reader import Inspector

if TYPE_CHECKING:
    from delegation.hosts.hypervisor import Open
    from delegation.hosts.places import Account, Place

redirect = connection.redirect
identity = connection.recorded_as
connection_record = connection.connection_record
recorded_settings = connection.recorded_settings


def load(options: Options) -> Inventory:
    """The inventory. Raises InventoryError with all its problems, UsageError without a file."""
    return opening.load(options.places)


def world(options: Options, inventory: Inventory | None) -> opening.World:
    """All that the inventory speaks of, with the terminal to tell and to ask."""
    make = options.make_world or opening.World
    teller = telling.TerminalTeller(options)
    return make(inventory, options.places, TerminalPasswords(options), teller)


def settings(options: Options, inventory: Inventory) -> DirectorySettings:
    """How to reach the directory, with what the command line says and paths made absolute."""
    return world(options, inventory).settings


def with_logon(
    wanted: DirectorySettings, options: Options, inventory: Inventory
) -> DirectorySettings:
    """``wanted``, with the way to log on that the inventory declares, if it does."""
    return connection.with_logon(wanted, inventory, options.inventory.parent)


def state_folder(options: Options, inventory: Inventory | None) -> Path:
    """The one place where runs are recorded: beside the inventory unless told otherwise."""
    return opening.state_folder(options.places, inventory)


def usual_state_folder(options: Options) -> Path:
    """The same for whoever only looks; an inventory that is missing or invalid names none."""
    if options.state is not None:
        return options.state
    try:
        return state_folder(options, load(options))
    except (InventoryError, UsageError):
        return state_folder(options, None)


def own_files(options: Options, inventory: Inventory, wanted: DirectorySettings) -> list[Path]:
    """What no output may be written over: the inventory, an export, the journal."""
    journal = state_folder(options, inventory) / "journal.sqlite"
    return [options.inventory, connection.export_file(wanted), journal]


def reading(
    options: Options, wanted: DirectorySettings, domain: str
) -> AbstractContextManager[Inspector]:
    """The directory through an interface that has no write."""
    return reaching.reading(wanted, domain, _logons(options), telling.TerminalTeller(options))


def _logons(options: Options) -> Logons:
    return Logons(TerminalPasswords(options), vouched=options.directory is not None)


def host_places(options: Options, inventory: Inventory) -> Callable[[str], "Place"]:
    return world(options, inventory).host_places()


def hosts_account(options: Options, inventory: Inventory) -> "Account":
    return world(options, inventory).hosts_account()


def open_host(options: Options, inventory: Inventory) -> "Open":
    return world(options, inventory).hosts()
