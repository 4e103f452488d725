"""The mesh as a report tells it: each source towards each target, with the values of a pair."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from delegation.mesh.checks import ACCOUNT_RULE, Finding
from delegation.mesh.compare import Comparison, Verdict
from delegation.mesh.matrix import Cell, Matrix, PairState, Row


@dataclass(frozen=True, slots=True)
class ReportedValue:
    """A value that is not desired; ``unexpected``: nothing lets it stay."""

    value: str
    standing: str
    reason: str
    unexpected: bool

    @classmethod
    def all_of(
        cls, verdicts: Iterable[Verdict], unexpected: Sequence[Verdict]
    ) -> "tuple[ReportedValue, ...]":
        return tuple(
            cls(one.value, one.standing.value, one.reason, one in unexpected) for one in verdicts
        )

    def to_json(self) -> dict[str, Any]:
        return {
            "value": self.value,
            "standing": self.standing,
            "reason": self.reason,
            "unexpected": self.unexpected,
        }


@dataclass(frozen=True, slots=True)
class ReportedTarget:
    """A host or a file server, with the values towards it."""

    label: str
    computer: str
    fqdn: str
    is_host: bool
    values: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        return {
            "label": self.label,
            "computer": self.computer,
            "fqdn": self.fqdn,
            "kind": "host" if self.is_host else "file-server",
            "values": list(self.values),
        }


@dataclass(frozen=True, slots=True)
class ReportedGroup:
    """Targets that are wanted alike; ``reaches`` are the groups that are wanted of its members."""

    name: str
    members: tuple[str, ...]
    reaches: tuple[int, ...]

    def to_json(self) -> dict[str, Any]:
        return {"name": self.name, "members": list(self.members), "reaches": list(self.reaches)}


@dataclass(frozen=True, slots=True)
class ReportedMesh:
    """``services`` are the service classes that its hosts ask each other for."""

    name: str
    sources: tuple[str, ...]
    targets: tuple[str, ...]
    services: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "sources": list(self.sources),
            "targets": list(self.targets),
            "services": list(self.services),
        }


@dataclass(frozen=True, slots=True)
class ReportedPair:
    """What a source holds towards a target, where that is more or less than all it should."""

    target: str
    state: PairState
    present: tuple[str, ...]
    missing: tuple[str, ...]
    extra: tuple[ReportedValue, ...]

    @classmethod
    def of(cls, target: str, cell: Cell) -> "ReportedPair":
        extra = ReportedValue.all_of(cell.extra, cell.unexpected)
        return cls(target, cell.state, cell.present, cell.missing, extra)

    def to_json(self) -> dict[str, Any]:
        return {
            "target": self.target,
            "state": self.state.value,
            "present": list(self.present),
            "missing": list(self.missing),
            "extra": [value.to_json() for value in self.extra],
        }


@dataclass(frozen=True, slots=True)
class ReportedSource:
    """A source: complete pairs by the target's name alone, every other pair with its values."""

    source: str
    complete: tuple[str, ...]
    others: tuple[ReportedPair, ...]
    elsewhere: tuple[ReportedValue, ...]

    @classmethod
    def of(cls, row: Row, labels: Sequence[str]) -> "ReportedSource":
        complete: list[str] = []
        others: list[ReportedPair] = []
        for target, cell in row.cells.items():
            if cell.state is PairState.COMPLETE and not cell.extra:
                complete.append(labels[target])
            else:
                others.append(ReportedPair.of(labels[target], cell))
        elsewhere = ReportedValue.all_of(row.elsewhere, row.unexpected)
        return cls(row.source.label, tuple(complete), tuple(others), elsewhere)

    def to_json(self) -> dict[str, Any]:
        return {
            "source": self.source,
            "complete": list(self.complete),
            "others": [pair.to_json() for pair in self.others],
            "elsewhere": [value.to_json() for value in self.elsewhere],
        }


@dataclass(frozen=True)
class ReportedMatrix:
    """The mesh. ``unread`` are sources without an account, of which nothing is known."""

    targets: tuple[ReportedTarget, ...]
    groups: tuple[ReportedGroup, ...]
    meshes: tuple[ReportedMesh, ...]
    unread: tuple[str, ...]
    sources: tuple[ReportedSource, ...]

    @classmethod
    def of(cls, grid: Matrix, comparison: Comparison, found: Iterable[Finding]) -> "ReportedMatrix":
        labels = [target.label for target in grid.targets]
        return cls(
            targets=tuple(
                ReportedTarget(
                    one.label, one.computer, one.fqdn, bool(one.is_host), tuple(one.values)
                )
                for one in grid.targets
            ),
            groups=_groups(grid, labels),
            meshes=tuple(
                ReportedMesh(mesh.name, mesh.sources, mesh.targets, mesh.services)
                for mesh in comparison.inventory.meshes
            ),
            unread=tuple(sorted({one.computer for one in found if one.rule == ACCOUNT_RULE})),
            sources=tuple(ReportedSource.of(row, labels) for row in grid.rows),
        )

    def to_json(self) -> dict[str, Any]:
        return {
            "targets": [target.to_json() for target in self.targets],
            "groups": [group.to_json() for group in self.groups],
            "meshes": [mesh.to_json() for mesh in self.meshes],
            "unread": list(self.unread),
            "sources": [source.to_json() for source in self.sources],
        }


def _groups(grid: Matrix, labels: Sequence[str]) -> tuple[ReportedGroup, ...]:
    groups = []
    for number, group in enumerate(grid.groups):
        members = tuple(labels[member] for member in group.members)
        others = range(len(grid.groups))
        reaches = tuple(other for other in others if (number, other) in grid.desired)
        groups.append(ReportedGroup(group.name, members, reaches))
    return tuple(groups)


def pair_counts(rows: Iterable[Row]) -> dict[str, int]:
    """Pairs by state; ``unexpected`` counts whatever the state, complete pairs included."""
    states: Counter[PairState] = Counter()
    surprises = 0
    for row in rows:
        states.update(row.counts())
        surprises += row.surprises
    counts = {state.value: states[state] for state in PairState if state is not PairState.OUTSIDE}
    return {**counts, PairState.UNEXPECTED.value: surprises}
