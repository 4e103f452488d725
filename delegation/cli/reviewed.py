"""What was reviewed against what would happen now: a saved plan, a digest, a confirmed plan."""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

from delegation import names
from delegation.changes.plan import Plan
from delegation.cli import show
from delegation.errors import Refused, UsageError

T = TypeVar("T")

Fingerprints = Sequence[Mapping[str, Any]]
"""What changes say, a mapping each, in the form in which equal ones are equal."""


@dataclass(frozen=True, slots=True)
class Form:
    """How the changes of one kind of plan look in its JSON.

    ``fingerprint`` raises LookupError, TypeError, ValueError or AttributeError where a change is
    not of that form; ``differences`` names how two lists differ, a line each; ``command`` makes
    such plans; ``subject`` is the key of a change's object.
    """

    command: str
    subject: str
    fingerprint: Callable[[Mapping[str, Any]], Mapping[str, Any]]
    differences: Callable[[Fingerprints, Fingerprints], list[str]]

    def of(self, changes: Iterable[Mapping[str, Any]]) -> Fingerprints:
        return [self.fingerprint(change) for change in changes]

    def subjects(self, changes: Fingerprints) -> set[str]:
        return {change[self.subject] for change in changes}


@dataclass(frozen=True, slots=True)
class Reviewed:
    """What somebody looked at, as far as they have said: a saved plan, a digest, both or none."""

    form: Form
    domain: str = ""
    digest: str | None = None
    changes: Fingerprints | None = None
    expect: str | None = None

    def refuse_other(
        self,
        plan: Plan[Any],
        changes: Iterable[Mapping[str, Any]],
        unreached: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """Raise Refused where ``plan``, whose JSON has these changes, is not what was reviewed.

        ``unreached``: why objects could not be planned for, by name.
        """
        if self.changes is not None:
            self._refuse_changes(self.changes, plan, self.form.of(changes), unreached)
        if self.expect is not None and self.expect != plan.digest:
            lines = [f"expected  {self.expect}", f"now       {plan.digest}"]
            fix = f"look at what changed: {self.form.command}"
            if unreached:
                lines += _why(unreached)
                fix = (
                    f"where these are in it, try again when they can be reached, or plan without "
                    f"them: {self.form.command} --limit HOSTS"
                )
            raise Refused("the plan is not the expected one; nothing was written", fix, lines)

    def _refuse_changes(
        self,
        then: Fingerprints,
        plan: Plan[Any],
        now: Fingerprints,
        unreached: Mapping[str, str],
    ) -> None:
        meant = self.form.subjects(then)
        missing = {name: why for name, why in unreached.items() if name in meant}
        there = [change for change in then if change[self.form.subject] not in missing]
        differences = [*_why(missing), *self.form.differences(there, now)]
        if self.domain.casefold() != plan.domain.casefold():
            differences.insert(0, f"the saved plan is for the domain {self.domain}")
        if not differences and self.digest == plan.digest:
            return
        what = "what was reviewed is no longer what would happen; nothing was written"
        fix = "plan again, and have the new plan reviewed"
        if missing:
            what = (
                f"what was reviewed is for {names.fold(missing)} as well, which can't be reached; "
                "nothing was written"
            )
            fix = "try again when that is over, or have a new plan reviewed"
            if rest := meant - missing.keys():
                fix += f": {self.form.command} --limit {names.fold(rest)}"
        elif self.form.subjects(now) - meant:
            fix = f"if it was planned with --limit, give the same --limit; else {fix}"
        raise Refused(
            what, fix, differences or ["the saved plan's digest is not that of its changes"]
        )


def _why(unreached: Mapping[str, str]) -> list[str]:
    alike: dict[str, list[str]] = defaultdict(list)
    for name, why in unreached.items():
        alike[why].append(name)
    return [f"{names.fold(of)}: not reached: {why}" for why, of in alike.items()]


def reviewed(form: Form, file: Path | None, expect: str | None) -> Reviewed:
    """A saved plan, to compare with, and a digest. It is never executed. Raises UsageError."""
    if file is None:
        return Reviewed(form, expect=expect)
    try:
        data = json.loads(file.read_bytes())
        changes = form.of(_of(list, data["changes"]))
        return Reviewed(form, _of(str, data["domain"]), _of(str, data["digest"]), changes, expect)
    except OSError as exc:
        raise UsageError(f"{file} can't be read: {exc.strerror or exc}") from exc
    except (
        ValueError, LookupError, TypeError, AttributeError, RecursionError, OverflowError
    ) as exc:  # fmt: skip
        raise UsageError(
            f"{file} is not a saved plan", f"make one with: {form.command} -o FILE"
        ) from exc


def _of(kind: type[T], value: object) -> T:
    if not isinstance(value, kind):
        raise TypeError
    return value


def refuse_changed(
    form: Form,
    what: str,
    confirmed: tuple[Plan[Any], Iterable[Mapping[str, Any]]],
    again: tuple[Plan[Any], Iterable[Mapping[str, Any]]],
) -> None:
    """Raise Refused where what was confirmed is no longer what would happen.

    ``what`` has changed then. Plans come with their changes as in their JSON.
    """
    if again[0].digest == confirmed[0].digest and not again[0].blocked:
        return
    message = f"{what} changed since you confirmed; nothing was written"
    if again[0].blocked:
        raise Refused(message, "", show.refusals(again[0].blocked))
    raise Refused(
        message,
        "run it again, and look at the new plan",
        form.differences(form.of(confirmed[1]), form.of(again[1])),
    )
