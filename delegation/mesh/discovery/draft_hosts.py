"""The hosts of a proposed inventory -> their part of its text, those that are left out included."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from delegation import names
from delegation.inventory import Host
from delegation.inventory.yaml_writing import comment, scalar
from delegation.mesh.discovery.proposal import InventoryProposal
from delegation.mesh.discovery.units import container
from delegation.mesh.snapshot import Computer

_RANGE = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*\[[0-9,-]+\][A-Za-z0-9_-]*\Z")


def hosts(proposal: InventoryProposal) -> Iterator[str]:
    """The section: hosts by unit, then those that wait for somebody to name them, then remarks."""
    yield from _hosts(proposal)
    yield from _waiting(proposal)
    yield from _notes(proposal)


def _key(expression: str) -> str:
    """A range of hosts as a key; in a list it needs quotes."""
    return expression if _RANGE.match(expression) else scalar(expression)


def folded(labels: Iterable[str]) -> str:
    return ", ".join(names.split_list(names.fold(labels)))


FLAGS = {True: "protocol_transition: true", False: "protocol_transition: false"}
"""The key with its value, as YAML writes a boolean."""


def _hosts(proposal: InventoryProposal) -> Iterator[str]:
    yield "hosts:"
    for unit, labels in _by_unit(proposal.accounts).items():
        yield from comment(unit, "  ")
        yield from (f"  {line}" for line in _entries(proposal, labels))


def _by_unit(accounts: Mapping[str, Computer]) -> dict[str, list[str]]:
    """Labels by the container that their accounts lie in."""
    spelled: dict[str, str] = {}
    found: dict[str, list[str]] = {}
    for label, account in accounts.items():
        unit = container(account)
        found.setdefault(spelled.setdefault(names.dn_key(unit), unit), []).append(label)
    return found


def _waiting(proposal: InventoryProposal) -> Iterator[str]:
    """The hosts that are not proposed, as they would be written if they were."""
    if not proposal.waiting:
        return
    yield from comment(
        f"{proposal.not_proposed()}. An inventory mends what is there; to take one in as well, "
        "delete the # before it, and name it in a mesh (init --all-hosts does).",
        "  ",
    )
    domain = proposal.inventory.domain
    for unit, labels in _by_unit(proposal.waiting).items():
        yield from comment(unit, "  ")
        usual: list[str] = []
        for label in labels:
            fqdn = (proposal.waiting[label].dns_host_name or "").lower()
            if fqdn == f"{label}.{domain}":
                usual.append(label)
            else:
                yield f"  # {_key(label)}: {{fqdn: {scalar(fqdn)}}}"
        for part in names.split_list(names.fold(usual)):
            yield f"  # {_key(part)}:"


def _entries(proposal: InventoryProposal, labels: Sequence[str]) -> Iterator[str]:
    """Hosts that are alike as ranges, the others one by one."""
    hosts = proposal.inventory.hosts
    usual = [label for label in labels if _has_usual_names(proposal, label)]
    odd = [label for label in labels if not _has_usual_names(proposal, label)]
    by_flag = names.alike((_own_flag(proposal, hosts[label]), label) for label in usual)
    for differs, folded in sorted(by_flag.items()):
        value = f" {{{FLAGS[not proposal.transition]}}}      # as found" if differs else ""
        for part in names.split_list(folded):
            yield f"{_key(part)}:{value}"
    for label in odd:
        host = proposal.inventory.hosts[label]
        settings = [f"fqdn: {scalar(host.fqdn)}"]
        if host.computer != label:
            settings.append(f"computer: {scalar(host.computer)}")
        if _own_flag(proposal, host):
            settings.append(FLAGS[not proposal.transition])
        yield f"{_key(label)}: {{{', '.join(settings)}}}"


def _has_usual_names(proposal: InventoryProposal, label: str) -> bool:
    """Whether a host's label tells its account and its DNS name as well."""
    host = proposal.inventory.hosts[label]
    return host.computer == label and host.fqdn == f"{label}.{proposal.inventory.domain}"


def _own_flag(proposal: InventoryProposal, host: Host) -> bool:
    """Whether a host's flag is another than that by default, and so is told with it."""
    return host.protocol_transition is not proposal.transition


def _notes(proposal: InventoryProposal) -> Iterator[str]:
    """What was left out, and what is remarkable about those that are in."""
    if proposal.idle:
        yield from comment(
            f"Nothing is delegated on {folded(proposal.idle)} yet: the first plan gives all "
            "values of the mesh, and the flag of `defaults`.",
            "  ",
        )
    if proposal.bound:
        yield from comment(
            f"{folded(proposal.bound)}: the flag governs the whole list of an account, and values "
            "of others are in it (see `keep`), so that it stays as found. Once their owner agrees, "
            "delete it here and say `protocol_transition: accept` in their keep rule.",
            "  ",
        )
    if proposal.unregistered:
        yield from comment(
            f"The migration service has not registered its name on {folded(proposal.unregistered)}"
            ": no Hyper-V host? Then delete it here. Else look for event 14050 there.",
            "  ",
        )
    if proposal.acting:
        yield from comment(
            "Resource-based delegation is set too (msDS-AllowedToActOnBehalfOfOtherIdentity) on "
            f"{folded(proposal.acting)}: `delegation audit` names who may act there. This "
            "program leaves it alone.",
            "  ",
        )
    if proposal.left_out:
        yield from comment("Left out, and untouched whatever this file says:", "  ")
    reasons = names.grouped((left_out.reason, left_out.name) for left_out in proposal.left_out)
    for reason, accounts in reasons.items():
        yield from comment(f"- {folded(accounts)}: {reason}", "  ")
