"""Parameters of the cmdlets: only those that they have on Windows, in the types that arrive."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from psrpcore.types import ErrorCategory, PSObject

from tests.lab.wsman import CmdletError

COMMON = frozenset(
    {
        "confirm",
        "debug",
        "erroraction",
        "errorvariable",
        "informationaction",
        "passthru",
        "verbose",
        "warningaction",
        "whatif",
    }
)
"""PowerShell's own, and those that change nothing here."""


class Parameters:
    """The parameters of one call."""

    def __init__(self, given: Mapping[str, Any], *known: str) -> None:
        """Take the parameters by casefolded name; raise CmdletError for one that is not known."""
        for name in given:
            if name not in COMMON and name not in {one.casefold() for one in known}:
                raise CmdletError(
                    f"A parameter cannot be found that matches parameter name '{name}'.",
                    "NamedParameterNotFound",
                    ErrorCategory.InvalidArgument,
                    type_name="System.Management.Automation.ParameterBindingException",
                )
        self.given = given

    def __contains__(self, name: str) -> bool:
        return self.given.get(name.casefold()) is not None

    def text(self, name: str, default: str = "") -> str:
        """Give a parameter as text; an enumeration's value is its name."""
        value = self.given.get(name.casefold())
        return default if value is None else worded(value)

    def texts(self, name: str) -> list[str]:
        """Give a parameter of one or more texts."""
        value = self.given.get(name.casefold())
        if value is None:
            return []
        return [worded(one) for one in value] if isinstance(value, list) else [worded(value)]

    def number(self, name: str) -> int:
        """Give a parameter as a number; raise CmdletError if it is none."""
        value = self.given[name.casefold()]
        try:
            return int(value)
        except (TypeError, ValueError) as error:
            raise unbound(name, value) from error

    def flag(self, name: str) -> bool:
        """Tell whether a switch is given, or a boolean is true."""
        value = self.given.get(name.casefold())
        if isinstance(value, str):
            return value.casefold() in ("true", "$true", "1")
        return bool(value)


def worded(value: Any) -> str:
    """Give a value as text."""
    if isinstance(value, PSObject) and value.PSObject.to_string is not None:
        return str(value.PSObject.to_string)
    return str(value)


def unbound(name: str, value: Any) -> CmdletError:
    """A value that a parameter does not take."""
    return CmdletError(
        f"Cannot bind parameter '{name}'. Cannot convert value \"{value}\".",
        "CannotConvertArgumentNoMessage",
        ErrorCategory.InvalidArgument,
        type_name="System.Management.Automation.ParameterBindingException",
    )


def properties(one: Any) -> dict[str, Any]:
    """Give the properties of an object of the pipeline."""
    kept = [*one.PSObject.adapted_properties, *one.PSObject.extended_properties]
    return {each.name: each.get_value(one) for each in kept}
