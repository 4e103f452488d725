"""Which instance of which class: as WS-Man writes it (an endpoint reference), and as WMI does."""

from dataclasses import dataclass
from xml.etree.ElementTree import Element, SubElement

from delegation.hosts.cim.cim_class import CimClass
from delegation.hosts.cim.cim_values import sendable
from delegation.hosts.cim.cim_xml import ADDRESSING, ANONYMOUS, WSMAN, tag


@dataclass(frozen=True, slots=True)
class Reference:
    """``uri`` is the class's; ``keys`` are names and values, which tell the instance."""

    uri: str
    keys: tuple[tuple[str, str], ...] = ()

    @classmethod
    def to(cls, kind: CimClass, **keys: str) -> "Reference":
        return cls(kind.uri, tuple(keys.items()))

    @classmethod
    def service(cls, kind: CimClass) -> "Reference":
        """The one instance of a service: a method of it needs a selector, and this one will do."""
        return cls.to(kind, CreationClassName=kind.name)

    @classmethod
    def read(cls, element: Element) -> "Reference | None":
        """What a property of type REF holds, or an EPR around it; None: neither."""
        inner = element.find(f".//{tag(ADDRESSING, 'ReferenceParameters')}")
        if inner is None:
            return None
        uri = inner.findtext(tag(WSMAN, "ResourceURI"), "").strip()
        selectors = inner.iterfind(f"{tag(WSMAN, 'SelectorSet')}/{tag(WSMAN, 'Selector')}")
        return cls(uri, tuple((one.get("Name", ""), one.text or "") for one in selectors))

    def write(self, parameter: Element) -> None:
        """Into the element of a parameter: address and parameters, and no EPR around them.

        DSP0230 9.2.5; with one around them Windows refuses the message (SchemaValidationError).
        """
        SubElement(parameter, tag(ADDRESSING, "Address")).text = ANONYMOUS
        inner = SubElement(parameter, tag(ADDRESSING, "ReferenceParameters"))
        SubElement(inner, tag(WSMAN, "ResourceURI")).text = self.uri
        selectors = SubElement(inner, tag(WSMAN, "SelectorSet"))
        for name, value in self.keys:
            SubElement(selectors, tag(WSMAN, "Selector"), Name=name).text = sendable(value)

    @property
    def class_name(self) -> str:
        return self.uri.rpartition("/")[2]

    def key(self, name: str) -> str:
        """The value of a key; empty where there is none of that name."""
        return dict(self.keys).get(name, "")
