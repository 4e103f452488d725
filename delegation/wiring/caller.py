"""What a caller says: where everything is, and to whom secrets may go."""

from pathlib import Path
from typing import NamedTuple

from delegation.directory.known_domains_file import KnownDomainsFile
from delegation.directory.logons import Logons, Passwords
from delegation.inventory import Inventory


class Places(NamedTuple):
    """Where everything is, as the caller says it; None: as the inventory says.

    ``directory`` is a URL, and ``state`` the folder of the journal. ``elsewhere`` is the domain
    controller, by host name or URL, that a run of another one is to be undone on.
    ``known_domains`` is the file of those to which a password may go; None: the account's own and
    the machine's.
    """

    inventory: Path = Path("inventory.yaml")
    directory: str | None = None
    state: Path | None = None
    elsewhere: str | None = None
    known_domains: Path | None = None


def state_folder(places: Places, inventory: Inventory | None) -> Path:
    """The one place where runs are recorded: beside the inventory unless told otherwise."""
    if places.state is not None:
        return places.state
    return places.inventory.parent / (inventory.state if inventory else ".delegation")


def logons(places: Places, passwords: Passwords) -> Logons:
    is_named = places.directory is not None or places.elsewhere is not None
    return Logons(passwords, known_domains(places), is_named=is_named)


def known_domains(places: Places) -> KnownDomainsFile:
    """The domains that a password may go to, as the caller, the account or root says."""
    return KnownDomainsFile(places.known_domains, places.inventory)
