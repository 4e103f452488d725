"""Plans and rollbacks of the mesh as people read them: totals first, hosts folded."""

from collections.abc import Iterable, Sequence

from delegation import names
from delegation.changes.plan import Blocked
from delegation.changes.undoing import Undoing
from delegation.cli import rendering, terminal
from delegation.cli.options import Options
from delegation.mesh.mesh_undo import MeshUndoView
from delegation.mesh.plan_document import PlanDocument
from delegation.mesh.plan_view import PlanView
from delegation.mesh.state import FLAGS, DelegationChange, added, flags, removed
from delegation.mesh.undo import StayingPart, refusals
from delegation.names import counted

LONG = 12
"""Lines of a list that are shown without -v."""

_FLAG_WORDS = {
    ("protocol_transition", True): "protocol transition on",
    ("protocol_transition", False): "protocol transition off",
    ("unconstrained", True): "UNCONSTRAINED ON",
    ("unconstrained", False): "unconstrained off",
}


@rendering.rendered.register
def plan(view: PlanView, given: Options) -> None:
    """A plan of the mesh: totals, what is alike in one line, what is left alone, refusals."""
    summary, changes, verbose = view.summary, view.plan.changes, given.verbose
    terminal.out(f"Plan for {view.plan.domain} on {view.dc}", bold=True)
    terminal.out()
    terminal.out(
        f"  {summary.changed:,} of {counted(summary.objects, 'host')} to change: "
        f"{counted(summary.add, 'value')} to add, {summary.remove:,} to remove, "
        f"{counted(summary.flags, 'flag')} to set"
    )
    terminal.out(f"  {counted(summary.unchanged_values, 'value')} there already")
    if changes:
        terminal.out()
        _changes(changes)
    _removals(view, verbose=verbose)
    kept = [((value.value, value.reason), value.computer) for value in view.kept]
    foreign = [((value.value, value.hint), value.computer) for value in view.foreign]
    _others("kept", kept, verbose=verbose)
    _others("foreign, left alone", foreign, verbose=verbose)
    if verbose:
        every_value(changes)
    blocked(view.plan.blocked, given, "apply")
    terminal.out()
    terminal.out(f"digest  {view.plan.digest}")


def saved(document: PlanDocument, given: Options) -> None:
    """A saved plan: where it comes from, as it says itself, and what it would change."""
    origin = document.origin
    facts = (
        ("made", f"{origin.made} by {origin.by}, {origin.program}"),
        ("inventory", f"{origin.inventory}, {origin.inventory_digest}"),
        ("limit", origin.limit or "none: all hosts"),
        ("overrides", f"{origin.overrides}, to be typed again" if origin.allow else "none"),
    )
    for name, text in facts:
        terminal.out(f"{name:<9}  {text}")
    terminal.out()
    plan(document.view, given)


def _changes(changes: Sequence[DelegationChange]) -> None:
    summed_up = []
    for change in changes:
        counts = len(added(change)), len(removed(change))
        summed_up.append(((*counts, flag_words(change)), change.target.name))
    rows = []
    for (plus, minus, words), hosts in names.grouped(summed_up).items():
        rows.append([names.fold(hosts), f"{plus:,}", f"{minus:,}", words])
    terminal.table(["hosts", "add", "remove", "flags"], rows, right=" rr")


def flag_words(change: DelegationChange) -> str:
    return ", ".join(_FLAG_WORDS[name, after] for name, (_, after) in flags(change).items())


def _removals(view: PlanView, *, verbose: bool) -> None:
    holders = names.grouped(
        ((value, view.reason(change, value)), change.target.name)
        for change in view.plan.changes
        for value in removed(change)
    )
    if not holders:
        return
    terminal.out()
    terminal.out("  to remove:")
    lines = [
        f"    - {value}  from {names.fold(hosts)} ({reason})"
        for (value, reason), hosts in sorted(holders.items())
    ]
    _listed(lines, verbose=verbose)


def _others(title: str, values: Iterable[tuple[tuple[str, str], str]], *, verbose: bool) -> None:
    """Values that stay, each with why and with the hosts that hold it."""
    holders = names.grouped(values)
    if not holders:
        return
    terminal.out()
    terminal.out(f"  {title}:")
    lines = [
        f"    {value}  on {names.fold(hosts)}" + (f" ({why})" if why else "")
        for (value, why), hosts in sorted(holders.items())
    ]
    _listed(lines, verbose=verbose)


def _listed(lines: Sequence[str], *, verbose: bool) -> None:
    shown = lines if verbose or len(lines) <= LONG else lines[: LONG - 1]
    for line in shown:
        terminal.out(line)
    if len(shown) < len(lines):
        terminal.out(f"    … and {len(lines) - len(shown):,} more; -v shows them")


def every_value(changes: Iterable[DelegationChange]) -> None:
    for change in changes:
        terminal.out()
        words = flag_words(change)
        terminal.out(f"  {change.target.name}  {change.target.dn}", bold=True)
        for value in removed(change):
            terminal.out(f"    - {value}", fg="red")
        for value in added(change):
            terminal.out(f"    + {value}", fg="green")
        if words:
            terminal.out(f"    ~ {words}", fg="yellow")


def blocked(refusals: Sequence[Blocked], given: Options, *command: str) -> None:
    """What stands in a plan's way; ``command`` is what would apply it."""
    if not refusals:
        return
    terminal.out()
    terminal.out("  blocked:", fg="red")
    for refusal in refusals:
        terminal.out(f"    {refusal.computer}: {refusal.message} [{refusal.why}]")
        if refusal.override:
            line = given.command(*command, *given.repeated, "--allow", refusal.override)
            terminal.out(f"      or accept it: {line}")


@rendering.rendered.register
def undo(view: MeshUndoView, given: Options) -> None:
    """What a rollback is about to do."""
    changes = view.plan.changes
    plus = sum(len(added(change)) for change in changes)
    minus = sum(len(removed(change)) for change in changes)
    bits = sum(bool(flags(change)) for change in changes)
    terminal.out(f"{runs_to_undo(view.undoing)} on {view.dc}", bold=True)
    terminal.out()
    terminal.out(
        f"  {counted(len(changes), 'host')} to change: {counted(plus, 'value')} to restore, "
        f"{minus:,} to take back, {counted(bits, 'flag')} to set"
    )
    if view.as_before:
        terminal.out(f"  {_as_before(view)} as before already")
    terminal.out()
    if changes:
        _changes(changes)
    if given.verbose:
        every_value(changes)
    _conflicts(view.conflicts, verbose=given.verbose)
    for warning in view.warnings:
        terminal.warn(warning)
    left = names.grouped(((error.what, error.fix), name) for name, error in view.left.items())
    for (why, fix), hosts in left.items():
        terminal.say(f"{names.fold(hosts)}: {why}", fg="red")
        terminal.say(f"  {given.said(fix)}")


def _as_before(view: MeshUndoView) -> str:
    """What is done already, and of which hosts: there may be nothing else to tell of them."""
    parts = [part for done in view.as_before.values() for part in done]
    values = sum(part not in FLAGS for part in parts)
    flags_too = len(parts) - values
    words = [counted(values, "value")] if values else []
    words += [counted(flags_too, "flag")] if flags_too else []
    return f"{' and '.join(words)} of {names.fold(view.as_before)}"


def _conflicts(conflicts: Sequence[StayingPart], *, verbose: bool) -> None:
    """What a later run has written again, alike hosts in one line."""
    if not conflicts:
        return
    terminal.out()
    terminal.out("  conflicts:", fg="red")
    folded = refusals(conflicts)
    hint = "; -v shows them" if len(conflicts) > len(folded) and not verbose else ""
    for refusal in folded:
        terminal.out(f"    {refusal.computer}: {refusal.message}{hint}")
    if verbose:
        for one in conflicts:
            terminal.out(f"      {one.host}  {one.part}  {one.why}")


def left(staying: Iterable[Blocked]) -> None:
    """At the end of a rollback: what of its objects stays, and why."""
    for refusal in staying:
        terminal.say(f"left on {refusal.computer}: {refusal.message}", fg="red")


def runs_to_undo(undoing: Undoing) -> str:
    """Which runs a rollback is of."""
    run = undoing.newest
    if undoing.back_to is not None:
        listed = ", ".join(str(number) for number in sorted(undoing.numbers))
        return f"Undo of all after run {undoing.back_to} (runs {listed})"
    ticket = f", ticket {run.ticket}" if run.ticket else ""
    return f"Undo of run {run.id} ({run.kind} by {run.who}, {run.started}{ticket})"
