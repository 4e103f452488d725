"""Rules over whom the values lead to: the accounts behind service principal names."""

from collections.abc import Iterator

from delegation import names
from delegation.mesh.checks.rule import MeshCase, Observation, Rule, Severity
from delegation.mesh.compare import HostComparison
from delegation.mesh.facts import OWNS_THE_DOMAIN


def _ghosts(case: MeshCase) -> Iterator[Observation]:
    """Values that are anybody's: whoever registers such a name gets the tickets for it.

    So a forgotten one is a way in (SPN-jacking): a computer of that name registers it itself, and
    the machine-account quota lets most users make one. Where a host of the inventory has no
    account, that is told already, and once.
    """
    ghosts = list(case.values(lambda target: target.is_ghost))
    if not ghosts:
        return
    snapshot = case.comparison.snapshot
    awaited = {
        key
        for endpoint in case.comparison.desired.endpoints_of(case.comparison.labels)
        if endpoint.is_host and snapshot.computer(endpoint.computer) is None
        for key in endpoint.keys
    }
    where = "this export" if case.is_export else snapshot.directory.base_dn
    for host, value in ghosts:
        if value.casefold() not in awaited:
            yield Observation(
                host.label,
                value,
                f"nobody in {where} answers to it: whoever registers that name inherits the "
                "delegation",
            )


def _duplicates(case: MeshCase) -> Iterator[Observation]:
    """Of desired values before they are written, too."""
    for host, value in case.values(lambda target: len(target.owners) > 1, missing=True):
        owners = sorted(owner.account for owner in case.registry.target(value).owners)
        who = " and ".join(owners)
        yield Observation(
            host.label, value, f"registered on {who}: its tickets fail, or go to the wrong one"
        )


def _unregistered(case: MeshCase) -> Iterator[Observation]:
    if not case.registry.is_known:
        return
    targets = {
        target
        for mesh in case.comparison.inventory.meshes
        for target in mesh.targets
        if mesh.sources != (target,)
    }
    for host in case.comparison.hosts:
        if host.label in targets:
            yield from _lacking(case, host)


def _lacking(case: MeshCase, host: HostComparison) -> Iterator[Observation]:
    """Of the migration service only: HOST/… stands for cifs (sPNMappings), which nobody registers.

    VMMS registers its own names when it starts, and logs event 14050 where it may not.
    """
    declared = host.delegate.host
    for value in names.peer_values(declared.computer, declared.fqdn, [names.MIGRATION]):
        holders = case.comparison.snapshot.holders(value)
        if host.computer.guid not in {holder.guid for holder in holders}:
            others = " and ".join(sorted(holder.account for holder in holders))
            yield Observation(
                host.label,
                value,
                "not registered on the host's own account"
                + (f", but on {others}" if others else "")
                + ": migrations to it fail (VMMS event 14050)",
            )


def _dangerous(case: MeshCase) -> Iterator[Observation]:
    for host, value in case.values(lambda target: bool(target.danger)):
        danger = case.registry.target(value).danger
        message = f"{danger}: {OWNS_THE_DOMAIN}"
        yield Observation(host.label, value, message)


RULES = (
    Rule(
        "KCD012",
        Severity.MEDIUM,
        "ghost: a value that no account answers to",
        "remove it; or make the account that it is meant for, and see who may",
        "MS-ADTS 3.1.1.5.3.1.1.4: a computer registers its own names itself; Semperis, "
        "SPN-jacking (2022)",
        _ghosts,
    ),
    Rule(
        "KCD013",
        Severity.HIGH,
        "duplicate: a value that two accounts answer to",
        "setspn -X finds such names; leave each on one account (setspn -D)",
        "MS-ADTS 3.1.1.5.1.3: a service principal name is unique in the forest",
        _duplicates,
    ),
    Rule(
        "KCD014",
        Severity.HIGH,
        "migration service not registered although the host exists",
        "restart vmms on the host and look at its event log: it registers the name itself",
        "VMMS event 14050; MS-ADTS 3.1.1.5.3.1.1.4",
        _unregistered,
    ),
    Rule(
        "KCD015",
        Severity.CRITICAL,
        "delegation to a domain controller or to krbtgt",
        "remove the value by hand, and its keep rule; event 4742 tells who added it",
        "Solino, Kerberos Delegation, SPNs and More (2017): the service in a ticket can be "
        "substituted",
        _dangerous,
    ),
)
