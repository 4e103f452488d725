"""MeshCase -> observations of whom the values lead to: the accounts behind their names."""

from collections.abc import Iterator

from delegation import names
from delegation.mesh import file_servers, name_owners
from delegation.mesh.checks.rule import MeshCase, Observation, Rule, Severity
from delegation.mesh.compare import HostComparison
from delegation.mesh.facts import OWNS_THE_DOMAIN, told_apart
from delegation.mesh.name_owners import NameOwners


def _ghosts(case: MeshCase) -> Iterator[Observation]:
    """Values that are anybody's: whoever registers such a name gets the tickets for it.

    So a forgotten one is a way in (SPN-jacking). ms-DS-MachineAccountQuota lets every user make ten
    computers unless an administrator has changed it, and a computer of that name may register it
    by itself: the validated write asks for no more than its own name (MS-ADTS 3.1.1.5.3.1.1.4).
    """
    ghosts = list(case.values(lambda target: target.is_ghost))
    if not ghosts:
        return
    snapshot = case.comparison.snapshot
    awaited = _awaited(case)
    where = "this export" if case.is_export else snapshot.directory.base_dn
    for host, value in ghosts:
        if value.casefold() not in awaited:
            yield Observation(
                host.label,
                value,
                f"nobody in {where} answers to it: whoever registers that name inherits the "
                "delegation",
            )


def _awaited(case: MeshCase) -> set[str]:
    """The values, casefolded, of hosts of the inventory that have no account: told already."""
    comparison = case.comparison
    awaited: set[str] = set()
    for endpoint in comparison.endpoints:
        if endpoint.is_host and comparison.snapshot.computer(endpoint.computer) is None:
            awaited.update(endpoint.keys)
    return awaited


def _duplicates(case: MeshCase) -> Iterator[Observation]:
    """Names that two accounts hold; of desired values before they are written, too.

    A KDC looks for one account by a name, and can't encrypt a ticket to two. Domain controllers
    check that a name is unique only since Windows Server 2012 R2, and each only against what it
    has heard of by replication (MS-ADTS 3.1.1.5.1.3).
    """
    duplicates = list(case.values(lambda target: len(target.owners) > 1, missing=True))
    # The names of the inventory's own computers are known to be whose they are.
    of_ours = _names_of_ours(case) if duplicates else ()
    advice = {found.value.casefold(): found.fix for found in of_ours if found.others}
    for host, value in duplicates:
        owners = case.registry.target(value).owners
        who = " and ".join(told_apart(owners))
        message = f"registered on {who}: its tickets fail, or go to the wrong one"
        fix = advice.get(value.casefold(), "")
        named = tuple(sorted(str(owner.guid) for owner in owners))
        yield Observation(host.label, value, message, fix, named=named)


def _names_of_ours(case: MeshCase) -> Iterator[NameOwners]:
    """Who answers to each name that the hosts in scope are to delegate to."""
    comparison = case.comparison
    for endpoint in comparison.endpoints:
        yield from name_owners.of_endpoint(comparison.snapshot, endpoint)


def _ownerless(case: MeshCase) -> Iterator[Observation]:
    """Names of computers that are there, without HOST/… or anything else that answers to them.

    Every computer registers HOST when it joins, and nothing takes it away by itself. To take it
    from one account is the first half of moving it to another (SPN-jacking), and whoever may write
    the names of any account can do the other half.
    """
    if not case.registry.is_known:
        return
    for found in _names_of_ours(case):
        # The migration service registers its own names when it starts: KCD014 tells of those.
        if found.is_unregistered:
            message = (
                f"nobody holds {found.value}, nor {found.registered}, which would stand for it"
            )
            fix = f"{found.registering}; event 4742 tells who removed it"
            yield Observation(found.endpoint.label, found.value, message, fix)


def _unanswered(case: MeshCase) -> Iterator[Observation]:
    """Names of file servers that a plan leaves out, for nobody answers to them."""
    comparison = case.comparison
    left_out = file_servers.left_out(comparison.desired, comparison.snapshot, comparison.labels)
    for server in left_out:
        for value, fix in zip(server.values, server.fixes, strict=True):
            message = "nobody answers to that name of the file server: left out of the mesh"
            yield Observation(server.label, value, message, fix)


def _look_alikes(case: MeshCase) -> Iterator[Observation]:
    """Names in other letters: Active Directory compares without accents, and more than that.

    A name that equals one of ours there is found in its place, or beside it, and the check that a
    name is unique takes it for a twin.
    """
    comparison = case.comparison
    endpoints = comparison.endpoints
    for endpoint, value, spn, account in name_owners.look_alikes(comparison.snapshot, endpoints):
        # As escapes: the point of such a name is that nobody sees the difference.
        escaped = spn.encode("ascii", "backslashreplace").decode()
        message = f"{account.account} holds {spn} ({escaped}), which may be taken for it"
        # The name in other letters as well: one account may hold several that look alike.
        yield Observation(endpoint.label, value, message, named=(f"{account.guid} {escaped}",))


def _unregistered(case: MeshCase) -> Iterator[Observation]:
    """Hosts that others migrate to, without a name by which a ticket to them could be asked for."""
    if not case.registry.is_known:
        return
    targets: set[str] = set()
    for mesh in case.comparison.inventory.meshes:
        targets.update(target for target in mesh.targets if mesh.sources != (target,))
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
        if host.computer.guid in {holder.guid for holder in holders}:
            continue
        others = " and ".join(sorted(holder.account for holder in holders))
        elsewhere = f", but on {others}" if others else ""
        yield Observation(
            host.label,
            value,
            f"not registered on the host's own account{elsewhere}: migrations to it fail "
            "(VMMS event 14050)",
            named=tuple(sorted(str(holder.guid) for holder in holders)),
        )


def _dangerous(case: MeshCase) -> Iterator[Observation]:
    """Values towards a domain controller or krbtgt, whatever service they name.

    The name of the service is not in the encrypted part of a ticket (RFC 4120 5.3): whoever holds
    one for time/dc1 can send it as ldap/dc1 or cifs/dc1, which the same account answers to.
    """
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
        "list it under remove, and drop its keep rule; event 4742 tells who added it",
        "Solino, Kerberos Delegation, SPNs and More (2017): the service in a ticket can be "
        "substituted",
        _dangerous,
    ),
    Rule(
        "KCD020",
        Severity.HIGH,
        "a computer's name that no account answers to: HOST is not registered",
        "register it on the computer's own account (setspn -S); event 4742 tells who removed it",
        "MS-ADA3, sPNMappings; MS-ADTS 3.1.1.5.3.1.1.4; Semperis, SPN-jacking (2022)",
        _ownerless,
    ),
    Rule(
        "KCD028",
        Severity.HIGH,
        "a file server's name that no account answers to: left out of the mesh",
        "register it on the server's account (setspn -S), or take it out of aliases",
        "Microsoft, KB 3181029: an alias of a file server needs a name on its account",
        _unanswered,
    ),
    Rule(
        "KCD021",
        Severity.HIGH,
        "a registered name that Active Directory may take for one of the inventory's",
        "ask the account's owner, and remove the name; event 4742 tells who added it",
        "Samba bug 14847: Active Directory compares names more loosely than case apart",
        _look_alikes,
    ),
)
