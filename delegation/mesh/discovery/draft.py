"""A proposed inventory -> the text of its file: valid YAML, with a comment on each choice."""

import re
from collections.abc import Iterable, Iterator, Sequence

from delegation import names
from delegation.inventory import DirectorySettings, Host, Keep, Mesh
from delegation.inventory.yaml_writing import comment, quoted, scalar
from delegation.mesh.discovery.proposal import InventoryProposal, has_transition, migrates

_RANGE = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*\[[0-9,-]+\][A-Za-z0-9_-]*\Z")


def text(proposal: InventoryProposal) -> str:
    """The file. ``inventory.reader.parse`` gives the proposal's inventory of it."""
    sections = [
        _head(proposal),
        [f"domain: {scalar(proposal.inventory.domain)}"],
        list(directory(proposal.inventory.directory)),
        _defaults(proposal),
        [*_hosts(proposal), *_notes(proposal)],
        _meshes(proposal),
        _keep(proposal),
        [*comment("Hosts that are gone, as in [hv99]: every trace of them is removed from the "
                  "others."), "retired: []"],
        _policy(proposal),
    ]  # fmt: skip
    return "\n\n".join("\n".join(section) for section in sections) + "\n"


def _key(expression: str) -> str:
    """A range of hosts as a key; in a list it needs quotes."""
    return expression if _RANGE.match(expression) else scalar(expression)


def _listed(labels: Iterable[str]) -> str:
    return f"[{', '.join(quoted(part) for part in names.split_list(names.fold(labels)))}]"


def _folded(labels: Iterable[str]) -> str:
    return ", ".join(names.split_list(names.fold(labels)))


def _head(proposal: InventoryProposal) -> list[str]:
    how_many = f"{len(proposal.accounts):,} hosts" if proposal.accounts else "no hosts"
    return [
        *comment(
            f"Inventory of {proposal.inventory.domain}, written by `delegation init` on "
            f"{proposal.today.isoformat()}: {how_many}, as {proposal.directory.dc} has them. "
            "Nothing was changed there. What is delegated already stays: the first plan adds what "
            "the meshes below lack, and removes nothing. Read it, correct it, and then:"
        ),
        "#",
        "#   delegation check      # is this file right?",
        "#   delegation plan       # what would change? (writes nothing)",
        "#",
        *comment("A line that starts with # is a comment. Indent with spaces."),
    ]


def directory(settings: DirectorySettings) -> Iterator[str]:
    """The directory section: what is set, or a comment where nothing is."""
    lines = {
        "url": _optional(settings.url),
        "start_tls": "true" if settings.start_tls else None,
        "auth": _optional(settings.auth),
        "user": _optional(settings.user),
        "keytab": _optional(settings.keytab),
        "ca_file": _optional(settings.ca_file),
        "site": _optional(settings.site),
        "dns_servers": _addresses(settings.dns_servers),
        "search_base": _addresses(settings.search_base),
    }
    if any(value is not None for value in lines.values()):
        yield from comment("How to reach the directory. A password has no place here.")
        yield "directory:"
        yield from (f"  {key}: {value}" for key, value in lines.items() if value is not None)
    else:
        yield from comment(
            "A domain controller is found in DNS, and your own logon or Kerberos ticket is used; "
            "say otherwise in a section `directory`."
        )


def _optional(value: str | None) -> str | None:
    return None if value is None else scalar(value)


def _addresses(texts: Sequence[str]) -> str | None:
    return f"[{', '.join(quoted(text) for text in texts)}]" if texts else None


_TRANSITION = {
    True: '"Use any authentication protocol" (protocol transition)',
    False: '"Use Kerberos only"',
}


def _defaults(proposal: InventoryProposal) -> list[str]:
    migrating = [account for account in proposal.accounts.values() if migrates(account)]
    flags = [has_transition(account) for account in migrating]
    if flags:
        reason = (
            f"{_TRANSITION[proposal.transition]}: so it is on {flags.count(proposal.transition):,} "
            f"of the {len(flags):,} hosts that delegate migrations already. A host that delegates "
            "and differs says so below, and stays as it is."
        )
    else:
        reason = (
            f"{_TRANSITION[True]}: what Microsoft's instructions ask for since Windows Server "
            "2016. None of these hosts delegates migrations yet."
        )
    return [
        "defaults:",
        *comment(reason, "  "),
        f"  {_FLAGS[proposal.transition]}",
    ]


_FLAGS = {True: "protocol_transition: true", False: "protocol_transition: false"}
"""The key with its value, as YAML writes a boolean."""


def _hosts(proposal: InventoryProposal) -> Iterator[str]:
    yield "hosts:"
    for mesh in proposal.inventory.meshes:
        if unit := proposal.units[mesh.name]:
            yield from comment(unit, "  ")
        yield from (f"  {line}" for line in _entries(proposal, mesh))


def _entries(proposal: InventoryProposal, mesh: Mesh) -> Iterator[str]:
    """Hosts that are alike as ranges, the others one by one."""
    hosts = proposal.inventory.hosts
    usual = [label for label in mesh.sources if _has_usual_names(proposal, label)]
    odd = [label for label in mesh.sources if not _has_usual_names(proposal, label)]
    by_flag = names.alike((_own_flag(proposal, hosts[label]), label) for label in usual)
    for differs, folded in sorted(by_flag.items()):
        value = f" {{{_FLAGS[not proposal.transition]}}}      # as found" if differs else ""
        for part in names.split_list(folded):
            yield f"{_key(part)}:{value}"
    for label in odd:
        host = proposal.inventory.hosts[label]
        settings = [f"fqdn: {scalar(host.fqdn)}"]
        if host.computer != label:
            settings.append(f"computer: {scalar(host.computer)}")
        if _own_flag(proposal, host):
            settings.append(_FLAGS[not proposal.transition])
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
            f"Nothing is delegated on {_folded(proposal.idle)} yet: the first plan gives all "
            "values of the mesh, and the flag of `defaults`.",
            "  ",
        )
    if proposal.bound:
        yield from comment(
            f"{_folded(proposal.bound)}: the flag governs the whole list of an account, and values "
            "of others are in it (see `keep`), so that it stays as found. Once their owner agrees, "
            "delete it here and say `protocol_transition: accept` in their keep rule.",
            "  ",
        )
    if proposal.unregistered:
        yield from comment(
            f"The migration service has not registered its name on {_folded(proposal.unregistered)}"
            ": no Hyper-V host? Then delete it here. Else look for event 14050 there.",
            "  ",
        )
    if proposal.acting:
        yield from comment(
            "Resource-based delegation is set too (msDS-AllowedToActOnBehalfOfOtherIdentity) on "
            f"{_folded(proposal.acting)}: `delegation audit` names who may act there. This "
            "program leaves it alone.",
            "  ",
        )
    if proposal.left_out:
        yield from comment("Left out, and untouched whatever this file says:", "  ")
    reasons = names.grouped((left_out.reason, left_out.name) for left_out in proposal.left_out)
    for reason, accounts in reasons.items():
        yield from comment(f"- {_folded(accounts)}: {reason}", "  ")


def _meshes(proposal: InventoryProposal) -> list[str]:
    is_one_unit = len(set(proposal.units.values())) == 1
    advice = _ADVICE_OF_ONE_UNIT if is_one_unit else _ADVICE_OF_UNITS
    lines = [*comment(f"Everyone in a mesh migrates to everyone in it. {advice}")]
    lines.append("meshes:")
    for mesh in proposal.inventory.meshes:
        lines.append(f"  {scalar(mesh.name)}: {{members: {_listed(mesh.sources)}}}")
    return lines


_ADVICE_OF_ONE_UNIT = (
    "Split it where some hosts never migrate to others: each pair less is less to lose."
)
_ADVICE_OF_UNITS = (
    "One mesh for each organizational unit, so that a host can reach no more than it must; hosts "
    "that also migrate to another mesh's are named in both, or in a mesh of their own with "
    "`sources` and `targets`."
)


def _keep(proposal: InventoryProposal) -> list[str]:
    if not proposal.groups:
        return [*comment("Nothing else was found on these hosts."), "keep: []", *_unsaid(proposal)]
    lines = [
        *comment(
            "All else that was found on these hosts, value by value: it stays. Give each an owner, "
            "a reason and perhaps an `expires`. The delegation flag of a host governs these values "
            "too: it stays as found until their owner accepts a change "
            "(protocol_transition: accept)."
        ),
        "keep:",
    ]
    for group in proposal.groups:
        lines += comment(group.comment, "  ")
        lines += [f"  - {_rule(rule)}" for rule in group.rules]
    return lines + _unsaid(proposal)


def _rule(rule: Keep) -> str:
    value, reason = scalar(rule.value), scalar(rule.reason)
    return f"{{value: {value}, hosts: {_listed(rule.hosts)}, reason: {reason}}}"


def _unsaid(proposal: InventoryProposal) -> list[str]:
    if not proposal.unsaid:
        return []
    holders = names.grouped((value, label) for label, value in proposal.unsaid)
    title = "No rule can say these exactly. They stay as well, and the audit reports them:"
    lines = [*comment(title, "  ")]
    for value, labels in holders.items():
        lines += comment(f"- on {_folded(labels)}: {value}", "  ")
    return lines


def _policy(proposal: InventoryProposal) -> list[str]:
    lines = ["policy:", "  foreign: report             # values that nobody claims stay"]
    if proposal.unconstrained:
        lines += comment(
            f"{_folded(proposal.unconstrained)}: trusted for delegation to ANY service, so that "
            "whoever controls it can act as anyone who logs on to it. `check` and `audit` report "
            "it; write `clear` for an apply to take it away.",
            "  ",
        )
    return [*lines, "  unconstrained: report       # or clear"]
