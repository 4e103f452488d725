"""A proposed inventory -> the text of its file: valid YAML, with a comment on each choice."""

from collections.abc import Iterable, Iterator, Sequence

from delegation import names
from delegation.inventory import DirectorySettings, Keep
from delegation.inventory.yaml_writing import comment, quoted, scalar
from delegation.mesh.discovery.draft_hosts import FLAGS, folded, hosts
from delegation.mesh.discovery.proposal import InventoryProposal, has_transition, migrates


def text(proposal: InventoryProposal) -> str:
    """The file. ``inventory.reader.parse`` gives the proposal's inventory of it."""
    sections = [
        _head(proposal),
        [f"domain: {scalar(proposal.inventory.domain)}"],
        list(directory(proposal.inventory.directory)),
        _defaults(proposal),
        [*hosts(proposal)],
        _meshes(proposal),
        _keep(proposal),
        [*comment("Hosts that are gone, as in [hv99]: every trace of them is removed from the "
                  "others."), "retired: []"],
        _policy(proposal),
    ]  # fmt: skip
    return "\n\n".join("\n".join(section) for section in sections) + "\n"


def _listed(labels: Iterable[str]) -> str:
    return f"[{', '.join(quoted(part) for part in names.split_list(names.fold(labels)))}]"


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
        f"  {FLAGS[proposal.transition]}",
    ]


def _meshes(proposal: InventoryProposal) -> list[str]:
    lines = [
        *comment(
            "Everyone in a mesh migrates to everyone in it: a mesh for what delegates to each "
            "other already, and sources and targets where it is one way. Split it where some "
            "hosts never migrate to others: each pair less is less to lose. A host may be named "
            "in several."
        )
    ]
    lines.append("meshes:")
    for mesh in proposal.inventory.meshes:
        said = f"members: {_listed(mesh.sources)}"
        if mesh.sources != mesh.targets:
            said = f"sources: {_listed(mesh.sources)}, targets: {_listed(mesh.targets)}"
        if mesh.services != names.MANAGED_SERVICES:
            lines += comment(_ONLY_MIGRATING, "  ")
            said += ", services: [migration]"
        lines.append(f"  {scalar(mesh.name)}: {{{said}}}")
    return lines


_ONLY_MIGRATING = (
    "These delegate the migration service to each other, and no cifs, as is done where virtual "
    "machines stay on SMB storage. Without `services` the next plan adds cifs."
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
        lines += comment(f"- on {folded(labels)}: {value}", "  ")
    return lines


def _policy(proposal: InventoryProposal) -> list[str]:
    lines = ["policy:", "  foreign: report             # values that nobody claims stay"]
    if proposal.unconstrained:
        lines += comment(
            f"{folded(proposal.unconstrained)}: trusted for delegation to ANY service, so that "
            "whoever controls it can act as anyone who logs on to it. `check` and `audit` report "
            "it; write `clear` for an apply to take it away.",
            "  ",
        )
    return [*lines, "  unconstrained: report       # or clear"]
