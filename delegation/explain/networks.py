"""Two hosts' addresses and networks for migrations -> whether one can reach the other: a link.

Networks for migrations are about what comes in: a host listens at those of its addresses that lie
in them, or at all where any network will do. So the target's count, and a source needs none.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from delegation.explain.chain import WRONG_PRINCIPAL, Link, broken, counted, ok, unknown

NAME = "networks"
_THEN = ", then delegation hosts apply"


@dataclass(frozen=True)
class HostNetworks:
    """One host's networks for migrations as it spells them, and its addresses.

    ``listeners`` are those where it takes migrations, as it says itself; ``addresses`` all of
    them, None: they are not known. ``is_off``: it takes none at all.
    """

    label: str
    any_network: bool = False
    listed: tuple[str, ...] = ()
    listeners: tuple[str, ...] = ()
    addresses: tuple[str, ...] | None = None
    is_off: bool = False


def link(source: HostNetworks, target: HostNetworks) -> Link:
    """Where the target listens, and whether that is somewhere else than at the source."""
    if target.is_off:
        return unknown(NAME, f"{target.label} listens nowhere while its migrations are off")
    if not target.listeners:
        return _listening_nowhere(target)
    shared = _shared(source, target)
    where = f"{target.label} listens at {counted(list(target.listeners), 4)}"
    if not shared:
        return ok(NAME, where)
    twice = f"{counted(shared)} is on {source.label} as well: a source would reach itself there"
    # The target's order is that in which its addresses are tried.
    if target.listeners[0] in shared:
        fix = (
            f"live_migration: networks for {target.label}, in which its address is its own, before "
            f"all others (priority){_THEN}"
        )
        return broken(NAME, f"{where}; {twice}", fix, WRONG_PRINCIPAL)
    return ok(NAME, f"{where}, in this order; {twice}")


def _listening_nowhere(target: HostNetworks) -> Link:
    label = target.label
    if not target.any_network and not target.listed:
        why = f"{label} listens nowhere: no network is listed, and any network is off"
        fix = f"live_migration: networks, or any_network: true, for {label}{_THEN}"
        return broken(NAME, why, fix)
    if not target.any_network and _is_astray(target):
        why = f"{label} listens nowhere: it has no address in {counted(list(target.listed))}"
        fix = f"live_migration: networks in which {label} has an address{_THEN}"
        return broken(NAME, why, fix)
    fix = f"on {label}: Restart-Service vmms, which may have started before its network adapters"
    return broken(NAME, f"{label} tells no address where it listens", fix)


def _is_astray(target: HostNetworks) -> bool:
    """Whether it is known that no address of it lies in a network that it lists."""
    if target.addresses is None:
        return False
    networks = [_network(text) for text in target.listed]
    addresses = [_address(text) for text in target.addresses]
    return not any(
        network is not None and address is not None and address in network
        for network in networks
        for address in addresses
    )


def _shared(source: HostNetworks, target: HostNetworks) -> list[str]:
    """Addresses where the target listens, and the source is: as of a cluster's private network."""
    known: Sequence[str] = source.listeners if source.addresses is None else source.addresses
    own = {_address(text) for text in known}
    return [text for text in target.listeners if (found := _address(text)) and found in own]


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(text.partition("%")[0])
    except ValueError:
        return None


def _network(text: str) -> IPv4Network | IPv6Network | None:
    """A subnet, or an address as one; None of what is neither."""
    try:
        return ip_network(text, strict=False)
    except ValueError:
        return None
