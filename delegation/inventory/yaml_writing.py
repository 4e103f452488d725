"""Text as YAML: the reverse of reading it, and proof against what it says.

Whatever a text holds, it can neither end its quotes or its comment nor start a key: what isn't
plain is written in quotes with its special characters as escapes, and a comment is made of
printable characters alone.
"""

import re
import textwrap
from collections.abc import Iterator

_WIDTH = 100
_PLAIN = re.compile(r"(?:ldaps?://)?[A-Za-z_][A-Za-z0-9_./-]*(?: [A-Za-z0-9_./-]+)*\Z")
_WORDS = frozenset({"y", "n", "yes", "no", "true", "false", "on", "off", "null"})
"""What YAML 1.1 takes for something else than text."""


def scalar(value: str) -> str:
    """``value`` as one YAML scalar, wherever it stands; in quotes unless it is surely plain."""
    if _PLAIN.match(value) and value.casefold() not in _WORDS:
        return value
    return quoted(value)


def comment(words: str, indent: str = "") -> Iterator[str]:
    """Lines of a comment that say ``words``."""
    plain = "".join(c if c.isprintable() else _escape(c) for c in words)
    width = _WIDTH - len(indent) - 2
    for line in textwrap.wrap(plain, width, break_long_words=False, break_on_hyphens=False):
        yield f"{indent}# {line}"


def quoted(value: str) -> str:
    return '"' + "".join(c if _is_inert(c) else _escape(c) for c in value) + '"'


def _is_inert(character: str) -> bool:
    return character.isprintable() and character not in '"\\'


def _escape(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\U{code:08x}"
