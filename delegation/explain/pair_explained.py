"""Request -> ExplanationView: whom two names mean, their accounts, and what their hosts say.

Everything is read through an interface that has no write, and nothing is recorded.
"""

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Protocol

from delegation import names
from delegation.errors import Refused, UsageError
from delegation.events import Teller
from delegation.explain import Pair, explain, stranger
from delegation.explain.asking import ask_hosts, hosts_not_asked
from delegation.explain.explanation_view import ExplanationView
from delegation.explain.host_pair import HostPair
from delegation.hosts.hypervisor import Open
from delegation.inventory import Inventory, Remoting
from delegation.mesh import snapshot, survey
from delegation.mesh.desired import Endpoint, expand
from delegation.mesh.seams import Inspector
from delegation.mesh.snapshot import Computer, Snapshot
from delegation.mesh.spn_mappings import SpnMappings


@dataclass(frozen=True, slots=True)
class PairRequest:
    """Which pair, and how far to look.

    ``source`` and ``target`` are labels, account names or FQDNs. ``hosts``: ask both hosts, also
    where the inventory says nothing of remoting; ``vm`` is a virtual machine for a dry run,
    ``with_checkpoints`` also where it has some, or differencing disks. ``logon_needed``: a logon to
    the hosts that fails is an error, and not just told.
    """

    source: str
    target: str
    operator: str | None = None
    hosts: bool = False
    vm: str | None = None
    logon_needed: bool = False
    with_checkpoints: bool = False

    @property
    def wants_hosts(self) -> bool:
        return self.hosts or self.vm is not None


class ExplainWorld(Protocol):
    """What an explanation looks at: the directory without a write, and hosts to ask."""

    @property
    def inventory(self) -> Inventory: ...

    @property
    def teller(self) -> Teller: ...

    def reading(self) -> AbstractContextManager[Inspector]: ...

    def hosts(self) -> Open: ...


def explain_pair(world: ExplainWorld, request: PairRequest) -> ExplanationView:
    """Why the pair works or not.

    Raises UsageError for names that can't be meant, or mean one computer; DirectoryError.
    """
    inventory = world.inventory
    ends = [_endpoint(inventory, name) for name in (request.source, request.target)]
    labels = _hosts_to_ask(inventory, ends, request)
    with world.reading() as inspector:
        ends, accounts = _read_accounts(inventory, inspector, ends)
        _refuse_misspelt(inventory, accounts, ends)
        _refuse_one_computer(accounts, ends)
        operator = survey.operator(inspector, request.operator) if request.operator else None
        token = _token_of_source(inspector, accounts, ends)
    pair = Pair.of(inventory, expand(inventory), *ends)
    # The directory is closed by now: hosts may take minutes, and no connection outlives its step.
    at_hosts = _at_hosts(world, labels, request) if labels else None
    name = operator.name if operator else None
    explanation = explain(accounts, pair, operator, token, at_hosts)
    again = _asked_again(pair, name, request)
    return ExplanationView(pair, accounts.directory, name, explanation, again)


def _asked_again(pair: Pair, operator: str | None, request: PairRequest) -> tuple[str, ...]:
    words = ["explain", pair.source.label, pair.target.label]
    words += ["--as", operator] if operator else []
    words += ["--hosts"] if request.hosts else []
    words += ["--vm", request.vm] if request.vm is not None else []
    words += ["--with-checkpoints"] if request.with_checkpoints else []
    return tuple(words)


def _at_hosts(world: ExplainWorld, labels: list[str], request: PairRequest) -> HostPair:
    """What both hosts say. Without a logon to them there is still all that the directory says."""
    source, target = labels
    try:
        open_host = world.hosts()
    except (UsageError, Refused) as exc:
        if request.logon_needed:
            raise
        return hosts_not_asked(source, target, exc, request.vm)
    progress = world.teller.progress("hosts read:")
    return ask_hosts(
        world.inventory,
        open_host,
        source,
        target,
        request.vm,
        progress,
        with_checkpoints=request.with_checkpoints,
    )


def _endpoint(inventory: Inventory, name: str) -> Endpoint:
    """Whom ``name`` means: by label, by account name or FQDN. Raises UsageError for neither."""
    declared = [
        *(Endpoint.of_host(host) for host in inventory.hosts.values()),
        *(Endpoint.of_file_server(server) for server in inventory.file_servers),
    ]
    # A label wins over an account name, and that over an FQDN; of two alike the first wins. What
    # is written later into the dict wins, so that all of this goes backwards.
    known = {end.fqdn.casefold(): end for end in reversed(declared)}
    for server in inventory.file_servers:
        known |= dict.fromkeys(map(str.casefold, server.aliases), Endpoint.of_file_server(server))
    known |= {end.computer.casefold(): end for end in reversed(declared)}
    known |= {end.label.casefold(): end for end in reversed(declared)}
    if end := known.get(name.casefold().removesuffix("$")):
        return end
    for former in inventory.retired:
        if name.casefold().removesuffix("$") in {former.name.casefold(), former.fqdn.casefold()}:
            return stranger(former.name, former.name, former.fqdn)
    account = name.removesuffix("$")
    if names.is_computer_name(account):
        return stranger(name, account, f"{account}.{inventory.domain}")
    if names.is_fqdn(name):
        # A guess until the account is read: NetBIOS names are cut at 15 characters.
        return stranger(name, name.partition(".")[0][:15], name)
    raise UsageError(
        f"{name!r} is neither a host of the inventory nor the name of a computer",
        "write a label, an account name (hv01) or an FQDN (hv01.corp.example)",
    )


def _hosts_to_ask(inventory: Inventory, ends: list[Endpoint], request: PairRequest) -> list[str]:
    """The two hosts to be asked; none where that is not wanted. Raises UsageError."""
    unknown = [end.label for end in ends if not (end.is_host and end.label in inventory.hosts)]
    if unknown and request.wants_hosts:
        raise UsageError(
            f"{' and '.join(unknown)} can't be asked: not a host of the inventory",
            "leave out --hosts and --vm, or name two hosts of the inventory",
        )
    declares_remoting = inventory.remoting != Remoting()
    if unknown or not (request.wants_hosts or declares_remoting):
        return []
    return [end.label for end in ends]


def _read_accounts(
    inventory: Inventory, inspector: Inspector, ends: list[Endpoint]
) -> tuple[list[Endpoint], Snapshot]:
    """The accounts in one search; in a second one where a stranger's names are not as guessed.

    directory.search_base bounds the inventory's own computers only.
    """
    mappings = inspector.spn_mappings()
    accounts = _accounts_of(inspector, mappings, ends)
    true_ends = [_as_found(inventory, end, accounts) for end in ends]
    if true_ends != ends:
        accounts = _accounts_of(inspector, mappings, true_ends)
    strangers = [end.computer for end in true_ends if not _is_listed(inventory, end)]
    listed = [end for end in true_ends if _is_listed(inventory, end)]
    hosts = [end.computer for end in listed if not end.is_user]
    users = [end.computer for end in listed if end.is_user]
    directory, bases = inspector.directory, inventory.directory.search_base
    of_hosts = snapshot.resolve(directory, hosts, accounts, bases, mappings, users=users)
    of_strangers = snapshot.resolve(directory, strangers, accounts)
    return true_ends, replace(
        of_hosts,
        computers={**of_hosts.computers, **of_strangers.computers},
        missing=(*of_hosts.missing, *of_strangers.missing),
        ambiguous={**of_hosts.ambiguous, **of_strangers.ambiguous},
        elsewhere={**of_hosts.elsewhere, **of_strangers.elsewhere},
    )


def _accounts_of(
    inspector: Inspector, mappings: SpnMappings, ends: Sequence[Endpoint]
) -> list[Computer]:
    """The ends' accounts, and whoever else holds their names or HOST/… of one.

    The tickets for such a name would be that account's: HOST/… stands for cifs/… of the same host.
    """
    spns = [value for end in ends for value in end.values]
    standing = survey.names_standing_for(mappings, spns)
    hosts = [f"HOST/{name}" for end in ends for name in (end.computer, end.fqdn)]
    asked = list(dict.fromkeys([*spns, *standing, *hosts]))
    computers = [end.computer for end in ends if not end.is_user]
    return inspector.find(computers, asked, [end.computer for end in ends if end.is_user])


def _is_listed(inventory: Inventory, end: Endpoint) -> bool:
    servers = {server.name for server in inventory.file_servers}
    return end.label in (inventory.hosts if end.is_host else servers)


def _as_found(inventory: Inventory, end: Endpoint, accounts: Iterable[Computer]) -> Endpoint:
    """A stranger by the name that its account has; one of the inventory as it is declared."""
    if _is_listed(inventory, end):
        return end
    computers = [account for account in accounts if account.account.endswith("$")]
    for account in computers:
        dns = account.dns_host_name or ""
        if dns.casefold() == end.label.casefold():
            return stranger(end.label, account.name, dns)
    for account in computers:
        if account.name.casefold() == end.computer.casefold() and not names.is_fqdn(end.label):
            return stranger(end.label, account.name, account.dns_host_name or end.fqdn)
    return end


def _refuse_misspelt(inventory: Inventory, accounts: Snapshot, ends: list[Endpoint]) -> None:
    """Raise UsageError for a name that nobody has, and that is nearly one of the inventory's.

    Any computer of the domain may be asked about. One that is not there would be explained as a
    host without an account, when somebody only mistyped another one.
    """
    known = {end.casefold(): end for end in _labels(inventory)}
    known |= {host.fqdn.casefold(): host.fqdn for host in inventory.hosts.values()}
    retired = {former.name.casefold() for former in inventory.retired}
    for end in ends:
        is_missing = end.computer in accounts.missing
        if _is_listed(inventory, end) or not is_missing or end.label.casefold() in retired:
            continue
        if guess := names.did_you_mean([end.label.removesuffix("$")], known.values()):
            raise UsageError(
                f"{end.label} is no host of the inventory, and no account of {inventory.domain}",
                guess,
            )


def _labels(inventory: Inventory) -> list[str]:
    return [*inventory.hosts, *(server.name for server in inventory.file_servers)]


def _refuse_one_computer(accounts: Snapshot, ends: list[Endpoint]) -> None:
    """Raise UsageError where both names are one account's: by objectGUID, whatever it is called."""
    source, target = (accounts.computer(end.computer) for end in ends)
    same_name = ends[0].computer.casefold() == ends[1].computer.casefold()
    same_object = source is not None and target is not None and source.guid == target.guid
    if same_name or same_object:
        raise UsageError(
            f"{ends[0].label} and {ends[1].label} are the same computer",
            "name two: a source and a target",
        )


def _token_of_source(
    inspector: Inspector, accounts: Snapshot, ends: list[Endpoint]
) -> frozenset[str] | None:
    """The source's SIDs, where somebody's own list asks for them (MS-SFU 3.2.5.2.3).

    Its groups cost a search of their own, and the source's own list knows names only.
    """
    source, target = (accounts.computer(end.computer) for end in ends)
    if source is None:
        return None
    judges = [target] if target else []
    for value in ends[1].values:
        judges += accounts.owners(value)
    has_list = any(account.acting for account in judges)
    return inspector.token(source) if has_list else None
