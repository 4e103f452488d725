"""The hosts of a mesh as a report tells them: their figures, and what runs did to them."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from delegation.mesh.compare import Comparison, Standing
from delegation.mesh.matrix import Row
from delegation.mesh.past_runs import Touches
from delegation.mesh.plan_view import WITHOUT_GUID
from delegation.mesh.state import RecordedDelegation, added, flags, removed
from delegation.report.mesh_data import pair_counts


@dataclass(frozen=True, slots=True)
class HostTouch:
    """What a run did to a host."""

    run: int
    recorded: RecordedDelegation

    def to_json(self) -> dict[str, Any]:
        change, result = self.recorded.change, self.recorded.result
        return {
            "run": self.run,
            "add": len(added(change)),
            "remove": len(removed(change)),
            "flags": {flag: list(bits) for flag, bits in flags(change).items()},
            "result": result.value if result else "not settled",
        }


@dataclass(frozen=True)
class ReportedHost:
    """One host: who it is, its flags, how many values and pairs, and what was done to it.

    ``findings`` is how many there are; ``changes``: whether a plan changes it, None without one.
    """

    row: Row
    meshes: tuple[str, ...]
    findings: int
    touches: tuple[HostTouch, ...]
    changes: bool | None = None

    @classmethod
    def of(
        cls,
        row: Row,
        comparison: Comparison,
        findings: int,
        touches: Touches,
        changes: bool | None = None,  # noqa: FBT001 - a field
    ) -> "ReportedHost":
        label = row.source.label
        meshes = tuple(
            mesh.name
            for mesh in comparison.inventory.meshes
            if label in mesh.sources or label in mesh.targets
        )
        done = tuple(HostTouch(run, recorded) for run, recorded in touches)
        return cls(row, meshes, findings, done, changes)

    @property
    def label(self) -> str:
        return self.row.source.label

    @property
    def is_enabled(self) -> bool:
        return self.row.source.computer.enabled

    def flags(self) -> dict[str, Any]:
        """As found; ``protocol_transition_declared`` as the inventory wants it."""
        transition, wanted = self.row.source.transition
        return {
            "protocol_transition": transition,
            "protocol_transition_declared": wanted,
            "unconstrained": self.row.source.unconstrained,
        }

    def figures(self) -> dict[str, Any]:
        """How many values and pairs of each standing there are."""
        source = self.row.source
        counts = Counter(verdict.standing for verdict in source.extra)
        others = (Standing.KEPT, Standing.STALE, Standing.FOREIGN)
        return {
            "values": {
                "present": len(source.present),
                "missing": len(source.missing),
                **{standing.value: counts[standing] for standing in others},
            },
            "pairs": pair_counts([self.row]),
        }

    def to_json(self) -> dict[str, Any]:
        computer = self.row.source.computer
        changes: Mapping[str, Any] = {} if self.changes is None else {"changes": self.changes}
        return {
            "computer": self.label,
            "account": computer.account,
            "dn": computer.dn,
            "guid": None if computer.guid.version == WITHOUT_GUID else str(computer.guid),
            "dns_host_name": computer.dns_host_name,
            "enabled": computer.enabled,
            "meshes": list(self.meshes),
            "flags": self.flags(),
            **self.figures(),
            "twins": list(self.row.source.twins),
            "findings": self.findings,
            "runs": [touch.to_json() for touch in self.touches],
            **changes,
        }
