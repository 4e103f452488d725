"""An explanation of a pair on a terminal."""

from delegation.cli import options, terminal
from delegation.explain import Link, LinkState
from delegation.explain.explanation_view import ExplanationView
from delegation.hosts import failures
from delegation.hosts.machines import Failure

_MARKS = {
    LinkState.OK: ("ok", None),
    LinkState.BROKEN: ("BROKEN", "red"),
    LinkState.UNKNOWN: ("?", "yellow"),
}


def show(view: ExplanationView, given: options.Options) -> None:
    """Every link, then what to do now."""
    terminal.out(view.headline, bold=True)
    if view.pair.desired is None:
        gone = view.pair.retired_in_words
        terminal.out(f"  {gone}" if gone else "  not a pair of the inventory")
    terminal.out()
    links = view.explanation.links
    width = max(len(link.name) for link in links)
    for link in links:
        mark, colour = _MARKS[link.state]
        head = f"  {mark:<6}  {link.name:<{width}}  "
        terminal.out(head + link.evidence, fg=colour, hang=len(head))
    if given.verbose:
        _kdc_steps(view)
    terminal.out()
    if unasked := view.hosts_unasked:
        terminal.out("the hosts were not asked", bold=True, fg="yellow")
        terminal.out(f"  fix: {given.said(unasked.fix)}")
    if broken := view.explanation.broken:
        _broken(view, broken, given)
    else:
        _nothing_broken(view, given)


def _kdc_steps(view: ExplanationView) -> None:
    """The KDC's decisions, step by step."""
    words = {True: "yes", False: "no", None: "?"}
    for spn, decision in view.explanation.decisions.items():
        terminal.out()
        terminal.out(f"  {spn}, with {view.explanation.evidence}")
        for step in decision.steps:
            error = " ".join(filter(None, (str(step.error or ""), step.status)))
            why = f"{step.why} [{step.section}]" + (f": {error}" if error else "")
            terminal.out(f"    {words[step.holds]:<3}  {step.check}: {why}")


def _broken(view: ExplanationView, link: Link, given: options.Options) -> None:
    """The first broken link, its fix, what a user sees, the next command."""
    terminal.out(f"broken: {link.name}", bold=True, fg="red")
    terminal.out(f"  fix: {given.said(link.fix)}")
    if failures.is_known(link.hresult):
        meaning = failures.meaning(Failure("", link.hresult)).what
        terminal.out(f"  a migration usually ends with {link.hresult} ({meaning})")
    if mending := view.mending(link):
        terminal.out(f"  next: {given.typed(mending)}")
    else:
        terminal.out(f"  then: {given.typed(view.again)}")


def _nothing_broken(view: ExplanationView, given: options.Options) -> None:
    unknown = view.explanation.unknown
    retired = view.pair.retired_in_words
    if retired:
        terminal.out(f"it still works, although {retired}", bold=True, fg="yellow")
    else:
        terminal.out("nothing is broken", bold=True, fg="green")
    if unknown:
        terminal.out(f"  not told: {', '.join(link.name for link in unknown)}")
    if retired:
        terminal.out(f"  next: {given.command('plan')}   to see what goes, and what stays")
        return
    if view.wants_operator:
        terminal.out(f"  next: {given.typed(view.with_operator)}")
    terminal.out(
        "  if a migration fails all the same: domain controllers and hosts remember for up to 15 "
        "minutes, and"
    )
    terminal.out(f"  `klist purge -li 0x3e7` on {view.pair.source.label} makes it ask anew;")
    terminal.out(
        "  0x80070005 at once means that the operator is no Hyper-V administrator on both, and in"
    )
    terminal.out("  the midst of copying a folder, a share or an antivirus")
