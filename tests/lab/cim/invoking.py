"""Methods: a body of parameters read by the types that the class declares (DSP0230 9, MS-WSMV).

What is not as declared is refused before anything is done: SchemaValidationError for a form,
WBEM_E_INVALID_METHOD_PARAMETERS for a parameter that there is not.
"""

from __future__ import annotations

from collections.abc import Mapping
from xml.etree.ElementTree import Element

from tests.lab.cim.cim_faults import (
    INVALID_METHOD,
    INVALID_METHOD_PARAMETERS,
    INVALID_OBJECT_PATH,
    bad_schema,
    no_such_instance,
    wmi,
)
from tests.lab.cim.cim_values import Instance, Whole, WrongValue, elements, read, typed
from tests.lab.cim.classes import CimClass, Method, classes, spelt
from tests.lab.cim.messages import Asked, resource
from tests.lab.cim.view import Outcome, View
from tests.lab.wsman.soap import NAMESPACES, full

NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"
COMMON = "{http://schemas.dmtf.org/wbem/wscim/1/common}"
STAMPS = {f"{COMMON}Datetime", f"{COMMON}Interval", f"{COMMON}CIM_DateTime"}


def addressed(view: View, kind: CimClass, selectors: Mapping[str, str]) -> Instance:
    """Give the instance that selectors name.

    Raises:
        CimFault: they are not all keys of the class, or there is no such instance.
    """
    names = {name.casefold() for name in selectors}
    keys = {name.casefold() for name in kind.keys}
    if unknown := names - keys:
        raise wmi(INVALID_OBJECT_PATH, f"{kind.name} has no key {sorted(unknown)}")
    if kind.is_service:
        # Production clients send CreationClassName alone; without it there is no object path.
        if "creationclassname" not in names:
            raise wmi(INVALID_METHOD_PARAMETERS, f"{kind.name} without CreationClassName")
    elif names != keys:
        raise wmi(INVALID_OBJECT_PATH, f"{kind.name} is identified by {sorted(kind.keys)}")
    found = view.meant(kind, selectors)
    if found is None:
        raise no_such_instance()
    return found


def called(asked: Asked, kind: CimClass) -> Method:
    """Give the method that the action names; raise CimFault if the class has none."""
    name = asked.request.action.rpartition("/")[2]
    method = kind.method_named(name)
    if method is None:
        raise wmi(INVALID_METHOD, f"{kind.name} has no method {name}")
    return method


def parameters(asked: Asked, method: Method, view: View) -> dict[str, Whole]:
    """Read the parameters of a call."""
    uri, body = asked.request.resource, asked.body
    if body.tag.casefold() != f"{{{uri}}}{method.name}_INPUT".casefold():
        if body.tag == "nothing" and not method.inputs:
            return {}
        raise bad_schema(f"the body is {body.tag}")
    given: dict[str, list[Whole]] = {}
    for one in body:
        namespace, _, name = one.tag[1:].rpartition("}")
        if namespace.casefold() != uri.casefold():
            raise bad_schema(f"{one.tag} is in another namespace")
        name = spelt(name, method.inputs) or ""
        if not name:
            raise wmi(INVALID_METHOD_PARAMETERS, f"{method.name} has no parameter {one.tag}")
        kind = method.inputs[name]
        held = parameter(name, kind.removesuffix("[]"), one, asked, view)
        if name in given and not kind.endswith("[]"):
            raise bad_schema(f"{name} is {kind}, and comes twice")
        given.setdefault(name, []).append(held)
    return {name: gathered(method.inputs[name], held) for name, held in given.items()}


def gathered(kind: str, held: list[Whole]) -> Whole:
    """Make an array of its elements; one that is nil alone is NULL."""
    if not kind.endswith("[]"):
        return held[0]
    return None if held == [None] else held


def parameter(name: str, kind: str, one: Element, asked: Asked, view: View) -> Whole:
    """Read one element of a parameter."""
    if (one.get(NIL) or "").casefold() in {"true", "1"}:
        return None
    if kind.startswith("ref:"):
        return referred(name, kind.removeprefix("ref:"), one, asked, view)
    text = one.text or ""
    if kind == "datetime" and len(one) == 1 and one[0].tag in STAMPS and not len(one[0]):
        text = one[0].text or ""
    elif len(one):
        raise bad_schema(f"{name} is {kind}, and holds {one[0].tag}")
    try:
        return read(kind, text)
    except WrongValue as error:
        raise bad_schema(f"{name}: {error}") from error


def referred(name: str, wanted: str, one: Element, asked: Asked, view: View) -> Instance:
    """Read a reference: an address and reference parameters directly in the element."""
    tags = [inner.tag for inner in one]
    if tags != [full("a:Address"), full("a:ReferenceParameters")]:
        raise bad_schema(f"{name} is a reference, and holds {tags or repr(one.text)}")
    where = one.find("a:ReferenceParameters", NAMESPACES)
    assert where is not None, "its tag was seen"
    uri = (where.findtext("w:ResourceURI", "", NAMESPACES) or "").strip()
    selectors = {
        each.get("Name", ""): each.text or ""
        for each in where.iterfind("w:SelectorSet/w:Selector", NAMESPACES)
    }
    namespace, name_of_class = resource(uri)
    kind = classes().find(namespace, name_of_class)
    if not kind.isa(wanted) or namespace.casefold() != asked.namespace.casefold():
        raise wmi(INVALID_METHOD_PARAMETERS, f"{name} is a {wanted}, and no {kind.name}")
    return addressed(view, kind, selectors)


def answered(asked: Asked, method: Method, outcome: Outcome) -> str:
    """Write what a method gives."""
    strange = outcome.outputs.keys() - method.outputs.keys()
    assert not strange, f"{method.name} has no output {strange}"
    content = "".join(
        output(name, method.outputs[name], held) for name, held in outcome.outputs.items()
    )
    name, uri = f"p:{method.name}_OUTPUT", asked.request.resource
    returned = f"<p:ReturnValue>{outcome.returned}</p:ReturnValue>"
    return f'<{name} xmlns:p="{uri}">{content}{returned}</{name}>'


def output(name: str, kind: str, held: Whole) -> str:
    """Write an output; one that is an instance, and no reference, is written whole."""
    if kind.removesuffix("[]").startswith(("Msvm_", "CIM_")):
        return "".join(typed(name, one, "m", "p") for one in held)
    return elements(name, held)
