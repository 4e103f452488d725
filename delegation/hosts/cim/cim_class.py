"""Text -> the declaration of a class: the properties and methods that are used, with their types.

Nothing is read from a host, and nothing sent to one, that is not declared: a misspelled property
is an error of this program, and not a value that happens to be missing.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

WMI = "http://schemas.microsoft.com/wbem/wsman/1/wmi/"
"""What the resource URI of every class begins with (MS-WSMV 2.2.4.26)."""

V2 = "root/virtualization/v2"
CIMV2 = "root/cimv2"
STANDARD = "root/standardcimv2"
CLUSTER = "root/MSCluster"
DEVICE_GUARD = "root/Microsoft/Windows/DeviceGuard"
"""The namespaces that are asked."""

RETURN_VALUE = "ReturnValue"

_NUMBER = re.compile(r"(u|s)int(8|16|32|64)\Z")


@dataclass(frozen=True, slots=True)
class CimType:
    """``uint16``, ``string``, ``datetime``, ``ref:CIM_ConcreteJob``, or the name of a class."""

    name: str
    is_array: bool = False

    @classmethod
    def of(cls, text: str) -> "CimType":
        """``string[]`` is an array of strings."""
        return cls(text.removesuffix("[]"), text.endswith("[]"))

    def __str__(self) -> str:
        return self.name + "[]" * self.is_array

    @property
    def is_reference(self) -> bool:
        return self.name.startswith("ref:")

    @property
    def bounds(self) -> range | None:
        """The numbers that it can hold; None of what is no whole number (DSP0004 5.2.2)."""
        found = _NUMBER.match(self.name)
        if found is None:
            return None
        bits = int(found[2])
        return range(2**bits) if found[1] == "u" else range(-(2 ** (bits - 1)), 2 ** (bits - 1))


@dataclass(frozen=True, slots=True)
class CimMethod:
    """A method: the parameters of it that are used, in and out."""

    name: str
    inputs: Mapping[str, CimType]
    outputs: Mapping[str, CimType]


@dataclass(frozen=True, slots=True)
class CimClass:
    """A class in its namespace, and what of it is used."""

    name: str
    namespace: str
    properties: Mapping[str, CimType]
    methods: Mapping[str, CimMethod] = field(default_factory=dict)

    @property
    def uri(self) -> str:
        return f"{WMI}{self.namespace}/{self.name}"

    def output_of(self, method: str) -> "CimClass":
        """What a method gives back, as if it were an instance."""
        outputs = {**self.methods[method].outputs, RETURN_VALUE: CimType("uint32")}
        return CimClass(f"{self.name}.{method}", self.namespace, outputs)


def declare(name: str, properties: str, *methods: CimMethod, namespace: str = V2) -> CimClass:
    """``declare("Msvm_X", "string Name, uint16[] OperationalStatus")``: the class as it is used."""
    return CimClass(name, namespace, _typed(properties), {one.name: one for one in methods})


def method(name: str, inputs: str = "", outputs: str = "") -> CimMethod:
    """``method("GetX", "string Path", "string SettingData")``."""
    return CimMethod(name, _typed(inputs), _typed(outputs))


def _typed(text: str) -> dict[str, CimType]:
    found = {}
    for part in filter(None, text.split(",")):
        kind, name = part.split()
        found[name] = CimType.of(kind)
    return found
