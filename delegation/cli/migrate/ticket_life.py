"""Whether the Kerberos ticket at hand lasts for as long as a migration run is expected to."""

import sys
from collections.abc import Collection

from delegation.cli import options, terminal, wiring
from delegation.errors import DelegationError
from delegation.inventory import Inventory
from delegation.migrations.words import duration


def warn(left: float | None, seconds: float) -> None:
    """Say so before the first migration where what is ``left`` of it is less than ``seconds``."""
    if left is not None and left < seconds:
        terminal.warn(
            f"the Kerberos ticket is good for {duration(left)}, and this should take "
            f"{duration(seconds)}: get a new one with kinit before it expires, in another "
            "terminal, too; without one the run waits"
        )


def left(given: options.Options, inventory: Inventory, labels: Collection[str]) -> float | None:
    """Its seconds, where these hosts are asked by one; None where it is got as it is needed."""
    account = wiring.hosts_account(given, inventory)
    if account.password is not None or account.keytab is not None or sys.platform == "win32":
        return None
    from delegation.hosts.winrm import logon
    from delegation.kerberos import tickets
    from delegation.kerberos.wallet import Wallet

    try:
        attempt = logon.attempt_of(wiring.host_places(given, inventory)(min(labels)), account)
        with logon.in_words(attempt):
            return tickets.lifetime(Wallet().credentials(attempt, None))
    except DelegationError:
        return None  # the first host to be asked tells what is wrong
