"""What a user is asked before anything is written, and the plans that somebody has reviewed."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from delegation.changes.json_place import JsonPlace, NotSaid, decoded
from delegation.changes.opening import Prospect
from delegation.changes.plan import S
from delegation.changes.plan_origin import MAX_BYTES
from delegation.changes.review import PlanForm, Reviewed, SavedPlan
from delegation.changes.verbs import Confirm
from delegation.cli import terminal
from delegation.errors import Command, UsageError

T = TypeVar("T")


def confirmation(question: Callable[[Prospect[S]], str], *, yes: bool) -> Confirm[S] | None:
    """Asks ``question`` about a plan; None where nobody is to be asked."""
    if yes:
        return None
    return lambda planned: terminal.confirm(question(planned), yes=False)


def reviewed(
    form: PlanForm[S],
    read: Callable[[JsonPlace], SavedPlan[S]],
    file: Path | None,
    expect: str | None,
) -> Reviewed[S]:
    """A saved plan, to compare with, and a digest. It is never executed."""
    if file is None:
        return Reviewed(form, expect=expect)
    return Reviewed(form, saved(file, read, form.command), expect)


def saved(file: Path, read: Callable[[JsonPlace], T], made_with: Command) -> T:
    """What ``read`` makes of a file that somebody sent.

    Raises UsageError where it is no saved plan, Refused where it is not to be gone by.
    """
    try:
        with file.open("rb") as opened:
            data = opened.read(MAX_BYTES + 1)
        return read(decoded(data, MAX_BYTES))
    except OSError as exc:
        what = f"{file} can't be read: {exc.strerror or exc}"
        raise UsageError(what, f"name a plan that {made_with} -o FILE has saved") from exc
    except NotSaid as exc:
        what = f"{file} is not a saved plan: {exc}"
        raise UsageError(what, f"make one with: {made_with} -o FILE") from exc
