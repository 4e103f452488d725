"""What became of a migration run, as data, as Markdown for a ticket, and as people read it."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from delegation import names, report
from delegation.changes.run import Run
from delegation.migrations import result
from delegation.migrations.lifecycle import Migration, MigrationState
from delegation.migrations.result import Became, MigrationResult
from delegation.migrations.schedule.obstacles import size
from delegation.migrations.words import duration
from delegation.report import Data
from delegation.report.chart import chart
from delegation.report.contents import Origin

FORMS = {
    "moved": "moved",
    "there": "there already",
    "failed": "failed",
    "aborted": "given up",
    "not_started": "not started",
    "unknown": "unknown",
}
"""The ends that a machine's move can have, as the summary counts them, and in words."""

COLUMNS = (
    "machine",
    "id",
    "source",
    "target",
    "state",
    "is_on",
    "started",
    "ended",
    "seconds",
    "bytes",
    "tries",
    "cause",
    "fix",
    "storage",
    "run",
    "ticket",
    "domain",
    "generated",
)
"""Of the CSV, with a row for each machine."""


def run(  # noqa: PLR0913 - what the journal holds of it, and whether it goes on
    origin: Origin,
    recorded: Run,
    outcome: MigrationResult,
    moves: Sequence[Migration],
    tries: Sequence[Data],
    *,
    alive: bool,
) -> Data:
    """A run of the journal; ``tries`` are timeline.tries, ``alive``: somebody carries it out."""
    return {
        "report": origin.data(),
        "verdict": _verdict(outcome, moves, alive=alive),
        **report.run_data(recorded),
        **result.data(outcome),
        "alive": alive,
        "moves": [move_data(move) for move in moves],
        "timeline": list(tries),
    }


def move_data(move: Migration) -> Data:
    """One migration, as far as it is."""
    return {
        "vm": move.name,
        "id": str(move.machine),
        "source": move.source,
        "target": move.target,
        "storage": move.storage,
        "bytes": move.size,
        "state": str(move.state),
        "at": move.at,
        "to": move.to or None,
        "percent": move.percent,
        "attempts": move.attempts,
        "aborting": move.abandoned and not move.state.ended,
        "started": move.started,
        "ended": move.ended,
        "reason": move.reason,
        "fix": move.fix,
    }


def _verdict(outcome: MigrationResult, moves: Sequence[Migration], *, alive: bool) -> Data:
    counts = Counter(_stage(move.state, alive=alive) for move in moves)
    moved = counts.pop("moved", 0)
    asked = len(outcome.machines)
    if outcome.complete:
        there = asked - moved
        words = f"every machine is where it should be: {moved:,} moved"
        words += f", {there:,} there already" if there else ""
        return {"standing": "complete", "words": words if asked else "none was asked for"}
    others = "".join(f", {counts[stage]:,} {stage}" for stage in _STAGES if counts[stage])
    words = f"{moved:,} of {asked:,} {'machine' if asked == 1 else 'machines'} moved{others}"
    if alive:
        return {"standing": "running", "words": words}
    if any(not move.state.ended for move in moves):
        return {"standing": "interrupted", "words": f"{words}; it can be resumed"}
    return {"standing": "incomplete", "words": words}


_STAGES = ("under way", "unknown", "to come", "not moved yet", "failed", "given up")


def _stage(state: MigrationState, *, alive: bool) -> str:
    if state.on_the_way:
        return "under way" if alive else "unknown"
    if state.pending:
        return "to come" if alive else "not moved yet"
    return "given up" if state is MigrationState.ABORTED else str(state)


def markdown(data: Mapping[str, Any]) -> str:
    """The data of ``migrate.result.data`` as Markdown."""
    return report.render("migration.md.j2", told(data))


def told(data: Mapping[str, Any]) -> Data:
    """The same with what its template needs besides."""
    counted = [
        f"{data['summary'][key]} {words}" for key, words in FORMS.items() if data["summary"][key]
    ]
    return {**data, "counted": ", ".join(counted), "size_of": size, "length_of": duration}


def people(data: Data) -> Data:
    """What the page is made of besides ``data``: the figures, the machines, the picture."""
    machines = list(_machines(data))
    open_until = data["report"]["generated"] if data["alive"] else _last(data)
    return {
        **told(data),
        "figures": _figures(data, machines),
        "figures_of": "Machines by what became of them",
        "told_machines": machines,
        "told_failures": _failures(machines),
        "chart": chart(data["timeline"], open_until),
    }


_TONES = {
    Became.MOVED: "good",
    Became.THERE: "good",
    Became.FAILED: "bad",
    Became.UNKNOWN: "bad",
    Became.ABORTED: "warn",
    Became.NOT_STARTED: "warn",
}


def _machines(data: Data) -> Iterator[Data]:
    """Every machine, with how far it is as long as the run goes on."""
    moves = {move["id"]: move for move in data["moves"]}
    for one in data["machines"]:
        move = moves.get(one["id"], {})
        going_on = data["alive"] and move and not MigrationState(move["state"]).ended
        moving = going_on and MigrationState(move["state"]).on_the_way
        yield {
            **one,
            "now": move["state"] if going_on else one["state"],
            "tone": "info" if going_on else _TONES[Became(one["state"])],
            "on": f"{move['percent']}% to {move['to']}" if moving else one["at"],
            "storage": move.get("storage", ""),
            "started": move.get("started"),
            "ended": move.get("ended"),
        }


def _figures(data: Data, machines: Sequence[Data]) -> list[Data]:
    """The numbers beside the verdict: what went wrong is always among them, and told as zero."""
    counts = Counter(one["now"] for one in machines)
    tones = {one["now"]: one["tone"] for one in machines}
    shown = ["moved", "failed", *(now for now in counts if now not in {"moved", "failed"})]
    return [
        {
            "tone": ("" if now == "moved" else tones[now]) if counts[now] else "none",
            "value": f"{counts[now]:,}",
            "word": now,
        }
        for now in shown
    ] + [{"tone": "", "value": size(data["summary"]["bytes"]), "word": "moved in all"}]


def _failures(machines: Sequence[Data]) -> list[Data]:
    """Machines that are not where they should be, those for one cause together."""
    alike: dict[tuple[str, str, str], list[Data]] = defaultdict(list)
    for one in machines:
        if one["tone"] in {"bad", "warn"}:
            alike[one["now"], one["cause"], one["fix"]].append(one)
    return [
        {
            "state": state,
            "tone": found[0]["tone"],
            "cause": cause,
            "fix": fix,
            "count": len(found),
            "machines": names.fold(one["vm"] for one in found),
        }
        for (state, cause, fix), found in alike.items()
    ]


def _last(data: Data) -> str:
    """The last time that is on record of a run that nobody carries out."""
    times = [one[key] for one in data["timeline"] for key in ("started", "ended")]
    lost = [time for one in data["timeline"] for span in one["unwatched"] for time in span]
    return str(max((time for time in (*times, *lost) if time), default=data["started"]))


def rows(data: Data) -> Iterator[Data]:
    """A row of the CSV for each machine, by the names of COLUMNS."""
    for one in _machines(data):
        yield {
            **one,
            "machine": one["vm"],
            "state": one["now"],
            "is_on": one["at"],
            "tries": one["attempts"],
            "run": data["run"],
            "ticket": data["ticket"],
        }
