"""Former names in a file -> each claimed for its host, or reported where somebody has it."""

from collections.abc import Mapping

from delegation.inventory.fields import Reading
from delegation.inventory.former_names import spelled_out
from delegation.inventory.hosts_section import DeclaredHosts, NameOwner
from delegation.inventory.yaml_text import quoted


def claim_former_names(
    reading: Reading, domain: str | None, hosts: DeclaredHosts, in_use: Mapping[str, str]
) -> None:
    """Reports former names that somebody has now, or that two hosts had.

    ``in_use``: all names that hosts and file servers have, casefolded, with their labels. A label
    alone is no name of anybody's: a host that was renamed may well keep it.
    """
    claimed: dict[str, str] = {}
    for label, name, node in hosts.former:
        user = in_use.get(name.casefold())
        earlier = claimed.get(name.casefold())
        if user is not None:
            what = f"former {quoted(name)} of {quoted(label)} is still a name of {quoted(user)}"
            reading.problem(node, what, "take it out of one of the two places")
        elif earlier not in {None, label}:
            what = f"former {quoted(name)} of {quoted(label)} is one of {quoted(earlier)} already"
            reading.problem(node, what, "name it at the host that had it last")
        else:
            free = [one for one in spelled_out(name, domain or "") if one.casefold() not in in_use]
            hosts.claim(NameOwner(f"former name of {quoted(label)}", node), free)
            claimed |= dict.fromkeys((one.casefold() for one in free), label)
