"""What ``delegation init`` says about the inventory that it made."""

from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from delegation import names
from delegation.cli import terminal
from delegation.cli.options import Options
from delegation.inventory import Inventory
from delegation.mesh.discovery import Proposal
from delegation.mesh.discovery.leftovers import Kind
from delegation.mesh.state import added


def tell(given: Options, target: Path | None, proposal: Proposal) -> None:
    found = proposal.inventory
    say = terminal.say
    say(
        f"{_count(len(found.hosts), 'host')} of {found.domain} on {proposal.directory.dc}",
        bold=True,
    )
    width = max(len(names.inert(mesh.name)) for mesh in found.meshes)
    for mesh in found.meshes:
        say(f"  mesh {names.inert(mesh.name):<{width}}  {names.fold(mesh.sources)}")
    for line in left_out(proposal):
        say(f"  left out: {line}")
    for line in _kept(proposal):
        say(f"  kept: {line}")
    if proposal.unconstrained:
        terminal.warn(
            f"trusted for delegation to any service: {names.fold(proposal.unconstrained)}"
        )
    for group in proposal.groups:
        if group.kind is Kind.CONTROLLER:
            who = f"{names.fold(group.hosts)} may act as any user towards"
            terminal.warn(f"{who} {names.fold(group.owners)}, a domain controller")
    say(f"  the first plan: {_first(proposal)}")
    if target is None:
        say(
            "nothing was written to the directory; save this as inventory.yaml, and then: "
            "delegation check"
        )
        return
    say(f"{target} written; nothing was written to the directory", fg="green")
    then = _later(given, target, found)
    say(f"next    {then.command('check')}")
    say(f"        {then.command('plan')}")


def left_out(proposal: Proposal) -> list[str]:
    reasons: dict[str, list[str]] = {}
    for one in proposal.left_out:
        reasons.setdefault(one.reason, []).append(one.name)
    return [f"{names.fold(accounts)}: {reason}" for reason, accounts in reasons.items()]


_KINDS = {
    Kind.CONTROLLER: "towards domain controllers",
    Kind.OTHER_MESH: "towards hosts of another mesh (if these are one: init --one-mesh)",
    Kind.ITSELF: "towards the host itself",
    Kind.SERVICE: "towards other services of hosts",
    Kind.SERVER: "towards what may be file servers",
    Kind.ACCOUNT: "towards other accounts",
    Kind.DISABLED: "towards disabled accounts",
    Kind.NOBODY: "towards names that nobody answers to",
    Kind.UNKNOWN: "of other services that nobody answers to",
}


def _kept(proposal: Proposal) -> list[str]:
    lines = []
    for kind, words in _KINDS.items():
        rules = [rule for group in proposal.groups if group.kind is kind for rule in group.rules]
        values = sum(len(rule.hosts) for rule in rules)
        if rules:
            hosts = names.fold({label for rule in rules for label in rule.hosts})
            lines.append(f"{_count(values, 'value')} {words}, on {hosts}")
    if proposal.unsaid:
        hosts = names.fold({label for label, _ in proposal.unsaid})
        count = _count(len(proposal.unsaid), "value")
        lines.append(f"{count} that no rule can say, on {hosts}")
    return lines


def _first(proposal: Proposal) -> str:
    changes = proposal.first.changes
    if not changes:
        return "nothing to do"
    values = sum(len(added(change)) for change in changes)
    hosts = names.fold(change.target.name for change in changes)
    return f"{_count(values, 'value')} to add on {hosts}"


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"


def _later(given: Options, target: Path, found: Inventory) -> Options:
    """The options for the commands to come: the inventory says the rest.

    But a server outside the domain has to be named each time, before it gets any logon.
    """
    url = found.directory.url or ""
    host = (urlsplit(url).hostname or "").rstrip(".")
    outside = bool(host) and host != found.domain and not host.endswith(f".{found.domain}")
    return replace(given, inventory=target, directory=url if outside else None)
