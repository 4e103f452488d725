"""The text of a YAML file: read within a bound, decoded, and its syntax errors in plain words."""

import re
from pathlib import Path
from typing import NoReturn

import yaml

from delegation.errors import Problem, UsageError

MAX_BYTES = 1 << 20
"""No inventory is larger: 20,000 hosts, one a line, fit."""

_SHOWN = 60


def quoted(text: str) -> str:
    """``text`` for a message: quoted, no longer than a line, its control characters inert."""
    return repr(text) if len(text) <= _SHOWN else f"{text[: _SHOWN - 20]!r}...{text[-15:]!r}"


class UnreadableError(Exception):
    """Nothing after this problem can be trusted."""

    def __init__(self, at: tuple[int, int], what: str, fix: str) -> None:
        super().__init__(what)
        self.problem = Problem(*at, what, fix)


def stop(at: tuple[int, int], what: str, fix: str) -> NoReturn:
    raise UnreadableError(at, what, fix)


def read_file(path: str) -> bytes:
    """The bytes of the file, at most one more than ``MAX_BYTES``: ``decoded`` refuses that one.

    Raises UsageError where it can't be read.
    """
    try:
        with Path(path).open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except FileNotFoundError as exc:
        raise UsageError(
            f"there is no inventory {path!r}", "write one with `delegation init`, or name it: -i"
        ) from exc
    except IsADirectoryError as exc:
        raise UsageError(f"{path!r} is a directory", "name the inventory file in it") from exc
    except (OSError, ValueError) as exc:
        reason = getattr(exc, "strerror", None) or str(exc)
        raise UsageError(
            f"the inventory {path!r} cannot be read: {reason}",
            "name a file (not a folder) that you may read",
        ) from exc


# Characters that YAML forbids, breaks lines at although editors don't, or that reorder what is
# seen; and the three that stand for brackets below.
_BAD_CHARACTER = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069"
    "\ue000-\ue002\ufeff\ufffe\uffff]"
)
_BREAK = re.compile(r"\r\n|\r|\n")


def decoded(data: bytes) -> str:
    """The text of ``data``, without a byte order mark.

    Raises UnreadableError where it is too large, not UTF-8, or holds what no text should.
    """
    if len(data) > MAX_BYTES:
        what = f"the file is larger than {MAX_BYTES >> 20} MiB, which no inventory is"
        stop((1, 1), what, "name the inventory with -i; use ranges such as hv[01-64]")
    if data[:2] in {b"\xff\xfe", b"\xfe\xff"} or data[1:4:2] == b"\0\0" or data[:3:2] == b"\0\0":
        stop((1, 1), "the file is UTF-16 text", "save it as UTF-8")
    data = data.removeprefix(b"\xef\xbb\xbf")
    try:
        text = data.decode()
    except UnicodeDecodeError as exc:
        at = position(data[: exc.start].decode())
        stop(at, f"byte 0x{data[exc.start]:02x} is not UTF-8 text", "save the file as UTF-8")
    bad = _BAD_CHARACTER.search(text)
    if bad and bad[0] == "\0":
        at = position(text[: bad.start()])
        stop(at, "a NUL byte: this is not a text file", "name the inventory with -i")
    if bad:
        stop(position(text[: bad.start()]), f"invisible character {bad[0]!a}", "delete it")
    return text


def position(before: str) -> tuple[int, int]:
    """Line and column, from 1, of what follows ``before``."""
    breaks = list(_BREAK.finditer(before))
    return len(breaks) + 1, len(before) - (breaks[-1].end() if breaks else 0) + 1


# `members: [hv[01-62]]` is what an admin writes, yet YAML ends plain text at a bracket inside a
# flow list, so that this is a syntax error. Brackets and commas of a range are therefore hidden
# from the parser, one character for one. This can't change what valid YAML means: only inside
# flow collections are those characters special, and there text can't be followed by a bracket.
_RANGE = re.compile(r"(?<=[A-Za-z0-9_-])(?:\[[A-Za-z0-9_ ,-]*\])+")
_HIDE = str.maketrans("[],", "\ue000\ue001\ue002")
_SHOW = str.maketrans("\ue000\ue001\ue002", "[],")


def hide_ranges(text: str) -> str:
    """``text`` with the ranges of host names made plain for YAML; every position stays."""
    return _RANGE.sub(lambda match: match[0].translate(_HIDE), text)


def show_ranges(text: str) -> str:
    """The reverse of ``hide_ranges``."""
    return text.translate(_SHOW)


MAX_DEPTH = 20
TOO_DEEP = (
    f"lists and mappings are nested deeper than {MAX_DEPTH} levels",
    "6 are enough for any of these files",
)


def syntax_problem(exc: yaml.YAMLError, text: str) -> UnreadableError:
    """What ``exc``, raised by the YAML parser on ``text``, most often means."""
    if not isinstance(exc, yaml.MarkedYAMLError):
        return UnreadableError((1, 1), f"not valid YAML ({str(exc)!a})", _COMPARE)
    said = str(exc.problem)
    mark = exc.problem_mark or exc.context_mark
    if "unexpected end" in said:
        mark = exc.context_mark or mark
    if mark and text[mark.index : mark.index + 1] == "\t":
        said = "tab"
    what, fix = next(
        (words for sign, *words in _SYNTAX if sign in said),
        (f"not valid YAML ({said!a})", _COMPARE),
    )
    if exc.context_mark and "expected ','" in said:
        what += f" (it starts at {exc.context_mark.line + 1}:{exc.context_mark.column + 1})"
    # libyaml counts one line more at an end of file without a line break
    at = min((mark.line + 1, mark.column + 1), position(text)) if mark else (1, 1)
    return UnreadableError(at, what, fix)


_COMPARE = "compare it with the documentation"

# What libyaml and PyYAML say, and what it most often means; the first sign found counts.
_SYNTAX = (
    ("maximum nesting depth", *TOO_DEEP),  # libyaml 0.2.6 looks ahead and finds it first
    ("tab", "a tab where YAML expects spaces", "indent with spaces"),
    ("cannot start any token", "a character that cannot start a value", "quote the value"),
    ("alphabetic or numeric", "* or & starts an alias or anchor in YAML", "quote the value"),
    ("mapping values are not allowed", "a ':' where no key can be",
     "check the indentation and the line before; quote text that contains ': '"),
    ("expected ':'", "a ':' is missing here or on the line before", "end each key with ': '"),
    ("sequence entries are not allowed", "a list item '-' where none can be",
     "start the list on a line of its own"),
    ("expected ',' or ']'", "a list [...] is not closed, or lacks a comma",
     "add the ',' or ']'; quote text with brackets or braces"),
    ("expected ',' or '}'", "a mapping {...} is not closed, or lacks a comma",
     "add the ',' or '}'; quote text with brackets or braces"),
    ("unexpected end of stream", "a quoted text is not closed", "add the closing quote"),
    ("escape", "an unknown escape after \\", "use 'single quotes' around a backslash"),
    ("hexdecimal", "an unknown escape after \\", "use 'single quotes' around a backslash"),
    ("expected key", "this line does not fit the indentation above", "align it with its siblings"),
    ("'-' indicator", "this line does not fit the list above", "align it, or start it with '- '"),
    ("<block end>", "this line does not fit the indentation above", "align it with its siblings"),
    ("node content", "a value was expected here", "quote the value, or delete the character"),
    ("document start", "text after the end of the document", "keep one document in the file"),
)  # fmt: skip
