"""The mesh and its hosts as data: the parts of a report that no other command tells as JSON."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from delegation.mesh.checks import ACCOUNT_RULE, Finding
from delegation.mesh.compare import Comparison, Standing, Verdict
from delegation.mesh.matrix import Matrix, PairState, Row
from delegation.mesh.state import RecordedDelegation, added, flags, removed
from delegation.report import Data

Touches = Sequence[tuple[int, RecordedDelegation]]
"""What runs, by their number, did to one object."""


def pairs_data(rows: Iterable[Row]) -> dict[str, int]:
    """Pairs by state; ``unexpected`` counts whatever the state, complete pairs included."""
    counts: Counter[str] = Counter()
    for row in rows:
        counts.update({state.value: count for state, count in row.counts().items()})
        counts["surprises"] += row.surprises
    told = {
        state.value: counts[state.value] for state in PairState if state is not PairState.OUTSIDE
    }
    return {**told, PairState.UNEXPECTED.value: counts["surprises"]}


def matrix_data(grid: Matrix, comparison: Comparison, found: Sequence[Finding]) -> Data:
    """Complete pairs by name alone, every other pair with its values.

    ``unread`` are sources without an account, of which nothing is known.
    """
    labels = [target.label for target in grid.targets]
    reached = list(enumerate(grid.groups))
    return {
        "targets": [
            {
                "label": target.label,
                "computer": target.computer,
                "fqdn": target.fqdn,
                "kind": "host" if target.is_host else "file-server",
                "values": list(target.values),
            }
            for target in grid.targets
        ],
        "groups": [
            {
                "name": group.name,
                "members": [labels[member] for member in group.members],
                "reaches": [other for other, _ in reached if (number, other) in grid.desired],
            }
            for number, group in reached
        ],
        "meshes": [
            {"name": mesh.name, "sources": list(mesh.sources), "targets": list(mesh.targets)}
            for mesh in comparison.inventory.meshes
        ],
        "unread": sorted({one.computer for one in found if one.rule == ACCOUNT_RULE}),
        "sources": [_source(row, labels) for row in grid.rows],
    }


def _source(row: Row, labels: Sequence[str]) -> Data:
    plain = [
        t for t, cell in row.cells.items() if cell.state is PairState.COMPLETE and not cell.extra
    ]
    return {
        "source": row.source.label,
        "complete": [labels[target] for target in plain],
        "others": [
            {
                "target": labels[target],
                "state": cell.state.value,
                "present": list(cell.present),
                "missing": list(cell.missing),
                "extra": [verdict_data(one, one in cell.unexpected) for one in cell.extra],
            }
            for target, cell in row.cells.items()
            if cell.state is not PairState.COMPLETE or cell.extra
        ],
        "elsewhere": [verdict_data(one, one in row.unexpected) for one in row.elsewhere],
    }


def verdict_data(verdict: Verdict, unexpected: bool) -> Data:  # noqa: FBT001
    """``unexpected``: nothing lets it stay."""
    return {
        "value": verdict.value,
        "standing": verdict.standing.value,
        "reason": verdict.reason,
        "unexpected": unexpected,
    }


def host_data(row: Row, comparison: Comparison, found: Mapping[str, int], touches: Touches) -> Data:
    """One host: who it is, its flags, how many values and pairs, and what was done to it."""
    source, computer = row.source, row.source.computer
    counts = Counter(verdict.standing for verdict in source.extra)
    transition, wanted = source.transition
    return {
        "computer": source.label,
        "account": computer.account,
        "dn": computer.dn,
        "guid": None if computer.guid.version == 5 else str(computer.guid),
        "dns_host_name": computer.dns_host_name,
        "enabled": computer.enabled,
        "meshes": [
            mesh.name
            for mesh in comparison.inventory.meshes
            if source.label in mesh.sources or source.label in mesh.targets
        ],
        "flags": {
            "protocol_transition": transition,
            "protocol_transition_declared": wanted,
            "unconstrained": source.unconstrained,
        },
        "values": {
            "present": len(source.present),
            "missing": len(source.missing),
            **{s.value: counts[s] for s in (Standing.KEPT, Standing.STALE, Standing.FOREIGN)},
        },
        "pairs": pairs_data([row]),
        "twins": list(source.twins),
        "findings": found.get(source.label, 0),
        "runs": [_touch(*one) for one in touches],
    }


def _touch(number: int, recorded: RecordedDelegation) -> dict[str, Any]:
    change = recorded.change
    return {
        "run": number,
        "add": len(added(change)),
        "remove": len(removed(change)),
        "flags": {flag: list(bits) for flag, bits in flags(change).items()},
        "result": recorded.result.value if recorded.result else "not settled",
    }
