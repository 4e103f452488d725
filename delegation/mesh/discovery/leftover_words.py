"""What a value seems to be -> the words on its keep rule, and on the group of those alike."""

from collections.abc import Mapping, Sequence
from enum import IntEnum

from delegation import names
from delegation.mesh.inventory_lines import InventoryLines


class LeftoverKind(IntEnum):
    """What a value seems to be, in the order in which the groups are told."""

    CONTROLLER = 1
    OTHER_MESH = 2
    ITSELF = 3
    SERVICE = 4
    SERVER = 5
    ACCOUNT = 6
    DISABLED = 7
    NOBODY = 8
    UNKNOWN = 9
    FORMER = 10


REASONS: Mapping[LeftoverKind, str] = {
    LeftoverKind.CONTROLLER: "towards a domain controller",
    LeftoverKind.OTHER_MESH: "a host of another mesh",
    LeftoverKind.ITSELF: "the host itself",
    LeftoverKind.SERVICE: "another service of a host",
    LeftoverKind.SERVER: "a file server?",
    LeftoverKind.ACCOUNT: "an account of the domain",
    LeftoverKind.DISABLED: "a disabled account",
    LeftoverKind.NOBODY: "nobody answers to it",
    LeftoverKind.UNKNOWN: "nobody answers to it",
    LeftoverKind.FORMER: "another suffix of a host",
}

_COMMENTS: Mapping[LeftoverKind, str] = {
    LeftoverKind.CONTROLLER: (
        "DANGER: {names} is a domain controller, or krbtgt: whoever controls one of these hosts "
        "can act as any user towards it, and so owns the domain. Find out who wanted this; "
        "delete these rules, and list the values under remove."
    ),
    LeftoverKind.OTHER_MESH: (
        "Towards {names}, of mesh {mesh}. If these migrations are wanted, make one mesh of both "
        "(init --one-mesh does). If not, delete these rules: the next plan then removes the "
        "values of the migration service, with their cifs twins."
    ),
    LeftoverKind.ITSELF: (
        "Towards the host itself, which is of no use. Without these rules the next plan removes "
        "those of the migration service."
    ),
    LeftoverKind.SERVICE: (
        "Other services of {names} than those of live migration: ask who needs them."
    ),
    LeftoverKind.SERVER: (
        "Towards {names}, an account of this domain, and cifs alone: a file server? Then list "
        "it under file_servers, with the meshes that reach it, and delete these rules."
    ),
    LeftoverKind.ACCOUNT: (
        "Towards {names}, an account of this domain that is not in this inventory, or was left "
        "out above: ask its owner, and name the owner here."
    ),
    LeftoverKind.DISABLED: (
        "Towards {names}, whose account is disabled. If that host is gone, delete these rules "
        "and list it under {gone}: the next plan then removes what live migration used."
    ),
    LeftoverKind.NOBODY: (
        "Towards {names}: nobody in this domain answers to these. If that was a host and it is "
        "gone, delete these rules and list it under {gone}: the next plan then removes them."
    ),
    LeftoverKind.UNKNOWN: (
        "Towards {names}: nobody in this domain answers to these, and they are not of live "
        "migration. Whoever registers such a name inherits the delegation: ask; then delete these "
        "rules, and list the values under remove."
    ),
    LeftoverKind.FORMER: (
        "Towards {names} by another DNS suffix than theirs, which nobody answers to. Delete these "
        "rules and write former_suffixes: [{suffixes}]: the next plan then removes them."
    ),
}


def comment_on(
    lines: InventoryLines, kind: LeftoverKind, mesh: str, values: Sequence[tuple[str, str]]
) -> str:
    """What to say of a group of ``values``, which are pairs of a target and what is kept.

    ``mesh`` is that of the targets where they are hosts of another one.
    """
    owners = names.fold(dict.fromkeys(owner for owner, _ in values))
    shown = ", ".join(names.split_list(owners))
    written = _lines_to_write(lines, kind, values)
    return _COMMENTS[kind].format(names=shown, mesh=mesh, **written)


def _lines_to_write(
    lines: InventoryLines, kind: LeftoverKind, values: Sequence[tuple[str, str]]
) -> dict[str, str]:
    """What the comment on a group says to write, where it does; each is accepted by the reader."""
    full_names = dict.fromkeys((owner, _host(value)) for owner, value in values)
    if kind is LeftoverKind.FORMER:
        suffixes = {host.partition(".")[2].lower() for _, host in full_names}
        return {"suffixes": ", ".join(sorted(suffixes))}
    machines: dict[str, set[str]] = {}
    for owner, host in full_names:
        known = machines.setdefault(owner, set())
        if "." in host:
            known.add(host.lower())
    items: list[str] = []
    for owner, known in machines.items():
        item = lines.retired_item(owner, max(known, default=""))
        # A retired host has one full name: what names it by another one would stay.
        if not item or len(known) > 1:
            return {"gone": "remove, value by value"}
        items.append(item)
    is_usual = not any(item.startswith("{") for item in items)
    return {"gone": "retired" if is_usual else f"retired ({', '.join(items)})"}


def _host(value: str) -> str:
    spn = names.ServicePrincipalName.parse(value)
    return spn.host if spn else ""
