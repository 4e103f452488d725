"""The hosts' settings and what is to change, as people read them."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from delegation import names
from delegation.cli import show, terminal
from delegation.cli.show import counted
from delegation.hosts import settings
from delegation.hosts.settings import SettingChange, shown
from delegation.report import Data


def hosts(data: Data) -> None:
    """Every host that could be read, a line each."""
    if data["hosts"]:
        terminal.table(
            [
                "host",
                "enabled",
                "authentication",
                "live",
                "storage",
                "performance",
                "networks",
                "cluster",
                "note",
            ],
            [_row(host) for host in data["hosts"]],
            right="   rr",
        )
    unreachable(data["unreachable"])


def _row(host: Mapping[str, Any]) -> list[str]:
    found = host["settings"]
    return [
        host["host"],
        *(
            shown(found[name])
            for name in (
                "enabled",
                "authentication",
                "migrations",
                "storage_migrations",
                "performance",
            )
        ),
        _networks(host),
        "node" if host["clustered"] else "",
        _note(host),
    ]


def _networks(host: Mapping[str, Any]) -> str:
    listed = [f"{one['subnet']} ({one['priority']})" for one in host["networks"]]
    if host["settings"]["any_network"]:
        return "any" + (f"; listed: {', '.join(listed)}" if listed else "")
    return ", ".join(listed) or "none"


def _note(host: Mapping[str, Any]) -> str:
    if not host["declared"]:
        return "nothing declared"
    note = f"not as declared: {', '.join(host['differ'])}" if host["differ"] else "as declared"
    if host["cluster"]:
        note += f"; the cluster's own: {', '.join(host['cluster'])}"
    return note


def unreachable(listed: Sequence[Mapping[str, str]]) -> None:
    """Why hosts could not be asked, on stderr, alike ones once."""
    alike: dict[tuple[str, str], list[str]] = defaultdict(list)
    for one in listed:
        alike[one["why"], one["fix"]].append(one["host"])
    for (why, fix), hosts in alike.items():
        terminal.say(f"{names.fold(hosts)}: {why}", fg="red")
        if fix:
            terminal.say(f"  {fix}")


def unreached(labels: Collection[str]) -> None:
    """At the end, once more: on whom nothing was done."""
    if labels:
        terminal.say(f"{counted(len(labels), 'host')} not reached: {names.fold(labels)}", fg="red")


def plan(data: Data, changes: Iterable[SettingChange], *, verbose: bool) -> None:
    """The readable plan, from the same data as its JSON."""
    summary = data["summary"]
    terminal.out(f"Host settings of {data['domain']}", bold=True)
    terminal.out()
    not_read = f" ({summary['unreachable']:,} could not be asked)" if summary["unreachable"] else ""
    terminal.out(
        f"  {summary['changed_hosts']:,} of {counted(summary['hosts'], 'host')}{not_read} to "
        f"change: {counted(summary['changes'], 'setting')}"
    )
    terminal.out(f"  {counted(summary['unchanged'], 'setting')} as declared already")
    change_table(changes, verbose=verbose)
    of_the_cluster(
        (
            one["host"],
            f"{one['setting']} is {shown(one['found'])}, declared {shown(one['declared'])}",
        )
        for one in data["cluster"]
    )
    show.blocked(data["blocked"], "host", "delegation hosts apply")
    terminal.out()
    terminal.out(f"digest  {data['digest']}")
    unreachable(data["unreachable"])


def change_table(changes: Iterable[SettingChange], *, verbose: bool) -> None:
    """What changes, in the order in which it is made on a host; hosts alike in one line.

    ``verbose``: a line for each change, host by host.
    """
    told = [
        (c.target.name, (c.before.name, shown(c.before.value), shown(c.after.value)))
        for c in (changes if verbose else sorted(changes, key=settings.turn))
    ]
    if not told:
        return
    alike: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for label, key in told:
        alike[key].append(label)
    rows = [[names.fold(labels), *key] for key, labels in alike.items()]
    if verbose:
        rows = [[label, *key] for label, key in told]
    terminal.out()
    terminal.table(["hosts", "setting", "now", "then"], rows)


def of_the_cluster(left: Iterable[tuple[str, str]]) -> None:
    """What is a cluster's business, by host and in words."""
    alike: dict[str, list[str]] = defaultdict(list)
    for label, words in left:
        alike[words].append(label)
    if not alike:
        return
    terminal.out()
    terminal.out("  the cluster's own, left alone:")
    for words, labels in alike.items():
        terminal.out(f"    {names.fold(labels)}: {words}")
