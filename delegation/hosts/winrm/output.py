"""What a cmdlet gave back, read with types: a property that is missing or wrong is an error.

PowerShell sends an object as properties by name, in two kinds (MS-PSRP 2.2.5.2.3: adapted, and
extended). Names are compared without case, as PowerShell does.
"""

from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

from delegation.errors import CommandFailed


class Output:
    """One object that ``what`` gave on ``host``; ``raw`` is as the library holds it."""

    def __init__(self, raw: Any, host: str, what: str) -> None:  # noqa: ANN401 - the library has no type for it
        self._raw = raw
        self._host = host
        self._what = what
        self._properties = _properties(raw)

    @property
    def raw(self) -> Any:  # noqa: ANN401
        return self._raw

    @property
    def types(self) -> tuple[str, ...]:
        """Its type and those that it derives from; empty of a plain value."""
        return tuple(getattr(self._raw, "types", ()))

    def __contains__(self, name: str) -> bool:
        return name.casefold() in self._properties

    def __getitem__(self, name: str) -> Any:  # noqa: ANN401
        """The property as it came. Raises CommandFailed where there is none of that name."""
        try:
            return self._properties[name.casefold()]
        except KeyError:
            raise self._odd(f"without {name}") from None

    def get(self, name: str, default: Any = None) -> Any:  # noqa: ANN401
        return self._properties.get(name.casefold(), default)

    def __str__(self) -> str:
        return "" if self._raw is None else str(self._raw)

    def text(self, name: str) -> str:
        """A string; what is nothing is an empty one."""
        value = self[name]
        if value is None:
            return ""
        if not isinstance(value, str):
            raise self._odd(f"whose {name} is not a text")
        return value

    def integer(self, name: str) -> int:
        value = self[name]
        if isinstance(value, bool) or not isinstance(value, int):
            raise self._odd(f"whose {name} is not a whole number")
        return value

    def boolean(self, name: str) -> bool:
        value = self[name]
        if not isinstance(value, bool):
            raise self._odd(f"whose {name} is neither true nor false")
        return value

    def enum(self, name: str) -> str:
        """The name of an enumeration's value, such as ``Running``; a text counts as one."""
        value = self[name]
        if isinstance(value, str):
            return value
        spelled = getattr(value, "to_string", None)
        if not isinstance(spelled, str) or not spelled:
            raise self._odd(f"whose {name} is not of an enumeration")
        return spelled

    def uuid(self, name: str) -> UUID:
        value = self[name]
        if isinstance(value, UUID):
            return value
        try:
            return UUID(str(value))
        except ValueError:
            raise self._odd(f"whose {name} is not a GUID") from None

    def outputs(self, name: str) -> Iterator["Output"]:
        """The objects of a collection, each read like this one; one object counts as one."""
        value = self[name]
        items = value if isinstance(value, list) else _items(value)
        for item in items if items is not None else [value]:
            if item is not None:
                yield Output(item, self._host, f"{name} of {self._what}")

    def _odd(self, how: str) -> CommandFailed:
        return CommandFailed(
            f"{self._what} on {self._host} gave an object {how}",
            "look at the versions: this program needs Windows Server 2016 or newer on the host",
        )


def _properties(raw: object) -> Mapping[str, Any]:
    extended: Mapping[str, Any] = getattr(raw, "extended_properties", None) or {}
    adapted: Mapping[str, Any] = getattr(raw, "adapted_properties", None) or {}
    both = {**extended, **adapted}
    if isinstance(raw, dict):
        both = raw
    return {str(name).casefold(): value for name, value in both.items()}


def _items(value: object) -> list[Any] | None:
    """Those of a collection whose type the library does not know: its one property set."""
    sets: list[Any] = list(getattr(value, "property_sets", None) or [])
    return sets[0] if len(sets) == 1 and isinstance(sets[0], list) else None
