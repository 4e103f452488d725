"""The classes that a lab host knows: properties, methods, parameters with their types, and keys.

``cases/cim/classes.json``: root/virtualization/v2, from Microsoft's documentation
(MicrosoftDocs/win32) and, where only a running host has them, microsoft/wmi.
``classes/windows.json``: the rest, each class with its namespace, keys and source.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from tests.lab.cim.cim_faults import INVALID_CLASS, INVALID_NAMESPACE, wmi

FILES = Path(__file__).with_name("classes")
HYPER_V = Path(__file__).parents[2] / "cases" / "cim" / "classes.json"
HYPERV = "root/virtualization/v2"
SYSTEM_KEYS = ("CreationClassName", "Name")
SERVICE_KEYS = ("SystemCreationClassName", "SystemName", "CreationClassName", "Name")
DEVICE_KEYS = ("SystemCreationClassName", "SystemName", "CreationClassName", "DeviceID")
KEYS_OF_BASES = {
    "CIM_System": SYSTEM_KEYS,
    "CIM_Service": SERVICE_KEYS,
    "CIM_LogicalDevice": DEVICE_KEYS,
}
"""Whose keys are more than an InstanceID (DSP0004's schema; the files do not say it)."""


@dataclass(frozen=True)
class Method:
    """A method: the types of its parameters by name."""

    name: str
    inputs: Mapping[str, str]
    outputs: Mapping[str, str]


@dataclass(frozen=True)
class CimClass:
    """A class; ``properties`` include the inherited ones."""

    name: str
    namespace: str
    bases: tuple[str, ...]
    properties: Mapping[str, str]
    methods: Mapping[str, Method]
    keys: tuple[str, ...]

    @property
    def is_service(self) -> bool:
        """Whether its methods are found by CreationClassName alone."""
        return "CIM_Service" in self.bases

    def isa(self, name: str) -> bool:
        """Tell whether it is a class or derives from it."""
        return name.casefold() in {self.name.casefold(), *map(str.casefold, self.bases)}

    def property_named(self, name: str) -> str | None:
        """Give the right spelling of a property; None if there is none."""
        return spelt(name, self.properties)

    def method_named(self, name: str) -> Method | None:
        """Give a method; None if there is none."""
        found = spelt(name, self.methods)
        return self.methods[found] if found else None


def spelt(name: str, names: Mapping[str, Any]) -> str | None:
    """Give a name as it is spelt among others, in any case."""
    return next((one for one in names if one.casefold() == name.casefold()), None)


class Classes:
    """All classes of all namespaces."""

    def __init__(self, known: list[CimClass]) -> None:
        self.known = known
        self.by_name = {(one.namespace.casefold(), one.name.casefold()): one for one in known}
        self.namespaces = {one.namespace.casefold() for one in known}

    def all_of(self, namespace: str, name: str) -> list[CimClass]:
        """Give a class with those that derive from it; a base that has none of its own here too.

        Raises:
            CimFault: there is no such namespace, or no such class in it.
        """
        if namespace.casefold() not in self.namespaces:
            raise wmi(INVALID_NAMESPACE)
        found = [
            one
            for one in self.known
            if one.namespace.casefold() == namespace.casefold() and one.isa(name)
        ]
        if not found:
            raise wmi(INVALID_CLASS)
        return found

    def find(self, namespace: str, name: str) -> CimClass:
        """Give one class.

        Raises:
            CimFault: there is no such namespace, or no such class in it.
        """
        found = self.by_name.get((namespace.casefold(), name.casefold()))
        return found or self.all_of(namespace, name)[0]

    def exact(self, namespace: str, name: str) -> CimClass | None:
        """Give a class by its name; None if there is none."""
        return self.by_name.get((namespace.casefold(), name.casefold()))


@cache
def classes() -> Classes:
    """Read the files."""
    read = json.loads((HYPER_V).read_text())
    others = json.loads((FILES / "windows.json").read_text())
    return Classes([*map(hyperv, read.items()), *map(windows, others.items())])


def hyperv(item: tuple[str, dict[str, Any]]) -> CimClass:
    """Make a class of Hyper-V's."""
    name, plain = item
    bases, properties = tuple(plain["bases"]), plain["properties"]
    methods = {one: method(one, what) for one, what in (plain.get("methods") or {}).items()}
    return CimClass(name, HYPERV, bases, properties, methods, tuple(keys(bases, properties)))


def method(name: str, plain: dict[str, Any]) -> Method:
    """Make a method."""
    return Method(name, plain["in"], plain["out"])


def keys(bases: tuple[str, ...], properties: Mapping[str, str]) -> Iterator[str]:
    """Say what identifies an instance."""
    for base, wanted in KEYS_OF_BASES.items():
        if base in bases:
            yield from wanted
            return
    references = [name for name, kind in properties.items() if kind.startswith("ref:")]
    identified = "InstanceID" in properties
    yield from ("InstanceID",) if identified else references


def windows(item: tuple[str, dict[str, Any]]) -> CimClass:
    """Make a class of another namespace."""
    name, plain = item
    bases = (plain["base"],) if plain["base"] else ()
    return CimClass(name, plain["namespace"], bases, plain["properties"], {}, tuple(plain["keys"]))
