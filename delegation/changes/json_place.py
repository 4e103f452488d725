"""A value in a JSON document anybody may have edited: read by its type, or refused in words."""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from delegation.errors import Refused

MOST_TEXT = 8_192
"""Characters of one text, more than any name, path or reason has."""


class NotSaid(ValueError):
    """What is wrong with a document, and where in it, in words."""


def decoded(data: bytes, most: int) -> "JsonPlace":
    """The whole of a document. Raises NotSaid, and Refused for a key that comes twice.

    ``most`` is how many bytes it may have. How deep it may go is bounded by the parser.
    """
    if len(data) > most:
        raise NotSaid(f"it is larger than {most >> 20} MiB")
    try:
        value = json.loads(data, object_pairs_hook=_told_once, parse_constant=_no_number)
    except RecursionError as exc:
        raise NotSaid("it is nested too deep") from exc
    except UnicodeDecodeError as exc:
        raise NotSaid("it is no text in UTF-8") from exc
    except json.JSONDecodeError as exc:
        raise NotSaid(f"it is no JSON: {exc.msg}, line {exc.lineno}") from exc
    except NotSaid:
        raise
    except ValueError as exc:  # a number of more digits than Python reads
        raise NotSaid("there is a number in it that is too long") from exc
    return JsonPlace(value, "")


def _told_once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """An object of JSON, whose keys each come once: a parser takes the last, a reader the first."""
    refuse_repeated(f"the key {key}" for key, _ in pairs)
    return dict(pairs)


def _no_number(text: str) -> None:
    raise NotSaid(f"{text} is no number of JSON")


class JsonPlace(NamedTuple):
    """A value and its way from the top, as in ``changes[3].dn``. Everything raises NotSaid."""

    value: Any
    way: str

    def wrong(self, expected: str) -> NotSaid:
        return NotSaid(f"{self.way or 'it'} is not {expected}")

    def keys(self, *wanted: str) -> "dict[str, JsonPlace]":
        """What a mapping has under exactly these keys."""
        if not isinstance(self.value, dict):
            raise self.wrong("a mapping")
        for key in self.value:
            if key not in wanted:
                raise NotSaid(f"{self.way or 'it'} has the unknown key {key[:40]!r}")
        for key in wanted:
            if key not in self.value:
                raise NotSaid(f"{self.way or 'it'} lacks {key!r}")
        before = f"{self.way}." if self.way else ""
        return {key: JsonPlace(self.value[key], f"{before}{key}") for key in wanted}

    def has(self, key: str) -> bool:
        return isinstance(self.value, dict) and key in self.value

    def items(self, most: int) -> "list[JsonPlace]":
        """The items of a list of that many at most."""
        if not isinstance(self.value, list):
            raise self.wrong("a list")
        if len(self.value) > most:
            raise NotSaid(f"{self.way} is a list of more than {most:,}")
        return [JsonPlace(one, f"{self.way}[{at}]") for at, one in enumerate(self.value)]

    def text(self, *, may_be_empty: bool = False) -> str:
        if not isinstance(self.value, str) or not (self.value or may_be_empty):
            raise self.wrong("a text")
        if len(self.value) > MOST_TEXT:
            raise NotSaid(f"{self.way} is longer than {MOST_TEXT:,} characters")
        try:
            self.value.encode()
        except UnicodeEncodeError as exc:
            raise self.wrong("a text: there is half a character in it") from exc
        return self.value

    def text_or_none(self) -> str | None:
        return None if self.value is None else self.text()

    def number(self, most: int) -> int:
        """A whole number from 0."""
        is_number = isinstance(self.value, int) and not isinstance(self.value, bool)
        if not is_number or not 0 <= self.value <= most:
            raise self.wrong(f"a whole number from 0 to {most:,}")
        return int(self.value)

    def boolean(self) -> bool:
        if not isinstance(self.value, bool):
            raise self.wrong("true or false")
        return self.value


def refuse_repeated(told: Iterable[str]) -> None:
    """Raise Refused where a saved plan tells something more than once; ``told`` is all of it.

    Whoever compares it would go by one of the two, and its reviewer may have gone by the other.
    """
    repeated = [line for line, times in Counter(told).items() if times > 1]
    if repeated:
        what = "the saved plan tells more than once what there is once; nothing was written"
        raise Refused(what, "plan again, and have the new plan reviewed", repeated)
