"""A run of migrations -> its report: as data, as people read it, as a table."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from delegation import names
from delegation.changes.history import run_to_json
from delegation.migrations.result import Became, MigrationResult, VmResult
from delegation.migrations.run_view import MigrationRunView
from delegation.migrations.schedule.obstacles import size
from delegation.migrations.tries import MigrationTry
from delegation.migrations.words import duration
from delegation.report import readable
from delegation.report.chart import chart
from delegation.report.contents import Origin
from delegation.report.readable import TemplateRow
from delegation.report.templates import render

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
"""Of the CSV, with a row for each VM."""


@dataclass(frozen=True, slots=True)
class VmShown:
    """One VM, with how far it is as long as the run goes on. ``tone`` is how its state is shown."""

    result: VmResult
    now: str
    tone: str
    on: str
    storage: str
    started: str | None
    ended: str | None

    def to_json(self) -> TemplateRow:
        return {
            **self.result.to_json(),
            "now": self.now,
            "tone": self.tone,
            "on": self.on or None,
            "storage": self.storage,
            "started": self.started,
            "ended": self.ended,
        }


@dataclass(frozen=True)
class MigrationRunReport:
    """A run of the journal and every try to move one of its VMs."""

    origin: Origin
    view: MigrationRunView
    tries: tuple[MigrationTry, ...]

    def to_json(self) -> TemplateRow:
        return {
            "report": self.origin.to_json(),
            "verdict": self.view.verdict.to_json(),
            **run_to_json(self.view.run),
            **self.view.result.to_json(),
            "alive": self.view.alive,
            "moves": self.view.moves_json(),
            "notes": self.view.notes.to_json(),
            "timeline": [one.to_json() for one in self.tries],
        }

    def people(self) -> TemplateRow:
        """The figures, the VMs, the picture."""
        # Inert before anything is folded or measured: what is shown is as long as it is shown.
        vms: list[VmShown] = [readable.inert(vm) for vm in self._vms()]
        tries: list[MigrationTry] = [readable.inert(one) for one in self.tries]
        open_until = self.origin.generated if self.view.alive else self._last_time()
        return {
            **_wording(self.view.result),
            **_told(self.view),
            "figures": _figures(vms, self.view.result.bytes_moved),
            "figures_of": "Machines by what became of them",
            "told_machines": [vm.to_json() for vm in vms],
            "told_failures": _failures(vms),
            "chart": chart(tries, open_until),
        }

    def rows(self) -> Iterator[TemplateRow]:
        run = self.view.run
        for vm in self._vms():
            yield {
                **vm.to_json(),
                "machine": vm.result.name,
                "state": vm.now,
                "is_on": vm.result.at or None,
                "tries": vm.result.attempts,
                "run": run.id,
                "ticket": run.ticket,
            }

    def _vms(self) -> Iterator[VmShown]:
        """The worst first."""
        moves = {str(move.machine): move for move in self.view.moves}
        for result in self.view.result.worst_first:
            move = moves[result.id]
            going_on = self.view.alive and not move.state.ended
            moving = going_on and move.state.on_the_way
            yield VmShown(
                result,
                str(move.state) if going_on else result.became.value,
                "info" if going_on else _TONES[result.became],
                f"{move.percent}% to {move.to}" if moving else result.at,
                move.storage,
                move.started,
                move.ended,
            )

    def _last_time(self) -> str:
        """The last that is on record of a run that nobody carries out."""
        times: list[str | None] = []
        for one in self.tries:
            times += [one.started, one.ended]
            for span in one.unwatched:
                times += span
        return max((time for time in times if time), default=self.view.run.started)


def markdown_of(view: MigrationRunView) -> str:
    """What became of a run, for a ticket."""
    return markdown(view.result, _told(view))


def markdown(result: MigrationResult, told: TemplateRow | None = None) -> str:
    """The same of its result alone; ``told`` is what is on record beside it, in lines."""
    nothing: TemplateRow = {"noted": [], "said": []}
    filled = {**result.to_json(), **_wording(result), **(told or nothing)}
    return render("migration.md.j2", filled)


def _told(view: MigrationRunView) -> TemplateRow:
    """What is noted of the run, and what hosts gave for what failed, in lines."""
    lines = {"noted": list(view.notes.in_words()), "said": list(view.said_by_hosts())}
    return {name: [names.inert(line) for line in found] for name, found in lines.items()}


def _wording(result: MigrationResult) -> TemplateRow:
    """What the templates need besides data."""
    counts = [(result.count(became), became) for became in Became]
    counted = ", ".join(f"{count} {became}" for count, became in counts if count)
    return {"counted": counted, "size_of": size, "length_of": duration}


_TONES = {
    Became.MOVED: "good",
    Became.THERE: "good",
    Became.FAILED: "bad",
    Became.UNKNOWN: "bad",
    Became.ABORTED: "warn",
    Became.NOT_STARTED: "warn",
}


def _figures(vms: Sequence[VmShown], bytes_moved: int) -> list[TemplateRow]:
    """The numbers beside the verdict: what went wrong is always among them, and told as zero."""
    counts = Counter(vm.now for vm in vms)
    tones = {vm.now: vm.tone for vm in vms}
    others = [now for now in counts if now not in {"moved", "failed"}]
    figures = []
    for now in ("moved", "failed", *others):
        tone = "" if now == "moved" else tones.get(now, "")
        shown = tone if counts[now] else "none"
        figures.append({"tone": shown, "value": f"{counts[now]:,}", "word": now})
    return [*figures, {"tone": "", "value": size(bytes_moved), "word": "moved in all"}]


def _failures(vms: Sequence[VmShown]) -> list[TemplateRow]:
    """VMs that are not where they should be, those for one cause together."""
    wrong = [vm for vm in vms if vm.tone in {"bad", "warn"}]
    alike = names.grouped(((vm.now, vm.result.cause, vm.result.fix), vm) for vm in wrong)
    return [
        {
            "state": state,
            "tone": found[0].tone,
            "cause": cause,
            "fix": fix,
            "count": len(found),
            "machines": names.fold(vm.result.name for vm in found),
        }
        for (state, cause, fix), found in alike.items()
    ]
