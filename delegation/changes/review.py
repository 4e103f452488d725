"""What was reviewed against what would happen now: a saved plan, a digest, a confirmed plan.

A saved plan is never executed: a file that somebody could edit would be an order to a domain
controller. What is carried out is always planned from the inventory just now; the file is read as
typed changes, and compared with that.
"""

from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Generic, NamedTuple, Protocol

from delegation import names
from delegation.changes.plan import Change, Plan, S, refusal_lines
from delegation.changes.plan_origin import PlanOrigin
from delegation.errors import Command, DelegationError, Refused
from delegation.events import Teller, warning

Changes = Sequence[Change[S]]

_PLAN_AGAIN = "plan again, and have the new plan reviewed"
_FORMER = "is of version 0.1, which did not tell an object from another one of the same name"


class PlanForm(Protocol[S]):
    """How plans of one kind are compared, and which command makes them."""

    @property
    def command(self) -> Command: ...

    @property
    def have(self) -> str:
        """``the directory has``: what has changed where a confirmed plan is not right any more."""

    def differences(self, then: Changes[S], now: Changes[S]) -> list[str]:
        """How two lists of changes differ, a line each."""


class SavedPlan(NamedTuple, Generic[S]):
    """A plan as it was saved: its digest is what it says, and may be wrong."""

    domain: str
    digest: str
    changes: tuple[Change[S], ...]
    origin: PlanOrigin | None = None


class Reviewed(NamedTuple, Generic[S]):
    """What somebody looked at, as far as they have said: a saved plan, a digest, both or none."""

    form: PlanForm[S]
    saved: SavedPlan[S] | None = None
    expect: str | None = None

    def limited(self, typed: str | None) -> str | None:
        """Which hosts are meant: those of the saved plan, or as typed. Raises Refused where both.

        They may be typed again, in whatever order.
        """
        origin = self.saved.origin if self.saved is not None else None
        if origin is None or (origin.limit is None and typed is None):
            return typed
        if typed is not None and _named(typed) != _named(origin.limit or ""):
            of = f"for {origin.limit}" if origin.limit else "for all hosts"
            raise Refused(
                f"the saved plan is {of}, and --limit says {typed}; nothing was written",
                "leave --limit out, or plan again with it",
            )
        return origin.limit

    def untyped(self, allowed: Collection[str]) -> str:
        """What the saved plan overrides and nobody has typed again: ``--allow removals``."""
        if self.saved is None or self.saved.origin is None:
            return ""
        left = [name for name in self.saved.origin.allow if name not in allowed]
        return " ".join(f"--allow {name}" for name in left)

    def tell_untyped(self, teller: Teller, allowed: Collection[str]) -> None:
        if untyped := self.untyped(allowed):
            what = f"the saved plan was made with {untyped}, which counts only where typed again"
            teller.say(warning(what))

    def refuse_other(
        self, plan: Plan[S], unreached: Mapping[str, DelegationError] = MappingProxyType({})
    ) -> None:
        """Raise Refused where ``plan`` is not what was reviewed.

        ``unreached``: why objects could not be planned for, by name.
        """
        reasons = {name: error.what for name, error in unreached.items()}
        if self.saved is not None:
            self._refuse_changes(self.saved, plan, reasons)
        if self.expect is not None and self.expect != plan.digest:
            self._refuse_digest(plan, reasons)

    def _refuse_digest(self, plan: Plan[S], unreached: Mapping[str, str]) -> None:
        lines: list[str] = []
        fix = f"look at what changed: {self.form.command}"
        if unreached:
            lines += _unreached_lines(unreached)
            fix = (
                "where these are in it, try again when they can be reached, or plan without them: "
                f"{self.form.command} --limit HOSTS"
            )
        elif self.expect == plan.former_digest:
            lines.append(f"the expected digest {_FORMER}")
            fix = f"{_PLAN_AGAIN}: {self.form.command}"
        refuse_unexpected(self.expect, plan.digest, fix, done="written", details=lines)

    def _refuse_changes(
        self, saved: SavedPlan[S], plan: Plan[S], unreached: Mapping[str, str]
    ) -> None:
        reviewed = _objects(saved.changes)
        missing = {name: why for name, why in unreached.items() if name in reviewed}
        reachable = [change for change in saved.changes if change.target.name not in missing]
        differences = _unreached_lines(missing)
        differences += self.form.differences(reachable, plan.changes)
        if saved.domain.casefold() != plan.domain.casefold():
            differences.insert(0, f"the saved plan is for the domain {saved.domain}")
        if not differences and saved.digest == plan.digest:
            return
        what = "what was reviewed is no longer what would happen; nothing was written"
        fix = _PLAN_AGAIN
        if missing:
            what = (
                f"what was reviewed is for {names.fold(missing)} as well, which can't be reached; "
                "nothing was written"
            )
            fix = self._fix_for_missing(reviewed - missing.keys())
        if not differences and saved.digest == plan.former_digest:
            what, differences = f"the saved plan {_FORMER}; nothing was written", []
        elif not differences:
            # A file whose digest was replaced, while its changes are still those of today.
            differences = ["the saved plan's digest is not that of its changes"]
        raise Refused(what, fix, differences)

    def _fix_for_missing(self, others: set[str]) -> str:
        fix = "try again when that is over, or have a new plan reviewed"
        if not others:
            return fix
        return f"{fix}: {self.form.command} --limit {names.fold(others)}"


def refuse_unexpected(
    expected: str | None, digest: str, fix: str, *, done: str, details: Sequence[str] = ()
) -> None:
    """Raise Refused where a plan has not the digest that somebody reviewed; ``done`` says what not.

    A digest says all of a plan in a line that fits into a ticket or a pipeline.
    """
    if expected is not None and expected != digest:
        lines = [f"expected  {expected}", f"now       {digest}", *details]
        raise Refused(f"the plan is not the expected one; nothing was {done}", fix, lines)


def _named(expressions: str) -> set[str]:
    """The names that are meant; the text itself where it is no list of names, which is refused."""
    try:
        parts = [name for part in names.split_list(expressions) for name in names.expand(part)]
    except ValueError:
        parts = [expressions]
    return {name.casefold() for name in parts}


def _objects(changes: Changes[S]) -> set[str]:
    return {change.target.name for change in changes}


def _unreached_lines(unreached: Mapping[str, str]) -> list[str]:
    by_reason = names.grouped((why, name) for name, why in unreached.items())
    return [f"{names.fold(objects)}: not reached: {why}" for why, objects in by_reason.items()]


def refuse_changed(form: PlanForm[S], confirmed: Plan[S], again: Plan[S]) -> None:
    """Raise Refused where what was confirmed is no longer what would happen."""
    if again.digest == confirmed.digest and not again.blocked:
        return
    message = f"{form.have} changed since you confirmed; nothing was written"
    if again.blocked:
        raise Refused(message, "", refusal_lines(again.blocked))
    raise Refused(
        message,
        "run it again, and look at the new plan",
        form.differences(confirmed.changes, again.changes),
    )
