"""The one table of classes, held against what Microsoft documents and a running host has."""

import pytest

from delegation.hosts.cim import cim_classes
from delegation.hosts.cim.cim_class import V2, CimClass, CimType
from tests.hosts.cim.canned import CLASSES, OTHERS

DECLARED = [kind for kind in vars(cim_classes).values() if isinstance(kind, CimClass)]
HYPER_V = [kind for kind in DECLARED if kind.namespace == V2]
ELSEWHERE = [kind for kind in DECLARED if kind.namespace != V2]


def named(kind: CimClass) -> str:
    return kind.name


@pytest.mark.parametrize("kind", HYPER_V, ids=named)
def test_properties_and_parameters_are_those_of_the_provider(kind: CimClass) -> None:
    known = CLASSES[kind.name]
    properties = {name: str(type_) for name, type_ in kind.properties.items()}
    assert properties.items() <= known["properties"].items()
    for name, method in kind.methods.items():
        inputs = {one: str(type_) for one, type_ in method.inputs.items()}
        outputs = {one: str(type_) for one, type_ in method.outputs.items()}
        assert inputs.items() <= known["methods"][name]["in"].items()
        assert outputs.items() <= known["methods"][name]["out"].items()


@pytest.mark.parametrize("kind", ELSEWHERE, ids=named)
def test_other_classes_are_as_their_source_has_them(kind: CimClass) -> None:
    known = OTHERS[kind.name]
    assert known["source"]
    assert kind.namespace == known["namespace"]
    properties = {name: str(type_) for name, type_ in kind.properties.items()}
    assert properties.items() <= known["properties"].items()
    assert not kind.methods


def test_every_class_is_declared_once() -> None:
    assert len(DECLARED) == len({kind.name for kind in DECLARED}) > 20


def test_numbers_have_their_bounds() -> None:
    assert CimType.of("uint8").bounds == range(256)
    assert CimType.of("sint16[]").bounds == range(-(2**15), 2**15)
    assert CimType.of("uint64").bounds == range(2**64)
    assert CimType.of("string").bounds is None
    assert CimType.of("ref:CIM_ConcreteJob").is_reference
