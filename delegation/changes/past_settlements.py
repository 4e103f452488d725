"""What persons have said of changes in doubt, as the history tells it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from delegation.changes.journal import Journal
from delegation.changes.run import Run, settled_in_words
from delegation.changes.settlement import SeenChange


@dataclass(frozen=True)
class SettlementAccount:
    """A settlement of the past; implements changes.history.RunAccount."""

    run: Run
    evidence: tuple[SeenChange, ...]
    in_words: str
    is_unsettled: bool = False
    advice: str = ""
    tells_status: bool = True

    @classmethod
    def of(cls, journal: Journal, run: Run, *, detailed: bool) -> "SettlementAccount":  # noqa: ARG003
        with journal.reading(f"run {run.id}"):
            evidence = tuple(map(_seen_change, run.summary.get("evidence", ())))
            return cls(run, evidence, settled_in_words(run.summary))

    @property
    def hosts(self) -> frozenset[str]:
        return frozenset(one.host for one in self.evidence)

    def summary_json(self) -> Mapping[str, Any]:
        """Nothing: the page has it all."""
        return {}

    def details_json(self) -> Mapping[str, Any]:
        """Nothing: the page has it all."""
        return {}


def _seen_change(data: Mapping[str, Any]) -> SeenChange:
    """Raises TypeError or LookupError where it was not written by ``SeenChange.to_json``."""
    told = data["host"], data["part"], data["seen"]
    if not all(isinstance(text, str) for text in told):
        raise TypeError("what was seen is no text")
    return SeenChange(*told)
