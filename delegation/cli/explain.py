"""``delegation explain``: why one pair works or not, by an edge that has no write."""

import json
import shutil
import sys
import textwrap
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import click

from delegation import explain as chain
from delegation import mesh, names, snapshot
from delegation.cli import options, survey, terminal, wiring
from delegation.edges import Inspector
from delegation.errors import UsageError
from delegation.explain import HRESULTS, Explanation, Pair, State, stranger
from delegation.inventory import Inventory
from delegation.mesh import Endpoint
from delegation.snapshot import Computer, Operator, Snapshot

_MARKS = {
    State.OK: ("ok", "green"),
    State.BROKEN: ("BROKEN", "red"),
    State.UNKNOWN: ("?", "yellow"),
}


@click.command()
@options.common()
@click.argument("source")
@click.argument("target")
@click.option(
    "--as", "user", metavar="USER", help="Who runs the migration: whether USER can be delegated."
)
@click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True
)
@click.pass_context
def explain(ctx: click.Context, source: str, target: str, user: str | None, form: str) -> int:
    """Explain why one pair works or not, link by link.

    SOURCE and TARGET are hosts of the inventory, or any computer of the domain by account name or
    FQDN. The first broken link is named with its fix, and with the error that a migration usually
    ends with. Nothing is written anywhere.

    \b
    Examples:
      delegation explain hv01 hv02
      delegation explain hv01 hv02 --as vmadmin    the operator's account too
      delegation explain hv01.corp.example sofs01 --format json

    Exit codes: 0 no broken link, 1 a link is broken, 2 no such name can be meant.
    """
    given = options.given(ctx)
    inventory = wiring.load(given)
    if user is not None and not user.strip():
        raise UsageError("--as is empty", "name a user, as in vmadmin or vmadmin@corp.example")
    ends = [_end(inventory, name) for name in (source, target)]
    wanted = wiring.settings(given, inventory)
    with wiring.reading(given, wanted, inventory.domain) as inspector:
        ends, found = _read(inventory, inspector, ends)
        _refuse_one_host(found, ends)
        operator = survey.operator(inspector, user) if user else None
        token = _token(inspector, found, ends)
    pair = Pair.of(inventory, mesh.desired(inventory), *ends)
    explained = chain.explain(found, pair, operator, token)
    if form == "json":
        click.echo(json.dumps(_data(found, pair, operator, explained), indent=1))
    else:
        _show(given, found, pair, operator, explained)
    return 1 if explained.broken else 0


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


def _data(
    found: Snapshot, pair: Pair, operator: Operator | None, explained: Explanation
) -> dict[str, Any]:
    return {
        "source": pair.source.label,
        "target": pair.target.label,
        "operator": operator.name if operator else None,
        "domain": found.directory.domain,
        "dc": found.directory.dc,
        "ok": explained.broken is None,
        "links": [
            {
                "name": link.name,
                "state": str(link.state),
                "evidence": link.evidence,
                "fix": link.fix,
                "hresult": link.hresult,
            }
            for link in explained.links
        ],
        "evidence": str(explained.evidence),
        "granted_by": {
            spn: str(route) if route else None for spn, route in explained.granted_by.items()
        },
    }


def _show(
    given: options.Options,
    found: Snapshot,
    pair: Pair,
    operator: Operator | None,
    explained: Explanation,
) -> None:
    who = f" as {operator.name}" if operator else ""
    head = f"{pair.source.label} to {pair.target.label}{who}, on {found.directory.dc}"
    terminal.out(head, bold=True)
    if pair.wanted is None:
        terminal.out("  not a pair of the inventory")
    terminal.out()
    width = max(len(link.name) for link in explained.links)
    for link in explained.links:
        mark, colour = _MARKS[link.state]
        fg = None if link.state is State.OK else colour
        for line in _hanging(f"  {mark:<6}  {link.name:<{width}}  ", link.evidence):
            terminal.out(line, fg=fg)
    if given.verbose:
        _steps(explained)
    terminal.out()
    _verdict(given, pair, operator, explained)


def _hanging(head: str, text: str) -> list[str]:
    """``text`` after ``head``, within the terminal's width; as one line where nobody reads it."""
    if not sys.stdout.isatty():
        return [head + text]
    room = max(shutil.get_terminal_size().columns - len(head), MIN_WIDTH)
    lines = textwrap.wrap(names.inert(text), room, break_long_words=False, break_on_hyphens=False)
    return [(head if index == 0 else " " * len(head)) + line for index, line in enumerate(lines)]


MIN_WIDTH = 40
"""Of the evidence, in columns; a terminal that has not so many breaks the lines itself."""


def _steps(explained: Explanation) -> None:
    """The KDC's decisions, step by step."""
    words = {True: "yes", False: "no", None: "?"}
    for spn, decision in explained.decisions.items():
        terminal.out()
        terminal.out(f"  {spn}, with {explained.evidence}")
        for step in decision.steps:
            error = " ".join(filter(None, (str(step.error or ""), step.status)))
            said = f"{step.why} [{step.section}]" + (f": {error}" if error else "")
            terminal.out(f"    {words[step.holds]:<3}  {step.check}: {said}")


def _verdict(
    given: options.Options, pair: Pair, operator: Operator | None, explained: Explanation
) -> None:
    """What to do now: the first broken link, its fix, what a user sees, the next command."""
    again = ["explain", pair.source.label, pair.target.label]
    again += ["--as", operator.name] if operator else []
    link = explained.broken
    if link is None:
        _nothing_broken(given, pair, explained, again)
        return
    terminal.out(f"broken: {link.name}", bold=True, fg="red")
    terminal.out(f"  fix: {link.fix}")
    if link.hresult:
        terminal.out(f"  a migration usually ends with {link.hresult} ({HRESULTS[link.hresult]})")
    to_apply = link.name in {"values", "protocol transition"} and pair.wanted
    words = ["plan", "--limit", pair.source.label] if to_apply else again
    terminal.out(f"  {'next' if to_apply else 'then'}: {given.command(*words)}")


def _nothing_broken(
    given: options.Options, pair: Pair, explained: Explanation, again: list[str]
) -> None:
    open_links = [link for link in explained.links if link.state is State.UNKNOWN]
    terminal.out("nothing is broken", bold=True, fg="green")
    if open_links:
        terminal.out(f"  not told: {', '.join(link.name for link in open_links)}")
    if any(link.name == "operator" and link.evidence == "not looked at" for link in open_links):
        terminal.out(f"  next: {given.command(*again, '--as', 'USER')}")
    terminal.out(
        "  if a migration fails all the same: domain controllers and hosts remember for up to 15 "
        "minutes, and"
    )
    terminal.out(f"  `klist purge -li 0x3e7` on {pair.source.label} makes it ask anew;")
    terminal.out("  0x80070005 usually means that the operator is no Hyper-V administrator on both")
