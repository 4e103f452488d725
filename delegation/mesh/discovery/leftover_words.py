"""What a value that no mesh explains seems to be, and what its keep rule says about it."""

from collections.abc import Mapping, Sequence
from enum import IntEnum

from delegation import names
from delegation.inventory.keys import INVENTORY


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
    LeftoverKind.FORMER: "a host under a former suffix?",
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
        "and list it under retired{how}: the next plan then removes what live migration used."
    ),
    LeftoverKind.NOBODY: (
        "Towards {names}: nobody in this domain answers to these. If that was a host and it is "
        "gone, delete these rules and list it under retired{how}: the next plan then removes them."
    ),
    LeftoverKind.UNKNOWN: (
        "Towards {names}: nobody in this domain answers to these, and they are not of live "
        "migration. Whoever registers such a name inherits the delegation: ask; then delete these "
        "rules, and list the values under remove."
    ),
    LeftoverKind.FORMER: (
        "Towards {names}, each called like a host above and under another suffix, {suffix}: nobody "
        "answers to it any more. If it is what the hosts were once called, delete these rules and "
        "{say}: the next plan then removes them."
    ),
}


def comment(kind: LeftoverKind, values: Sequence[tuple[str, str]], mesh: str, domain: str) -> str:
    """The comment on rules for ``values``, pairs of an owner and what is kept towards it.

    ``mesh`` is that of the targets; of a host's former names it is their suffix.
    """
    owners = dict.fromkeys(owner for owner, _ in values)
    return _COMMENTS[kind].format(
        names=", ".join(names.split_list(names.fold(owners))),
        mesh=mesh,
        suffix=mesh,
        say=_said(mesh, domain),
        how=_retired(values, domain),
    )


def _retired(values: Sequence[tuple[str, str]], domain: str) -> str:
    """How a host that is gone is listed where its full name was another than its name suggests."""
    for owner, value in values:
        host = value.rpartition("/")[2].casefold()
        is_named = names.is_fqdn(host) and names.is_computer_name(owner)
        if is_named and host != f"{owner}.{domain}".casefold():
            return f", as in {{name: {owner}, fqdn: {host}}}"
    return ""


def _said(suffix: str, domain: str) -> str:
    """What is written of a former suffix, as far as the inventory's reader takes it."""
    if "former_suffixes" in INVENTORY.keys and suffix != domain.casefold():
        return f"write `former_suffixes: [{suffix}]`"
    return "list the values under remove"
