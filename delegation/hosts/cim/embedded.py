"""An instance -> the CIM-XML that a parameter of type string holds it as (DSP0201, DTD 2.0)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element, SubElement, tostring

from delegation.hosts.cim.cim_class import CimClass
from delegation.hosts.cim.cim_text import Scalar, checked, in_cim_xml


@dataclass(frozen=True, slots=True)
class Embedded:
    """Properties of a new or changed instance; what is not named is left as it is, or to the host.

    The same as WMI's GetText gives. Types are those of the declaration: where Windows gets another
    TYPE than the class has, the job fails without saying so.
    """

    kind: CimClass
    values: Mapping[str, Scalar | Sequence[Scalar]]

    def __str__(self) -> str:
        """Raises KeyError and TypeError for what is not declared so."""
        top = Element("INSTANCE", CLASSNAME=self.kind.name)
        for name, value in self.values.items():
            self._write(top, name, value)
        return tostring(top, encoding="unicode")

    def _write(self, top: Element, name: str, value: Scalar | Sequence[Scalar]) -> None:
        kind = self.kind.properties[name]
        what = f"{self.kind.name}.{name}"
        if not kind.is_array:
            single = SubElement(top, "PROPERTY", NAME=name, TYPE=kind.name)
            SubElement(single, "VALUE").text = in_cim_xml(checked(kind, value, what))
            return
        if isinstance(value, str) or not isinstance(value, Sequence):
            raise TypeError(f"{what} is an array, and not {value!r}")
        several = SubElement(top, "PROPERTY.ARRAY", NAME=name, TYPE=kind.name)
        values = SubElement(several, "VALUE.ARRAY")
        for one in value:
            SubElement(values, "VALUE").text = in_cim_xml(checked(kind, one, what))
