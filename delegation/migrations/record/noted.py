"""What a run of migrations notes beside its queue -> JSON in the journal, and back.

That is what a host said of a failure, in its own words and numbers; the liberties that somebody
took for the run; what hosts counted while its first migration was copied; and what jobs were last
at.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from delegation.hosts.machines import Failure, MovePhase
from delegation.migrations.lifecycle import Migration
from delegation.migrations.moves.terms import Liberties
from delegation.migrations.slot_counts import SlotCounts

Data = dict[str, Any]


def failure_json(said: Failure | None) -> Data | None:
    """What a host said, as data: what it did not give is None, or empty."""
    if said is None:
        return None
    return {
        "message": said.message,
        "hresult": said.hresult,
        "message_id": said.message_id,
        "error_code": said.error_code,
        "phase": said.phase.value if said.phase is not None else None,
        "stopped": said.stopped,
    }


def failure_written(said: Failure | None) -> str:
    return "" if said is None else json.dumps(failure_json(said), ensure_ascii=False)


def failure_read(text: str | None) -> Failure | None:
    """Raises ValueError, KeyError for what nobody here has written."""
    if not text:
        return None
    data = json.loads(text)
    phase = MovePhase(data["phase"]) if data["phase"] is not None else None
    return Failure(
        data["message"],
        data["hresult"],
        data["message_id"],
        data["error_code"],
        phase,
        data["stopped"],
    )


def in_words(said: Failure) -> str:
    """What a host said with its numbers, in one line."""
    numbers = {
        "phase": said.phase.value if said.phase is not None else "",
        "HRESULT": said.hresult,
        "MessageID": said.message_id,
        "ErrorCode": "" if said.error_code is None else str(said.error_code),
    }
    given = ", ".join(f"{name} {value}" for name, value in numbers.items() if value)
    text = " ".join(said.message.split()) or "nothing"
    return f"the host said: {text} ({given})" if given else f"the host said: {text}"


PHASES = "phases"
"""Under this name: what those that run are at, by their machine's id."""


def phases_json(moves: Iterable[Migration]) -> Data:
    """Of those that run."""
    told: Data = {}
    for move in moves:
        phase = move.phase.value if move.phase is not None else None
        told[str(move.machine)] = {"phase": phase, "status": move.status}
    return told


def with_phase(move: Migration, phases: Data) -> Migration:
    """A migration that runs with what is noted of it; a phase of a later version is left out."""
    found = phases.get(str(move.machine))
    if found is None or not move.state.on_the_way:
        return move
    phase = next((one for one in MovePhase if one.value == found["phase"]), None)
    return replace(move, phase=phase, status=found["status"])


def liberties_json(liberties: Liberties) -> Data:
    return {
        "assume_full": liberties.assume_full,
        "with_checkpoints": liberties.with_checkpoints,
    }


@dataclass(frozen=True, slots=True)
class RunNotes:
    """What is noted of a run: the liberties taken for it, and what hosts have counted.

    One of an older version has noted nothing.
    """

    liberties: Liberties = field(default_factory=Liberties)
    counts: SlotCounts | None = None

    @classmethod
    def read(cls, noted: Mapping[str, Any]) -> "RunNotes":
        """From JSON as it is on record. Raises KeyError, TypeError, ValueError."""
        said = noted.get("liberties", {})
        liberties = Liberties(
            assume_full=said.get("assume_full", False),
            with_checkpoints=said.get("with_checkpoints", False),
        )
        counts = noted.get("slot_counts")
        return cls(liberties, None if counts is None else SlotCounts.from_json(counts))

    def to_json(self) -> Data:
        return {
            "liberties": liberties_json(self.liberties),
            "slot_counts": None if self.counts is None else self.counts.to_json(),
        }

    def in_words(self) -> Iterator[str]:
        """A line for each."""
        if self.liberties.options:
            yield f"moved with {' '.join(self.liberties.options)}"
        if self.counts is not None:
            yield from self.counts.in_words()
