"""Elements and CIM-XML of hosts, read with the types that are declared."""

from xml.etree.ElementTree import Element, SubElement

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delegation.errors import CimFailed, UsageError
from delegation.hosts.cim import cim_messages
from delegation.hosts.cim.cim_class import declare, method
from delegation.hosts.cim.cim_instance import CimInstance
from delegation.hosts.cim.cim_reference import Reference
from delegation.hosts.cim.cim_values import Embedded
from delegation.hosts.cim.cim_xml import parsed

HOST = "hv01.corp.example"
KIND = declare(
    "Msvm_Test",
    "string Name, uint8 Small, uint16[] Several, boolean Yes, string[] Tags,"
    "ref:CIM_ConcreteJob Job",
    method("Do", "string Text, uint16 Number, boolean Flag, ref:X Which, string[] All"),
)
NIL = 'xmlns:x="http://www.w3.org/2001/XMLSchema-instance" x:nil="true"'


def read(inner: str) -> CimInstance:
    return CimInstance.read(KIND, parsed(f'<p:T xmlns:p="urn:t">{inner}</p:T>'), HOST)


def test_values_by_their_types() -> None:
    found = read(
        "<p:name>web &amp; co</p:name><p:Small>255</p:Small><p:Several>2</p:Several>"
        "<p:Several>32774</p:Several><p:Yes>TRUE</p:Yes><p:Tags>a</p:Tags><p:Tags>b</p:Tags>"
    )
    assert found.text("Name") == "web & co"
    assert found.integer("Small") == 255
    assert found.integers("Several") == (2, 32774)
    assert found.boolean("Yes")
    assert found.texts("Tags") == ("a", "b")


@pytest.mark.parametrize("inner", ["", f"<p:Small {NIL}/><p:Name {NIL}/><p:Several {NIL}/>"])
def test_null_and_missing_are_empty_and_never_zero(inner: str) -> None:
    found = read(inner)
    assert found.text("Name") == ""
    assert found.integers("Several") == ()
    assert found.integer_or_none("Small") is None
    assert found.reference("Job") is None
    with pytest.raises(CimFailed, match="tells nothing as Small, a uint8 of Msvm_Test"):
        found.integer("Small")
    with pytest.raises(CimFailed, match="nothing as Yes"):
        found.boolean("Yes")


@pytest.mark.parametrize("text", ["256", "-1", "1.5", "many", "0x10", ""])
def test_what_is_not_of_its_type_is_an_error(text: str) -> None:
    with pytest.raises(CimFailed, match=f"{HOST} tells "):
        read(f"<p:Small>{text}</p:Small>").integer("Small")


def test_a_nested_value_where_a_text_has_to_be_is_an_error() -> None:
    with pytest.raises(CimFailed, match="as Name, a string"):
        read("<p:Name><p:Name>x</p:Name></p:Name>").text("Name")


def test_reading_what_is_not_declared_is_a_mistake_of_ours() -> None:
    found = read("<p:Other>1</p:Other>")
    with pytest.raises(KeyError):
        found.text("Other")
    with pytest.raises(TypeError):
        found.integer("Name")
    with pytest.raises(TypeError):
        found.text("Tags")
    with pytest.raises(TypeError):
        found.boolean("Small")


@pytest.mark.parametrize("around", [False, True])
def test_a_reference_with_or_without_an_epr_around_it(*, around: bool) -> None:
    which = Reference("uri/Msvm_X", (("InstanceID", 'a"\\b'), ("Name", "x")))
    top = Element("T")
    held = SubElement(top, "{urn:t}Job")
    which.write(SubElement(held, "EndpointReference") if around else held)
    assert CimInstance.read(KIND, top, HOST).reference("Job") == which
    assert which.class_name == "Msvm_X"


@given(st.text(), st.lists(st.integers(0, 2**16 - 1)), st.sampled_from([True, False]))
def test_what_is_embedded_comes_back(name: str, several: list[int], yes: bool) -> None:  # noqa: FBT001
    made = Embedded(KIND, {"Name": name, "Several": several, "Yes": yes})
    try:
        text = str(made)
    except UsageError:
        assert any(ord(one) < 32 or one in "\ufffe\uffff" for one in name)
        return
    found = CimInstance.embedded(KIND, text, HOST)
    assert found.text("Name") == name.replace("\r\n", "\n").replace("\r", "\n")
    assert found.integers("Several") == tuple(several)
    assert found.boolean("Yes") is yes


@pytest.mark.parametrize(
    "values",
    [{"Small": 256}, {"Small": True}, {"Yes": 1}, {"Name": 1}, {"Tags": "ab"}, {"Several": 3}],
)
def test_what_is_not_of_its_type_is_never_sent(values: dict[str, object]) -> None:
    with pytest.raises(TypeError):
        str(Embedded(KIND, values))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "arguments",
    [
        {"Number": "1"},
        {"Number": 65536},
        {"Flag": "true"},
        {"Which": "root:X"},
        {"All": "one"},
        {"Number": Embedded(KIND, {})},
        {"Text": [1]},
    ],
)
def test_arguments_of_another_type_are_never_sent(arguments: dict[str, object]) -> None:
    with pytest.raises(TypeError):
        cim_messages.invoke(Reference.to(KIND), KIND, "Do", arguments)


def test_unknown_parameters_and_methods_are_never_sent() -> None:
    with pytest.raises(KeyError):
        cim_messages.invoke(Reference.to(KIND), KIND, "Do", {"Other": 1})
    with pytest.raises(KeyError):
        cim_messages.invoke(Reference.to(KIND), KIND, "Undo", {})
    with pytest.raises(KeyError):
        str(Embedded(KIND, {"Other": "x"}))


@pytest.mark.parametrize(
    "text",
    [
        '<!DOCTYPE x [<!ENTITY a "b">]><INSTANCE CLASSNAME="X"/>',
        '<!DOCTYPE INSTANCE SYSTEM "file:///etc/passwd"><INSTANCE/>',
        "<INSTANCE",
        "no XML",
        "<OTHER/>",
    ],
)
def test_a_string_that_is_no_instance_is_an_error(text: str) -> None:
    with pytest.raises(CimFailed, match="of Msvm_Test"):
        CimInstance.embedded(KIND, text, HOST)
