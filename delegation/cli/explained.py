"""An explanation of a pair, as people and as programs read it."""

import shutil
import sys
import textwrap
from collections.abc import Sequence
from typing import Any

from delegation import names
from delegation.cli import options, terminal
from delegation.explain import Explanation, Pair, State
from delegation.explain.host_links import REMOTE_MANAGEMENT
from delegation.hosts import failures
from delegation.hosts.machines import Failure
from delegation.mesh.snapshot import Operator, Snapshot

_MARKS = {
    State.OK: ("ok", "green"),
    State.BROKEN: ("BROKEN", "red"),
    State.UNKNOWN: ("?", "yellow"),
}


def data(
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


def show(  # noqa: PLR0913, PLR0917 - what is shown, and the words that ask for it again
    given: options.Options,
    found: Snapshot,
    pair: Pair,
    operator: Operator | None,
    explained: Explanation,
    options_again: Sequence[str] = (),
) -> None:
    """``options_again`` are those that ask for the same once more."""
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
    _not_asked(explained)
    _verdict(
        given, pair, explained, ["explain", pair.source.label, pair.target.label, *options_again]
    )


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


def _not_asked(explained: Explanation) -> None:
    """What to do where the hosts themselves could not be asked."""
    for link in explained.links:
        if link.name == REMOTE_MANAGEMENT and link.state is State.UNKNOWN:
            terminal.out("the hosts were not asked", bold=True, fg="yellow")
            terminal.out(f"  fix: {link.fix}")


def _verdict(
    given: options.Options, pair: Pair, explained: Explanation, again: Sequence[str]
) -> None:
    """What to do now: the first broken link, its fix, what a user sees, the next command."""
    link = explained.broken
    if link is None:
        _nothing_broken(given, pair, explained, again)
        return
    terminal.out(f"broken: {link.name}", bold=True, fg="red")
    terminal.out(f"  fix: {link.fix}")
    if failures.is_known(link.hresult):
        meant = failures.meaning(Failure("", link.hresult)).what
        terminal.out(f"  a migration usually ends with {link.hresult} ({meant})")
    words, now = _to_mend(link.name, pair) or (again, False)
    terminal.out(f"  {'next' if now else 'then'}: {given.command(*words)}")


def _to_mend(link: str, pair: Pair) -> tuple[Sequence[str], bool] | None:
    """The command that shows what mends a link, where one of ours does."""
    if link in {"values", "protocol transition"} and pair.wanted:
        return ["plan", "--limit", pair.source.label], True
    if link in {"migration enabled", "authentication", "networks"}:
        return ["hosts", "plan", "--limit", f"{pair.source.label},{pair.target.label}"], True
    return None


def _nothing_broken(
    given: options.Options, pair: Pair, explained: Explanation, again: Sequence[str]
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
