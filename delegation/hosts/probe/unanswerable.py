"""A host -> how it answers what has no answer, in which language, and what it lacks."""

from delegation.hosts.cim import wql
from delegation.hosts.cim.cim_class import declare
from delegation.hosts.cim.cim_classes import (
    COMPUTER_SYSTEM,
    MIGRATION_SERVICE,
    MIGRATION_SETTINGS,
    SYSTEM_SETTINGS,
)
from delegation.hosts.cim.cim_client import Cim
from delegation.hosts.cim.cim_reference import Reference
from delegation.hosts.probe.probe_facts import Fact, Facts, Probed, or_refusal, rows

OTHER_LANGUAGE, USUAL_LANGUAGE = "ja-JP", "en-US"


def ask_languages(probed: Probed) -> Facts:
    """Whether the language that is asked for decides in which one a host answers."""
    try:
        return {one: _in_language(probed.cim, one) for one in (USUAL_LANGUAGE, OTHER_LANGUAGE)}
    finally:
        probed.cim.wire.speak(USUAL_LANGUAGE)


def _in_language(cim: Cim, language: str) -> Fact:
    cim.wire.speak(language)
    own = cim.query(wql.host_itself(COMPUTER_SYSTEM))
    descriptions = tuple(one.text("Description") for one in own)
    return {"description": descriptions, "no_such_class": rows(cim, _NO_CLASS)}


# In no table of what is used: there is nothing of the kind.
_NO_CLASS = declare("Msvm_NoSuchClass", "string Name")
_NO_NAMESPACE = declare("Msvm_ComputerSystem", "string Name", namespace="root/nosuchnamespace")
_NO_PROPERTY = declare("Msvm_ComputerSystem", "string NoSuchProperty")


def ask_faults(probed: Probed) -> Facts:
    """What a host says where this program would be wrong: questions that have no answer."""
    cim = probed.cim
    return {
        "no_such_class": rows(cim, _NO_CLASS),
        "no_such_namespace": rows(cim, _NO_NAMESPACE),
        "no_such_property": or_refusal(
            lambda: len(cim.query(wql.every(_NO_PROPERTY, NoSuchProperty="x")))
        ),
        "no_such_object": or_refusal(lambda: len(cim.get(COMPUTER_SYSTEM, _NOBODY).names)),
    }


_NOBODY = Reference.to(
    COMPUTER_SYSTEM,
    CreationClassName=COMPUTER_SYSTEM.name,
    Name="00000000-0000-0000-0000-000000000000",
)


def ask_properties(probed: Probed) -> Facts:
    """What this program reads and this host does not have; NULL counts as told."""
    asked = (COMPUTER_SYSTEM, SYSTEM_SETTINGS, MIGRATION_SETTINGS, MIGRATION_SERVICE)
    facts: dict[str, Fact] = {}
    for kind in asked:
        found = probed.cim.query(wql.every(kind))
        told = {name.casefold() for one in found for name in one.names}
        # An empty array is no element at all.
        single = [name for name, type_ in kind.properties.items() if not type_.is_array]
        lacking = tuple(name for name in single if name.casefold() not in told)
        facts[kind.name] = {"rows": len(found), "not_told": lacking if found else ()}
    return facts
