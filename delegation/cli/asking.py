"""What a user is asked before anything is written, and the plans that somebody has reviewed."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from delegation.changes.opening import Prospect
from delegation.changes.plan import S
from delegation.changes.review import PlanForm, Reviewed, SavedPlan
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
    """A saved plan, to compare with, and a digest. It is never executed. Raises UsageError."""
    if file is None:
        return Reviewed(form, expect=expect)
    try:
        return Reviewed(form, parse(json.loads(file.read_bytes())), expect)
    except OSError as exc:
        raise UsageError(f"{file} can't be read: {exc.strerror or exc}") from exc
    except (
        ValueError, LookupError, TypeError, AttributeError, RecursionError, OverflowError
    ) as exc:  # fmt: skip
        raise UsageError(
            f"{file} is not a saved plan", f"make one with: {form.command} -o FILE"
        ) from exc
