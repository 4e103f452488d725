"""Findings, and those of an earlier audit -> what is new; and how a journal keeps findings."""

import json
import zlib
from collections.abc import Iterable
from dataclasses import dataclass

from delegation.mesh.checks import ACCOUNT_RULE, Finding, Severity

MOST = 32 * 2**20
"""Characters of one audit's findings that are kept; 10,000 hosts with 20 missing values each."""


@dataclass(frozen=True, slots=True)
class News:
    """``new``: not found before. ``resolved``: found before, and looked for in vain."""

    new: tuple[Finding, ...]
    known: tuple[Finding, ...]
    resolved: tuple[Finding, ...] = ()


def news(found: Iterable[Finding], before: Iterable[Finding]) -> News:
    """``found`` and what was found ``before``, told apart; each in its own order.

    Of a host that has no account any more nothing is resolved: it could not be looked at.
    """
    found, before = tuple(found), tuple(before)
    found_before = {identity(finding) for finding in before}
    found_now = {identity(finding) for finding in found}
    new = [finding for finding in found if identity(finding) not in found_before]
    known = [finding for finding in found if identity(finding) in found_before]
    gone = [finding for finding in before if identity(finding) not in found_now]
    unread = {finding.computer for finding in found if finding.rule == ACCOUNT_RULE}
    resolved = [finding for finding in gone if finding.computer not in unread]
    return News(tuple(new), tuple(known), tuple(resolved))


def identity(finding: Finding) -> tuple[str, str, str, str]:
    """What makes two findings the same one: rule, host, value, and what is said of them.

    The message is part of it because some rules name there whom they found: one more account that
    may act on a host is news. Values are compared as the directory does, without case.
    """
    return finding.rule, finding.computer, finding.value.casefold(), finding.message


def encode(findings: Iterable[Finding]) -> bytes | None:
    """Findings as compressed JSON; None where they are too many to be kept."""
    rows = [
        (
            finding.rule,
            str(finding.severity),
            finding.computer,
            finding.value,
            finding.message,
            finding.fix,
        )
        for finding in findings
    ]
    characters = sum(len(text) for row in rows for text in row)
    if characters > MOST:
        return None
    return zlib.compress(json.dumps(rows).encode())


def decode(content: bytes) -> tuple[Finding, ...]:
    """Raises ValueError, LookupError or TypeError for what ``encode`` never wrote."""
    reader = zlib.decompressobj()
    try:
        # No further than a page may grow to, with room for JSON's escapes: a few bytes of a
        # damaged page could fill the memory.
        text = reader.decompress(content, 8 * MOST)
    except zlib.error as exc:
        raise ValueError(str(exc)) from exc
    if not reader.eof:
        raise ValueError("it is cut off, or too long")
    return tuple(_finding(*row) for row in json.loads(text))


def _finding(*row: str) -> Finding:
    if not all(isinstance(text, str) for text in row):
        raise TypeError("a finding is made of texts")
    rule, severity, computer, value, message, fix = row
    return Finding(rule, Severity[severity.upper()], computer, value, message, fix)
