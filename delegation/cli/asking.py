"""What a user is asked before anything is written, and the plans that somebody has reviewed."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from delegation.changes.opening import Prospect
from delegation.changes.plan import S
from delegation.changes.review import PlanForm, Reviewed, SavedPlan, refuse_repeated
from delegation.changes.verbs import Confirm
from delegation.cli import terminal
from delegation.errors import UsageError


def confirmation(question: Callable[[Prospect[S]], str], *, yes: bool) -> Confirm[S] | None:
    """Asks ``question`` about a plan; None where nobody is to be asked."""
    if yes:
        return None
    return lambda planned: terminal.confirm(question(planned), yes=False)


def reviewed(
    form: PlanForm[S],
    parse: Callable[[Mapping[str, Any]], SavedPlan[S]],
    file: Path | None,
    expect: str | None,
) -> Reviewed[S]:
    """A saved plan, to compare with, and a digest. It is never executed.

    Raises UsageError where it is none, Refused where it tells something twice.
    """
    if file is None:
        return Reviewed(form, expect=expect)
    try:
        data = json.loads(file.read_bytes(), object_pairs_hook=_told_once)
        return Reviewed(form, parse(data), expect)
    except OSError as exc:
        raise UsageError(f"{file} can't be read: {exc.strerror or exc}") from exc
    except (
        ValueError, LookupError, TypeError, AttributeError, RecursionError, OverflowError
    ) as exc:  # fmt: skip
        raise UsageError(
            f"{file} is not a saved plan", f"make one with: {form.command} -o FILE"
        ) from exc


def _told_once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """An object of JSON, whose keys each come once: a parser takes the last, a reader the first."""
    refuse_repeated(f"the key {key}" for key, _ in pairs)
    return dict(pairs)
