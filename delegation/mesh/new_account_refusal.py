"""Comparison -> why a plan is refused where an account is another than it was; what allows it."""

from collections.abc import Collection, Iterator

from delegation.changes.plan import Blocked
from delegation.errors import UsageError
from delegation.inventory import Inventory
from delegation.mesh.compare import Comparison
from delegation.mesh.identities import NEW_ACCOUNT


def refuse_other_accounts(comparison: Comparison) -> Iterator[Blocked]:
    """Re-imaging is routine, so all that it takes stands in one line: what to look at, and type."""
    for other in comparison.identities.new:
        if other.is_accepted:
            continue
        typed = f"delegation apply --allow {other.override}"
        message = f"{other.what}; {other.look}; if so: {typed}"
        yield Blocked(other.label, NEW_ACCOUNT, message, other.override)


def refuse_unknown_hosts(inventory: Inventory, allow: Collection[str]) -> None:
    """Raises UsageError for a name behind ``new-account=`` that is not one host's.

    One by one: what is said of many at once is said without having looked at any.
    """
    machines = [*inventory.hosts, *(server.name for server in inventory.file_servers)]
    known = {label.casefold() for label in machines}
    for name in allow:
        kind, _, label = name.partition("=")
        if kind == NEW_ACCOUNT and label.casefold() not in known:
            raise UsageError(
                f"--allow {NEW_ACCOUNT}= names no host of the inventory: {label!r}",
                f"write one host, as in --allow {NEW_ACCOUNT}=hv04, and repeat it for others",
            )
