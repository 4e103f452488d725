"""What ``delegation init`` says about the inventory that it made."""

from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from delegation.cli import terminal
from delegation.cli.options import Options
from delegation.inventory import Inventory
from delegation.mesh.discovery import InventoryProposal


def tell(given: Options, target: Path | None, proposal: InventoryProposal) -> None:
    say = terminal.say
    say(proposal.title, bold=True)
    for line in proposal.meshes():
        say(f"  {line}")
    if waiting := proposal.not_proposed():
        say(f"  {waiting}")
        say("    to propose them too: --all-hosts")
    for line in proposal.reasons():
        say(f"  left out: {line}")
    for line in proposal.kept():
        say(f"  kept: {line}")
    for line in proposal.dangers():
        terminal.warn(line)
    say(f"  the first plan: {proposal.first_plan}")
    if target is None:
        say(
            "nothing was written to the directory; save this as inventory.yaml, and then: "
            "delegation check"
        )
        return
    say(f"{target} written; nothing was written to the directory", fg="green")
    later = _later(given, target, proposal.inventory)
    say(f"next    {later.command('check')}")
    say(f"        {later.command('plan')}")


def _later(given: Options, target: Path, inventory: Inventory) -> Options:
    """The options for the commands to come: the inventory says the rest.

    But a server outside the domain has to be named each time, before it gets any logon: an
    inventory is a file that others may write.
    """
    url, domain = inventory.directory.url or "", inventory.domain
    host = (urlsplit(url).hostname or "").rstrip(".")
    is_inside = host == domain or host.endswith(f".{domain}")
    is_outside = bool(host) and not is_inside
    return replace(given, inventory=target, directory=url if is_outside else None)
