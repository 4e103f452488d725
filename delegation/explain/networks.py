"""Two hosts' networks for migrations -> whether one can reach the other: a link.

A host takes migrations at those of its addresses that lie in its networks for them, or at all where
any network will do.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from ipaddress import IPv4Network, IPv6Network, ip_network

from delegation.explain.chain import Link, broken, counted, ok, unknown

NAME = "networks"
Network = IPv4Network | IPv6Network


@dataclass(frozen=True)
class HostNetworks:
    """One host's networks as it spells them, and its addresses; None: they are not known."""

    label: str
    any_network: bool = False
    listed: tuple[str, ...] = ()
    addresses: tuple[str, ...] | None = None

    @cached_property
    def networks(self) -> dict[str, Network]:
        """Those that can be compared, by their spelling."""
        parsed = {text: _network(text) for text in self.listed}
        return {text: network for text, network in parsed.items() if network is not None}

    @cached_property
    def usable(self) -> dict[str, Network]:
        """Those in which the host has an address, as far as its addresses are known."""
        if self.addresses is None:
            return self.networks
        # VMMS listens on those addresses only that lie in its networks, so that a network without
        # one is of no use, whatever the other host lists.
        parsed = [_network(text) for text in self.addresses]
        addresses = [address for address in parsed if address is not None]
        return {
            text: network
            for text, network in self.networks.items()
            if _holds_one(network, addresses)
        }

    @property
    def odd(self) -> tuple[str, ...]:
        """What is listed and is no subnet; of no account where any network will do."""
        if self.any_network:
            return ()
        return tuple(text for text in self.listed if text not in self.networks)

    @property
    def words(self) -> str:
        """What it takes, in a clause."""
        if self.any_network:
            return f"{self.label} takes any network"
        return f"{self.label} lists {counted([*self.usable, *self.odd])}"


def link(source: HostNetworks, target: HostNetworks) -> Link:
    """Each end by itself, then both together. Only what is known counts."""
    ends = (source, target)
    closed = [end.label for end in ends if not end.any_network and not end.listed]
    if closed:
        labels = " and ".join(closed)
        why = f"{labels}: no network is listed, and any network is off"
        setting = f"live_migration: networks, or any_network: true, for {labels}"
        return broken(NAME, why, f"{setting}{_THEN}")
    astray = [end for end in ends if not (end.any_network or end.usable or end.odd)]
    if astray:
        why = "; ".join(f"{end.label} has no address in {counted([*end.listed])}" for end in astray)
        whose = " and ".join(end.label for end in astray)
        setting = f"live_migration: networks in which {whose} has an address"
        return broken(NAME, why, f"{setting}{_THEN}")
    if source.any_network or target.any_network:
        hangs_on_odd = any(end.odd and not end.usable for end in ends)
        if hangs_on_odd:
            return _strange(ends)
        return ok(NAME, f"{_accepting(ends)}{_not_known(ends)}")
    return _both_listing(source, target)


_THEN = ", then delegation hosts apply"


def _both_listing(source: HostNetworks, target: HostNetworks) -> Link:
    ends = (source, target)
    common = _common(source, target)
    same = sorted(of_source for of_source, of_target in common if of_source == of_target)
    if same:
        return ok(NAME, f"both list {counted(same)}{_not_known(ends)}")
    if common:
        of_source, of_target = min(common)
        overlapping = f"{of_source} of {source.label} and {of_target} of {target.label} overlap"
        return ok(NAME, f"{overlapping}{_not_known(ends)}")
    if source.odd or target.odd:
        return _strange(ends)
    fix = f"live_migration: networks with one that both hosts have{_THEN}"
    return broken(NAME, f"none in common: {_accepting(ends)}", fix)


def _common(source: HostNetworks, target: HostNetworks) -> set[tuple[str, str]]:
    """The networks of both that overlap, as each spells them: a network may lie in another."""
    common: set[tuple[str, str]] = set()
    for of_source, source_network in source.usable.items():
        for of_target, target_network in target.usable.items():
            if _overlap(source_network, target_network):
                common.add((of_source, of_target))
    return common


def _strange(ends: Sequence[HostNetworks]) -> Link:
    """Unknown: it hangs on what a host lists and nobody can compare."""
    odd = [f"{end.label}: {text}" for end in ends for text in end.odd]
    fix = "look at what the host lists: Get-VMMigrationNetwork"
    return unknown(NAME, f"this is no subnet: {counted(odd)}", fix)


def _accepting(ends: Sequence[HostNetworks]) -> str:
    if all(end.any_network for end in ends):
        return "both take any network"
    return ", ".join(end.words for end in ends)


def _not_known(ends: Sequence[HostNetworks]) -> str:
    """What was not compared."""
    blind = [end.label for end in ends if not end.any_network and end.addresses is None]
    if not blind:
        return ""
    return f"; whether {' and '.join(blind)} has an address there is not known"


def _network(text: str) -> Network | None:
    """A subnet, or an address as one; None of what is neither."""
    try:
        return ip_network(text, strict=False)
    except ValueError:
        return None


def _holds_one(network: Network, addresses: Sequence[Network]) -> bool:
    return any(_overlap(network, address) for address in addresses)


def _overlap(left: Network, right: Network) -> bool:
    return left.version == right.version and left.overlaps(right)
