"""What an audit found <-> the bytes that a journal keeps of it.

Besides each finding a page has its subject (``mesh/audit_look``), and when it was last told; and
which rules looked, because a later version has more of them.
"""

import json
import zlib
from typing import NamedTuple

from delegation.mesh.checks import Finding, Severity
from delegation.mesh.kept_before import KeptBefore

MOST = 32 * 2**20
"""Characters of one audit's findings that are kept; 10,000 hosts with 20 missing values each."""

FIRST_RULES = frozenset(f"KCD{number:03}" for number in range(1, 20))
"""Those of version 0.1.0, whose pages name neither rules nor subjects."""


class PastFinding(NamedTuple):
    """A finding, its subject, and when it was last told (ISO 8601 in UTC)."""

    finding: Finding
    subject: str
    told: str


class AuditPage(NamedTuple):
    """``rules`` are the ids of those that looked. ``is_old``: of 0.1.0, without subjects.

    ``accepted`` are no failures, and stand apart. ``kept`` has what keep rules let stay, and when
    that was seen, run 0 being the page's own; None in a page of a version that did not look.
    """

    found: tuple[PastFinding, ...]
    rules: frozenset[str]
    is_old: bool = False
    accepted: tuple[PastFinding, ...] = ()
    kept: tuple[KeptBefore, ...] | None = None

    @property
    def findings(self) -> tuple[Finding, ...]:
        return tuple(past.finding for past in self.found)


def encode(page: AuditPage) -> bytes | None:
    """A page as compressed JSON; None where its findings are too many to be kept."""
    subjects = _Numbered()
    times = _Numbered()
    rows: dict[str, list[tuple[object, ...]]] = {"findings": [], "accepted": []}
    characters = sum(
        len(text) for one in page.kept or () for text in (one.guid, one.label, one.value)
    )
    for kind, found in (("findings", page.found), ("accepted", page.accepted)):
        for finding, subject, told in found:
            texts = (finding.computer, finding.value, finding.message, finding.fix)
            characters += sum(map(len, texts))
            about = (subjects.number(subject), times.number(told), finding.named)
            rows[kind].append((finding.rule, str(finding.severity), *texts, *about))
    if characters > MOST:
        return None
    data = {
        "rules": sorted(page.rules),
        "subjects": subjects.texts,
        "told": times.texts,
        "kept": page.kept,
        **rows,
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
    pages: dict[str, tuple[PastFinding, ...]] = {}
    for kind in ("findings", "accepted"):
        page: list[PastFinding] = []
        for *texts, subject, told, named in data.get(kind, []):
            finding = _finding(*texts, named=_texts(named) if named else ())
            page.append(PastFinding(finding, subjects[subject], times[told]))
        pages[kind] = tuple(page)
    recorded = data.get("kept")
    kept = None if recorded is None else tuple(_kept(*row) for row in recorded)
    rules = frozenset(_texts(data["rules"]))
    return AuditPage(pages["findings"], rules, accepted=pages["accepted"], kept=kept)


def _kept(*row: object) -> KeptBefore:
    guid, label, value, run, seen = row
    _texts([guid, label, value, seen])
    if type(run) is not int:
        raise TypeError("a run is a number")
    return KeptBefore(str(guid), str(label), str(value), run, str(seen))


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
