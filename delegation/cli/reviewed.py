"""What was reviewed against what would happen now: a saved plan, a digest, a confirmed plan."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from delegation.cli import show
from delegation.errors import Refused, UsageError
from delegation.plan import Plan

T = TypeVar("T")

Fingerprints = Sequence[Mapping[str, Any]]
"""What changes say, a mapping each, in the form in which equal ones are equal."""


@dataclass(frozen=True, slots=True)
class Form:
    """How the changes of one kind of plan look in its JSON.

    ``fingerprint`` raises LookupError, TypeError, ValueError or AttributeError where a change is
    not of that form; ``differences`` names how two lists differ, a line each; ``command`` makes
    such plans.
    """

    command: str
    fingerprint: Callable[[Mapping[str, Any]], Mapping[str, Any]]
    differences: Callable[[Fingerprints, Fingerprints], list[str]]

    def of(self, changes: Iterable[Mapping[str, Any]]) -> Fingerprints:
        return [self.fingerprint(change) for change in changes]


@dataclass(frozen=True, slots=True)
class Reviewed:
    """What somebody looked at, as far as they have said: a saved plan, a digest, both or none."""

    form: Form
    domain: str = ""
    digest: str | None = None
    changes: Fingerprints | None = None
    expect: str | None = None

    def refuse_other(self, plan: Plan[Any], changes: Iterable[Mapping[str, Any]]) -> None:
        """Raise Refused where ``plan``, whose JSON has these changes, is not what was reviewed."""
        if self.changes is not None:
            differences = self.form.differences(self.changes, self.form.of(changes))
            if self.domain.casefold() != plan.domain.casefold():
                differences.insert(0, f"the saved plan is for the domain {self.domain}")
            if differences or self.digest != plan.digest:
                raise Refused(
                    "what was reviewed is no longer what would happen; nothing was written",
                    "plan again, and have the new plan reviewed",
                    differences or ["the saved plan's digest is not that of its changes"],
                )
        if self.expect is not None and self.expect != plan.digest:
            raise Refused(
                "the plan is not the expected one; nothing was written",
                f"look at what changed: {self.form.command}",
                [f"expected  {self.expect}", f"now       {plan.digest}"],
            )


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
