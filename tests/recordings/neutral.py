"""What differs from one run, day or machine to the next, as placeholders."""

import hashlib
import platform
import re
import sys
from collections.abc import Mapping

from tests.cli.world import ROOT

WHO = "admin"
"""Who types, in a story."""

_DAY = re.compile(r"20(?:2[5-9]|[3-8]\d)\\?-\d\d\\?-\d\d")
_TIME = re.compile(_DAY.pattern + r"[T ]\d\d:\d\d(?::\d\d)?(?:\\?\.\d+)?")
"""Of 2025 and later: what a story itself dates is older, or of 2099, and shown as it is.

Markdown escapes what is in them."""

_MACHINE = re.compile(rf'(\b{WHO} on |"machine": "|\b{WHO},){re.escape(platform.node())}(?![\w.-])')
"""Where it is named; a machine may be called as any word is."""

_UNDO_ID = re.compile(r"(?<=\brun-)(\d+)-[0-9a-f]{16}(?=-undo\.ldif)")
"""In the name of a run's undo file."""

GAP = re.compile(r"(?<=\S) {3,}(?=\S)")
_WRAPPED = re.compile(r"<(style|script)\b([^>]*)>(.*?)</\1>", re.DOTALL)


def neutral(text: str, own: Mapping[str, str]) -> str:
    """``text`` as it would be anywhere; ``own`` gives more texts and what stands for each."""
    known = {**own, str(ROOT): "<checkout>", sys.executable: "<python>"}
    found = text
    for one in sorted(known, key=len, reverse=True):
        found = re.sub(rf"(?<![\w]){re.escape(one)}(?!\w)", known[one], found)
    if found != text:  # a table's columns are as wide as what stands in them
        found = GAP.sub("  ", found)
    found = _UNDO_ID.sub(r"\1-<id>", found)
    found = _MACHINE.sub(r"\1<machine>", found)
    return _DAY.sub("<day>", _TIME.sub("<time>", found))


def page(text: str) -> str:
    """A page of HTML without its style and its scripts, of which a digest tells any change."""
    return _WRAPPED.sub(
        lambda m: f"<{m[1]}{m[2]}>sha256:{hashlib.sha256(m[3].encode()).hexdigest()}</{m[1]}>",
        text,
    )
