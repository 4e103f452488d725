"""``delegation explain``: why one pair works or not, by an edge that has no write."""

import json
from collections.abc import Iterable
from dataclasses import replace

import click

from delegation import explain as chain
from delegation import names
from delegation.cli import explained, options, wiring
from delegation.errors import Refused, UsageError
from delegation.explain import Pair, stranger
from delegation.explain.host_links import HostPair
from delegation.inventory import Inventory, Remoting
from delegation.mesh import snapshot, survey
from delegation.mesh.desired import Endpoint, expand
from delegation.mesh.reader import Inspector
from delegation.mesh.snapshot import Computer, Snapshot


@click.command()
@options.common()
@options.reaching_hosts()
@click.argument("source")
@click.argument("target")
@click.option(
    "--as", "user", metavar="USER", help="Who runs the migration: whether USER can be delegated."
)
@click.option(
    "--hosts", is_flag=True, help="Look at both hosts too; done where remoting is in the inventory."
)
@click.option(
    "--vm", "machine", metavar="NAME", help="And try Compare-VM with this virtual machine."
)
@click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True
)
@click.pass_context
def explain(  # noqa: PLR0913, PLR0917 - one parameter an option
    ctx: click.Context,
    source: str,
    target: str,
    user: str | None,
    hosts: bool,  # noqa: FBT001 - click passes it by name
    machine: str | None,
    form: str,
) -> int:
    """Explain why one pair works or not, link by link.

    SOURCE and TARGET are hosts of the inventory, or any computer of the domain by account name or
    FQDN. The first broken link is named with its fix, and with the error that a migration usually
    ends with. With --hosts the hosts themselves are asked, as remoting.user: remote management,
    migration service, live-migration settings, networks, ports from the source to the target, and
    with --vm a dry run. Nothing is written anywhere.

    \b
    Examples:
      delegation explain hv01 hv02
      delegation explain hv01 hv02 --as vmadmin    the operator's account too
      delegation explain hv01 hv02 --vm web01      with a dry run of moving web01
      delegation explain hv01.corp.example sofs01 --format json

    Exit codes: 0 no broken link, 1 a link is broken, 2 no such name can be meant.
    """
    given = options.given(ctx)
    inventory = wiring.load(given)
    if user is not None and not user.strip():
        raise UsageError("--as is empty", "name a user, as in vmadmin or vmadmin@corp.example")
    ends = [_end(inventory, name) for name in (source, target)]
    asked = _host_labels(inventory, ends, hosts=hosts or machine is not None)
    wanted = wiring.settings(given, inventory)
    with wiring.reading(given, wanted, inventory.domain) as inspector:
        ends, found = _read(inventory, inspector, ends)
        _refuse_one_host(found, ends)
        operator = survey.operator(inspector, user) if user else None
        token = _token(inspector, found, ends)
    pair = Pair.of(inventory, expand(inventory), *ends)
    seen = _at_hosts(given, inventory, asked, machine) if asked else None
    explanation = chain.explain(found, pair, operator, token, seen)
    if form == "json":
        click.echo(json.dumps(explained.data(found, pair, operator, explanation), indent=1))
    else:
        again = ["--as", operator.name] if operator else []
        again += ["--hosts"] if hosts else []
        again += ["--vm", machine] if machine is not None else []
        explained.show(given, found, pair, operator, explanation, again)
    return 1 if explanation.broken else 0


def _at_hosts(
    given: options.Options, inventory: Inventory, labels: list[str], machine: str | None
) -> HostPair:
    """What both hosts say. Without a logon to them there is still all that the directory says."""
    from delegation.cli import pair as host_pair

    source, target = labels
    try:
        open_host = wiring.open_host(given, inventory)
    except (UsageError, Refused) as exc:
        if given.hosts_password_file is not None:
            raise
        return host_pair.not_asked(source, target, exc, machine)
    return host_pair.look(inventory, open_host, source, target, machine)


def _end(inventory: Inventory, name: str) -> Endpoint:
    """Whom ``name`` means: by label, by account name or FQDN. Raises UsageError for neither."""
    ends = [
        *(Endpoint.of_host(host) for host in inventory.hosts.values()),
        *(Endpoint.of_file_server(server) for server in inventory.file_servers),
    ]
    known = {end.fqdn.casefold(): end for end in reversed(ends)}
    known |= {end.computer.casefold(): end for end in reversed(ends)}
    known |= {end.label.casefold(): end for end in reversed(ends)}
    if end := known.get(name.casefold().removesuffix("$")):
        return end
    bare = name.removesuffix("$")
    if names.is_computer_name(bare):
        return stranger(name, bare, f"{bare}.{inventory.domain}")
    if names.is_fqdn(name):
        return stranger(name, name.partition(".")[0][:15], name)
    raise UsageError(
        f"{name!r} is neither a host of the inventory nor the name of a computer",
        "write a label, an account name (hv01) or an FQDN (hv01.corp.example)",
    )


def _host_labels(inventory: Inventory, ends: list[Endpoint], *, hosts: bool) -> list[str]:
    """The two hosts to be asked; none where that is not wanted. Raises UsageError."""
    labels = [end.label for end in ends if end.is_host and end.label in inventory.hosts]
    if len(labels) == len(ends):
        return labels if hosts or inventory.remoting != Remoting() else []
    if hosts:
        others = " and ".join(end.label for end in ends if end.label not in labels)
        raise UsageError(
            f"{others} can't be asked: not a host of the inventory",
            "leave out --hosts and --vm, or name two hosts of the inventory",
        )
    return []


def _read(
    inventory: Inventory, inspector: Inspector, ends: list[Endpoint]
) -> tuple[list[Endpoint], Snapshot]:
    """The accounts in one search; in a second one where a stranger's names are not as guessed."""
    accounts = _found(inspector, ends)
    true_ends = [_as_found(inventory, end, accounts) for end in ends]
    if true_ends != ends:
        accounts = _found(inspector, true_ends)
    strangers = [end.computer for end in true_ends if not _is_listed(inventory, end)]
    hosts = [end.computer for end in true_ends if _is_listed(inventory, end)]
    directory, bases = inspector.directory, inventory.directory.search_base
    found = snapshot.resolve(directory, hosts, accounts, bases)
    others = snapshot.resolve(directory, strangers, accounts)
    return true_ends, replace(
        found,
        computers={**found.computers, **others.computers},
        missing=(*found.missing, *others.missing),
        ambiguous={**found.ambiguous, **others.ambiguous},
        elsewhere={**found.elsewhere, **others.elsewhere},
    )


def _found(inspector: Inspector, ends: Iterable[Endpoint]) -> list[Computer]:
    spns = [value for end in ends for value in end.values]
    hosts = [f"HOST/{name}" for end in ends for name in (end.computer, end.fqdn)]
    return inspector.find([end.computer for end in ends], [*spns, *hosts])


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


def _refuse_one_host(found: Snapshot, ends: list[Endpoint]) -> None:
    source, target = (found.computer(end.computer) for end in ends)
    if ends[0].computer.casefold() == ends[1].computer.casefold() or (
        source is not None and target is not None and source.guid == target.guid
    ):
        raise UsageError(
            f"{ends[0].label} and {ends[1].label} are the same computer",
            "name two: a source and a target",
        )


def _token(inspector: Inspector, found: Snapshot, ends: list[Endpoint]) -> frozenset[str] | None:
    """The source's, where somebody's list asks for it."""
    source, target = (found.computer(end.computer) for end in ends)
    owners = {owner.guid: owner for value in ends[1].values for owner in found.owners(value)}
    asked = any(account.acting for account in (*owners.values(), target) if account)
    return inspector.token(source) if source is not None and asked else None
