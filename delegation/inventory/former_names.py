"""Names that hosts had once and have no more: what those that are declared come to."""

from collections.abc import Iterable, Iterator, Mapping

from delegation.inventory import FileServer, Host, Inventory


def names_of(hosts: Iterable[Host], file_servers: Iterable[FileServer]) -> Mapping[str, str]:
    """Every name, casefolded, that one of them has now, with its label."""
    used: dict[str, str] = {}
    for host in hosts:
        used[host.computer.casefold()] = host.label
        used[host.fqdn.casefold()] = host.label
    for server in file_servers:
        for name in server.names:
            used.setdefault(name.casefold(), server.name)
    return used


def former_names(inventory: Inventory) -> Mapping[str, str]:
    """Every name, casefolded, that a host had and has no more, with the label of that host.

    A name that is in use is never a former one: suffixes are said of all hosts at once, and some
    of them may have kept theirs.
    """
    used = names_of(inventory.hosts.values(), inventory.file_servers)
    former: dict[str, str] = {}
    for host in inventory.hosts.values():
        for name in _all_of(inventory, host):
            if name.casefold() not in used:
                former.setdefault(name.casefold(), host.label)
    return former


def _all_of(inventory: Inventory, host: Host) -> Iterator[str]:
    own_short, _, own_suffix = host.fqdn.partition(".")
    # A NetBIOS name is cut at 15 characters, the host's own name in DNS is not.
    shorts = [host.computer, own_short]
    for name in host.former:
        yield from spelled_out(name, inventory.domain, own_suffix)
        if "." not in name:
            shorts.append(name)
    for suffix in inventory.former_suffixes:
        yield from (f"{short}.{suffix}" for short in shorts)


def spelled_out(name: str, *suffixes: str) -> Iterator[str]:
    """What a former name comes to: a full one is itself alone, a short one its full forms too."""
    yield name
    if "." not in name:
        yield from (f"{name}.{suffix}" for suffix in suffixes if suffix)
