"""What an audit found <-> the bytes that a journal keeps of it.

Besides each finding a page has its subject (``mesh/audit_look``), and when it was last told; and
which rules looked, because a later version has more of them.
"""

import json
import zlib
from dataclasses import dataclass
from typing import NamedTuple

from delegation.mesh.checks import Finding, Severity

MOST = 32 * 2**20
"""Characters of one audit's findings that are kept; 10,000 hosts with 20 missing values each."""

FIRST_RULES = frozenset(f"KCD{number:03}" for number in range(1, 20))
"""Those of version 0.1.0, whose pages name neither rules nor subjects."""


class PastFinding(NamedTuple):
    """A finding, its subject, and when it was last told (ISO 8601 in UTC)."""

    finding: Finding
    subject: str
    told: str


@dataclass(frozen=True, slots=True)
class AuditPage:
    """``rules`` are the ids of those that looked. ``is_old``: of 0.1.0, without subjects."""

    found: tuple[PastFinding, ...]
    rules: frozenset[str]
    is_old: bool = False

    @property
    def findings(self) -> tuple[Finding, ...]:
        return tuple(past.finding for past in self.found)


def encode(page: AuditPage) -> bytes | None:
    """A page as compressed JSON; None where its findings are too many to be kept."""
    subjects = _Numbered()
    times = _Numbered()
    rows: list[tuple[object, ...]] = []
    characters = 0
    for finding, subject, told in page.found:
        texts = (finding.computer, finding.value, finding.message, finding.fix)
        characters += sum(map(len, texts))
        about = (subjects.number(subject), times.number(told), finding.named)
        rows.append((finding.rule, str(finding.severity), *texts, *about))
    if characters > MOST:
        return None
    data = {
        "rules": sorted(page.rules),
        "subjects": subjects.texts,
        "told": times.texts,
        "findings": rows,
    }
    return zlib.compress(json.dumps(data).encode())


class _Numbered:
    """Texts that come again and again, each once, with its number."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self._numbers: dict[str, int] = {}

    def number(self, text: str) -> int:
        if text not in self._numbers:
            self._numbers[text] = len(self.texts)
            self.texts.append(text)
        return self._numbers[text]


def decode(content: bytes) -> AuditPage:
    """Raises ValueError, LookupError or TypeError for what was never written so."""
    data = json.loads(_inflated(content))
    if isinstance(data, list):
        found = tuple(PastFinding(_finding(*row), "", "") for row in data)
        return AuditPage(found, FIRST_RULES | {past.finding.rule for past in found}, is_old=True)
    subjects, times = _texts(data["subjects"]), _texts(data["told"])
    page: list[PastFinding] = []
    for *texts, subject, told, named in data["findings"]:
        finding = _finding(*texts, named=_texts(named) if named else ())
        page.append(PastFinding(finding, subjects[subject], times[told]))
    return AuditPage(tuple(page), frozenset(_texts(data["rules"])))


def _inflated(content: bytes) -> bytes:
    reader = zlib.decompressobj()
    try:
        # No further than a page may grow to, with room for JSON's escapes: a few bytes of a
        # damaged page could fill the memory.
        text = reader.decompress(content, 8 * MOST)
    except zlib.error as exc:
        raise ValueError(str(exc)) from exc
    if not reader.eof:
        raise ValueError("it is cut off, or too long")
    return text


def _texts(data: object) -> tuple[str, ...]:
    if not isinstance(data, list) or not all(isinstance(text, str) for text in data):
        raise TypeError("a list of texts was written here")
    return tuple(data)


def _finding(*row: str, named: tuple[str, ...] = ()) -> Finding:
    if set(map(type, row)) != {str}:
        raise TypeError("a finding is made of texts")
    rule, severity, computer, value, message, fix = row
    return Finding(rule, Severity[severity.upper()], computer, value, message, fix, named=named)
