"""What a command works with, from its options: the inventory, its world, the journal."""

from delegation import wiring
from delegation.changes.records import Records
from delegation.cli import terminal
from delegation.cli.options import Options
from delegation.cli.passwords import TerminalPasswords
from delegation.cli.telling import TerminalTeller
from delegation.errors import InventoryError, UsageError
from delegation.inventory import Inventory


def load(given: Options) -> Inventory:
    """The inventory. Raises InventoryError with all its problems, UsageError without a file."""
    return wiring.load(given.places)


def world(given: Options) -> wiring.World:
    """All that the inventory speaks of, with the terminal to tell and to ask."""
    return world_of(given, load(given))


def world_of(given: Options, inventory: Inventory | None) -> wiring.World:
    """The same of an inventory that is read already, or of none."""
    make = given.make_world or wiring.World
    return make(inventory, given.places, TerminalPasswords(given), TerminalTeller(given))


def inventory_if_valid(given: Options) -> Inventory | None:
    """The inventory, for what does without; that there is none is told."""
    try:
        return load(given)
    except (InventoryError, UsageError) as exc:
        terminal.warn(f"{given.inventory} is not usable, going by the journal alone: {exc.what}")
        return None


def records(given: Options) -> Records:
    """The journal, for whoever only looks: an inventory that is missing or invalid names none."""
    teller = TerminalTeller(given)
    if given.state is not None:
        return Records(given.state, wiring.KINDS, teller)
    try:
        inventory: Inventory | None = load(given)
    except (InventoryError, UsageError):
        inventory = None
    return Records(wiring.state_folder(given.places, inventory), wiring.KINDS, teller)
