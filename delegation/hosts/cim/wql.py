"""A class and conditions -> a query in WQL, with every value in its quotes."""

from dataclasses import dataclass

from delegation.hosts.cim.cim_class import CimClass
from delegation.hosts.cim.cim_reference import Reference
from delegation.hosts.cim.cim_values import sendable


@dataclass(frozen=True, slots=True)
class Query:
    """A text for the namespace of ``kind``, whose instances it gives."""

    kind: CimClass
    text: str


def every(kind: CimClass, **equal: str | int) -> Query:
    """All instances of ``kind`` whose properties are as said.

    Whole instances: a query for columns comes back in another form, and fails as a whole on a host
    that lacks one of them. No LIKE: few rows are spared by it, and it has escapes of its own.
    """
    conditions = [_equal(kind, name, value) for name, value in equal.items()]
    where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
    return Query(kind, f"SELECT * FROM {kind.name}{where}")  # noqa: S608 - quoted


def host_itself(kind: CimClass) -> Query:
    """The instance that is called as the host is; WMI puts the name in for ``__SERVER``."""
    return Query(kind, f"SELECT * FROM {kind.name} WHERE Name = __SERVER")  # noqa: S608


def associators(of: Reference, association: str, kind: CimClass) -> Query:
    """The instances of ``kind`` that ``association`` ties to one instance."""
    keys = ",".join(f"{name}={quoted(value)}" for name, value in of.keys)
    ends = f"AssocClass = {association} ResultClass = {kind.name}"
    return Query(kind, f"ASSOCIATORS OF {{{of.class_name}.{keys}}} WHERE {ends}")


def quoted(text: str) -> str:
    """A string of WQL. Raises UsageError for what can't be sent.

    Backslash and quote are escaped by a backslash (WMI SDK, WQL: "Escape characters").
    """
    escaped = sendable(text).replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _equal(kind: CimClass, name: str, value: str | int) -> str:
    is_number = kind.properties[name].bounds is not None
    if is_number != isinstance(value, int):
        raise TypeError(f"{kind.name}.{name} is a {kind.properties[name]}, and not {value!r}")
    return f"{name} = {value if isinstance(value, int) else quoted(value)}"
