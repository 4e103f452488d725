"""What a provider shows: instances by class, and which of them belong together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from tests.lab.cim.cim_faults import no_such_instance
from tests.lab.cim.cim_values import Instance, Whole, alike
from tests.lab.cim.classes import CimClass
from tests.lab.cim.wql import Relation


class View:
    """A host's instances as they are at one moment; associations are instances too.

    ``blind``: the caller is shown none of them, without an error; methods say what he lacks.
    """

    def __init__(self, instances: Iterable[Instance], *, blind: bool = False) -> None:
        self.blind = blind
        self.by_class: dict[str, list[Instance]] = {}
        for one in instances:
            self.by_class.setdefault(one.kind.name, []).append(one)

    def of(self, kinds: Sequence[CimClass]) -> list[Instance]:
        """Give the instances of some classes."""
        if self.blind:
            return []
        return [one for kind in kinds for one in self.by_class.get(kind.name, ())]

    def meant(self, kind: CimClass, selectors: Mapping[str, str]) -> Instance | None:
        """Give the instance that has these keys; a service is found by some of them."""
        for one in self.by_class.get(kind.name, ()):
            own = one.selectors
            if kind.is_service:
                wanted = {name.casefold() for name in selectors}
                own = {name: held for name, held in own.items() if name.casefold() in wanted}
            if alike(own, dict(selectors)):
                return one
        return None

    def related(self, relation: Relation) -> list[Instance]:
        """Give what stands in relation to an object; raise CimFault if that is not there."""
        start = self.meant(relation.kind, relation.keys)
        if start is None or self.blind:
            raise no_such_instance()
        return list(self.found(start, relation))

    def found(self, start: Instance, relation: Relation) -> Iterator[Instance]:
        """Find it: an association that names the object names the other too."""
        wanted = relation.wanted
        by = "" if relation.references else wanted.get("assocclass", "")
        for name, instances in self.by_class.items():
            kind = instances[0].kind
            if by and not kind.isa(by):
                continue
            roles = [role for role, held in kind.properties.items() if held.startswith("ref:")]
            if len(roles) < 2 or name.endswith("SummaryInformation"):
                continue
            for one in instances:
                yield from ends(one, roles, start, relation)


def ends(
    association: Instance, roles: list[str], start: Instance, relation: Relation
) -> Iterator[Instance]:
    """Give the other ends of an association of the object, or itself."""
    wanted = relation.wanted
    for role in roles:
        here = association[role]
        if here is None or not here.same(start):
            continue
        if wanted.get("role", role).casefold() != role.casefold():
            continue
        if relation.references:
            if association.kind.isa(wanted.get("resultclass", association.kind.name)):
                yield association
            return
        for other in roles:
            there = association[other]
            if other == role or there is None:
                continue
            named = wanted.get("resultrole", other).casefold() == other.casefold()
            if named and there.kind.isa(wanted.get("resultclass", there.kind.name)):
                yield there


Given = Mapping[str, Whole]
"""What a method is given: values, references as instances, and lists."""


class Refused(Exception):
    """A method is refused by a number, its ReturnValue."""

    def __init__(self, returned: int) -> None:
        super().__init__(returned)
        self.returned = returned


@dataclass(frozen=True)
class Outcome:
    """What a method gives: its ReturnValue, and its outputs."""

    returned: int
    outputs: Mapping[str, Whole] = field(default_factory=dict)


class Provider(Protocol):
    """A host: who may look, what there is, what methods do."""

    server: str
    """Its computer name, ``__SERVER`` in a query."""

    def language(self) -> str:
        """Name the language of its texts."""

    def numbers(self) -> bool:
        """Tell whether its faults hold the numbers of who refuses, WMI or its provider."""

    def admit(self, user: str) -> None:
        """Raise CimFault if a caller has no business here at all."""

    def view(self, user: str, namespace: str) -> View:
        """Show a namespace; raise CimFault if the caller may not look into it."""

    def invoke(self, user: str, target: Instance, method: str, given: Given) -> Outcome:
        """Carry out a method."""
