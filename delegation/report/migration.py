"""What became of a migration run, as data, as Markdown for a ticket, and as people read it."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from delegation import names
from delegation.changes.history import run_to_json
from delegation.migrations.lifecycle import MigrationState
from delegation.migrations.result import Became, MigrationResult
from delegation.migrations.run_view import MigrationRunView
from delegation.migrations.schedule.obstacles import size
from delegation.migrations.tries import MigrationTry
from delegation.migrations.words import duration
from delegation.report.chart import chart
from delegation.report.contents import Origin
from delegation.report.templates import render

Data = dict[str, Any]

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


@dataclass(frozen=True)
class MigrationRunReport:
    """A run of the journal that moved VMs, and every try to move one of them."""

    origin: Origin
    view: MigrationRunView
    tries: tuple[MigrationTry, ...]

    def to_json(self) -> Data:
        return {
            "report": self.origin.to_json(),
            "verdict": self.view.verdict.to_json(),
            **run_to_json(self.view.run),
            **self.view.result.to_json(),
            "alive": self.view.alive,
            "moves": self.view.moves_json(),
            "timeline": [one.to_json() for one in self.tries],
        }


def markdown(found: MigrationResult) -> str:
    """What became of a run, for a ticket."""
    return render("migration.md.j2", told(found.to_json()))


def told(data: Mapping[str, Any]) -> Data:
    """The same with what its template needs besides."""
    summary = data["summary"]
    counts = [(summary[became.name.lower()], became) for became in Became]
    counted = [f"{count} {became}" for count, became in counts if count]
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
    wrong = [one for one in machines if one["tone"] in {"bad", "warn"}]
    alike = names.grouped(((one["now"], one["cause"], one["fix"]), one) for one in wrong)
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
