"""When a saved plan was made, by whom, from what, how much of it, and overriding what."""

from datetime import datetime
from typing import Any, NamedTuple

from delegation.changes.json_place import JsonPlace, NotSaid
from delegation.errors import Refused

FORM = 2
"""The form of saved plans that this version writes and reads; 0.1 wrote no number."""
MAX_BYTES = 16 << 20
"""Of a saved plan; one for 10,000 hosts has a quarter of it."""


class PlanOrigin(NamedTuple):
    """Who made a plan, and what it is a plan of.

    ``made`` is ISO 8601 in UTC, ``by`` the user and the machine, ``inventory`` the path of the file
    there. ``limit`` is as it was typed, None for all hosts; ``allow`` are the refusals that were
    overridden, which whoever applies it types again. Nothing vouches for any of it: a plan's digest
    is of its changes alone.
    """

    made: str
    by: str
    program: str
    inventory: str
    inventory_digest: str
    limit: str | None = None
    allow: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return {
            "at": self.made,
            "by": self.by,
            "program": self.program,
            "inventory": self.inventory,
            "inventory_digest": self.inventory_digest,
            "limit": self.limit,
            "allow": list(self.allow),
        }

    @classmethod
    def from_json(cls, place: JsonPlace) -> "PlanOrigin":
        """The reverse. Raises NotSaid."""
        said = place.keys("at", "by", "program", "inventory", "inventory_digest", "limit", "allow")
        return cls(
            _moment(said["at"]),
            said["by"].text(),
            said["program"].text(),
            said["inventory"].text(),
            said["inventory_digest"].text(),
            said["limit"].text_or_none(),
            tuple(one.text() for one in said["allow"].items(100)),
        )

    @property
    def overrides(self) -> str:
        """As they are typed: ``--allow removals``; empty without any."""
        return " ".join(f"--allow {name}" for name in self.allow)


def _moment(place: JsonPlace) -> str:
    text = place.text()
    try:
        datetime.fromisoformat(text)
    except ValueError as exc:
        raise place.wrong("a time in ISO 8601") from exc
    return text


def refuse_other_form(document: JsonPlace, plan_again: str) -> None:
    """Raise Refused for a plan of another version; ``plan_again`` is the command that makes one.

    Raises NotSaid for what is no plan of any.
    """
    if document.has("saved_plan"):
        form = document.value["saved_plan"]
        if form == FORM and not isinstance(form, bool):
            return
        if not isinstance(form, int) or form < FORM:
            raise NotSaid("its form, saved_plan, is not known")
        raise Refused(
            f"the saved plan has form {form}, of a newer version than this one",
            f"plan again with this version: {plan_again}",
        )
    if document.has("digest") and document.has("changes"):
        raise Refused(
            "the saved plan has an older form, which does not say who made it and from what",
            f"plan again, and have the new plan reviewed: {plan_again}",
        )
    raise NotSaid("it has no key saved_plan")
