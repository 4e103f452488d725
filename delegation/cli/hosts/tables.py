"""The hosts' settings and what is to change, as people read them."""

from collections.abc import Collection, Iterable, Sequence

from delegation import names
from delegation.changes.opening import Prospect
from delegation.changes.run_events import objects_and_parts
from delegation.cli import rendering, show, terminal
from delegation.cli.options import Options
from delegation.hosts import settings
from delegation.hosts.settings import HostSetting, SettingChange, shown
from delegation.hosts.settings_view import (
    HostRow,
    HostsPlanView,
    HostsUndoView,
    HostsView,
    UnreachableHost,
)
from delegation.names import counted

_COLUMNS = (
    "host",
    "enabled",
    "authentication",
    "live",
    "storage",
    "performance",
    "networks",
    "cluster",
    "note",
)
_SHOWN = (
    settings.ENABLED,
    settings.AUTHENTICATION,
    settings.MIGRATIONS,
    settings.STORAGE_MIGRATIONS,
    settings.PERFORMANCE,
)


_NODE = {True: "node", False: "", None: "node?"}


@rendering.rendered.register
def hosts(view: HostsView, given: Options) -> None:  # noqa: ARG001
    """Every host that could be read, a line each."""
    if view.hosts:
        terminal.table(_COLUMNS, [_row(host) for host in view.hosts], right="   rr")
    unreachable(view.unreachable)


def _row(host: HostRow) -> list[str]:
    values = [shown(host.settings[name]) for name in _SHOWN]
    node = _NODE[host.reading.clustered]
    return [host.host, *values, _networks(host), node, _note(host)]


def _networks(host: HostRow) -> str:
    listed = [f"{network.subnet} ({network.priority})" for network in host.networks]
    if host.settings[settings.ANY_NETWORK]:
        return "any" + (f"; listed: {', '.join(listed)}" if listed else "")
    return ", ".join(listed) or "none"


def _note(host: HostRow) -> str:
    if not host.declared:
        return "nothing declared"
    note = f"not as declared: {', '.join(host.differ)}" if host.differ else "as declared"
    if host.cluster:
        note += f"; the cluster's own: {', '.join(host.cluster)}"
    return note


def unreachable(listed: Sequence[UnreachableHost]) -> None:
    """Why hosts could not be asked, on stderr, alike ones once."""
    alike = names.grouped(((host.error.what, host.error.fix), host.host) for host in listed)
    for (why, fix), labels in alike.items():
        terminal.say(f"{names.fold(labels)}: {why}", fg="red")
        if fix:
            terminal.say(f"  {fix}")


def unreached(labels: Collection[str]) -> None:
    """At the end, once more: on whom nothing was done."""
    if labels:
        terminal.say(f"{counted(len(labels), 'host')} not reached: {names.fold(labels)}", fg="red")


def nothing_to_do(labels: Collection[str], unreachable_hosts: Collection[str]) -> int:
    """Say why nothing is to do; the exit code."""
    if not labels:
        terminal.say("nothing to do: the inventory declares no live_migration for these hosts")
    elif not unreachable_hosts:
        terminal.say("nothing to do: the hosts are as the inventory says", fg="green")
    elif set(unreachable_hosts) >= set(labels):
        terminal.say("no host could be asked; what is to do is not known", fg="yellow")
    else:
        terminal.say("nothing to do on the hosts that could be asked", fg="yellow")
    return 1 if unreachable_hosts else 0


def question(planned: Prospect[HostSetting]) -> str:
    """What is asked before hosts are changed."""
    changes = planned.plan.changes
    labels = {change.target.name for change in changes}
    return f"Change {counted(len(changes), 'setting')} on {counted(len(labels), 'host')}?"


@rendering.rendered.register
def plan(view: HostsPlanView, given: Options) -> None:
    """A plan for the hosts: counts, what changes, what is a cluster's own, refusals."""
    not_asked = len(view.unreachable)
    not_read = f" ({not_asked:,} could not be asked)" if not_asked else ""
    terminal.out(f"Host settings of {view.plan.domain}", bold=True)
    terminal.out()
    terminal.out(
        f"  {view.changed_hosts:,} of {counted(view.asked, 'host')}{not_read} to "
        f"change: {counted(len(view.plan.changes), 'setting')}"
    )
    terminal.out(f"  {counted(view.unchanged, 'setting')} as declared already")
    change_table(view.plan.changes, verbose=given.verbose)
    _of_the_cluster((change, "declared") for change in view.cluster)
    show.blocked(view.plan.blocked, given, "hosts", "apply")
    terminal.out()
    terminal.out(f"digest  {view.plan.digest}")
    unreachable(view.unreachable)


@rendering.rendered.register
def undo(view: HostsUndoView, given: Options) -> None:
    """What a rollback is about to do on the hosts."""
    terminal.out(show.runs_to_undo(view.undoing), bold=True)
    change_table(view.plan.changes, verbose=given.verbose)
    if done := objects_and_parts(view.as_before):
        listed = ", ".join(f"{labels} ({parts})" for labels, parts in done)
        terminal.out()
        terminal.out(f"  as before already: {listed}")
    if view.conflicts:
        terminal.out()
        terminal.out("  conflicts:", fg="red")
    for conflict in view.conflicts:
        terminal.out(f"    {conflict.computer}: {conflict.message}")
    _of_the_cluster((change, "was") for change in view.cluster)
    unreachable(view.unreachable)


def change_table(changes: Iterable[SettingChange], *, verbose: bool) -> None:
    """What changes, in the order in which it is made on a host; hosts alike in one line.

    ``verbose``: a line for each change, host by host.
    """
    in_turn = list(changes if verbose else sorted(changes, key=settings.turn))
    if not in_turn:
        return
    if verbose:
        rows = [[change.target.name, *_cells(change)] for change in in_turn]
    else:
        alike = names.grouped((_cells(change), change.target.name) for change in in_turn)
        rows = [[names.fold(labels), *cells] for cells, labels in alike.items()]
    terminal.out()
    terminal.table(["hosts", "setting", "now", "then"], rows)


def _cells(change: SettingChange) -> tuple[str, str, str]:
    return change.before.name, shown(change.before.value), shown(change.after.value)


def _of_the_cluster(left: Iterable[tuple[SettingChange, str]]) -> None:
    """What is a cluster's business; with each change what its other value is called."""
    alike = names.grouped(
        (_left_words(change, other), change.target.name) for change, other in left
    )
    if not alike:
        return
    terminal.out()
    terminal.out("  the cluster's own, left alone:")
    for words, labels in alike.items():
        terminal.out(f"    {names.fold(labels)}: {words}")


def _left_words(change: SettingChange, other: str) -> str:
    now, not_made = shown(change.before.value), shown(change.after.value)
    return f"{change.after.name} is {now}, {other} {not_made}"
