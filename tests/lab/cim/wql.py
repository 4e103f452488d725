"""WQL, the part of it that programs use: SELECT with conditions, ASSOCIATORS OF, REFERENCES OF.

Strict as WMI is: a class, column or condition that is not known, an array in a condition, a
literal of another type are an invalid query (0x80041017) or an invalid class (0x80041010).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.lab.cim.cim_faults import INVALID_QUERY, CimFault, wmi
from tests.lab.cim.cim_values import INTEGER, Instance, WrongValue, read, written
from tests.lab.cim.classes import CimClass, classes
from tests.lab.cim.object_paths import object_path, unquoted

TOKEN = re.compile(
    r"""\s*(?:(?P<text>'(?:\\.|''|[^'\\])*'|"(?:\\.|[^"\\])*")|(?P<number>[+-]?\d+)"""
    r"""|(?P<word>[A-Za-z_]\w*)|(?P<sign>!=|<>|<=|>=|[=<>(),*{}]))"""
)
SYSTEM = {"__CLASS", "__SERVER", "__PATH", "__RELPATH", "__NAMESPACE"}
COMPARED: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<>": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}
OBJECT = re.compile(
    r"\s*(ASSOCIATORS|REFERENCES)\s+OF\s*\{(.*)\}\s*(?:WHERE\s+(.*?))?\s*",
    re.IGNORECASE | re.DOTALL,
)
WANTS = {
    "associators": {"assocclass", "resultclass", "role", "resultrole"},
    "references": {"resultclass", "role"},
}

Test = Callable[[Instance], bool]


@dataclass(frozen=True)
class Selection:
    """``SELECT columns FROM kinds WHERE test``; no columns are all."""

    kinds: Sequence[CimClass]
    columns: Sequence[str]
    test: Test


@dataclass(frozen=True)
class Relation:
    """``ASSOCIATORS OF {…}``, or REFERENCES; ``wanted``: what its WHERE says, in lower case."""

    references: bool
    kind: CimClass
    keys: dict[str, str]
    wanted: dict[str, str] = field(default_factory=dict)


def invalid(about: str) -> CimFault:
    """A query that WMI does not take."""
    return wmi(INVALID_QUERY, about)


def parse(text: str, namespace: str, server: str) -> Selection | Relation:
    """Read a query.

    Raises:
        CimFault: it is none that is understood here, or names what there is not.
    """
    if found := OBJECT.fullmatch(text):
        return relation(found, namespace)
    return Parser(text, namespace, server).selection()


def relation(found: re.Match[str], namespace: str) -> Relation:
    """Read ASSOCIATORS OF and REFERENCES OF."""
    verb, path, conditions = found.groups()
    kind, keys = object_path(path.strip(), namespace)
    wanted = dict(wishes(conditions or ""))
    if wanted.keys() - WANTS[verb.casefold()]:
        raise invalid(f"{sorted(wanted)}")
    for name in ("assocclass", "resultclass"):
        if name in wanted:
            classes().all_of(namespace, wanted[name])
    return Relation(verb.casefold() == "references", kind, keys, wanted)


def wishes(conditions: str) -> list[tuple[str, str]]:
    """Read ``AssocClass = X ResultClass = Y``, which no AND separates."""
    rest, found = conditions.strip(), []
    while rest:
        one = re.match(r"(\w+)\s*=\s*(\w+)\s*", rest)
        if one is None:
            raise invalid(rest)
        found.append((one[1].casefold(), one[2]))
        rest = rest[one.end() :]
    return found


class Parser:
    """Reads one SELECT, from left to right."""

    def __init__(self, text: str, namespace: str, server: str) -> None:
        self.text, self.namespace, self.server = text, namespace, server
        self.tokens = list(self.split())
        self.at = 0
        self.kinds: list[CimClass] = []

    def split(self) -> list[str]:
        """Split the text into tokens."""
        found, place = [], 0
        while place < len(self.text.rstrip()):
            one = TOKEN.match(self.text, place)
            if one is None:
                raise invalid(self.text)
            found.append(one[0].strip())
            place = one.end()
        return found

    def take(self, *wanted: str) -> str:
        """Take the next token if it is one of those, in any case; else nothing."""
        if self.at < len(self.tokens) and self.tokens[self.at].upper() in wanted:
            self.at += 1
            return self.tokens[self.at - 1].upper()
        return ""

    def must(self, *wanted: str) -> str:
        """Take the next token; raise CimFault if it is none of those."""
        taken = self.take(*wanted)
        if not taken:
            raise invalid(self.text)
        return taken

    def word(self) -> str:
        """Take a name."""
        if self.at >= len(self.tokens) or not re.fullmatch(r"\w+", self.tokens[self.at]):
            raise invalid(self.text)
        self.at += 1
        return self.tokens[self.at - 1]

    def selection(self) -> Selection:
        """Read it all."""
        self.must("SELECT")
        names = [] if self.take("*") else [self.word()]
        while names and self.take(","):
            names.append(self.word())
        self.must("FROM")
        self.kinds = classes().all_of(self.namespace, self.word())
        columns = [self.known(name) for name in names]
        test = self.either() if self.take("WHERE") else lambda _: True
        if self.at != len(self.tokens):
            raise invalid(self.text)
        return Selection(self.kinds, columns, test)

    def known(self, name: str) -> str:
        """Give a column's right spelling; raise CimFault if no class has it."""
        if name.upper() in SYSTEM:
            return name.upper()
        found = next(filter(None, (kind.property_named(name) for kind in self.kinds)), None)
        if found is None:
            raise invalid(f"{self.text} ({name})")
        return found

    def either(self) -> Test:
        """Read conditions with OR."""
        tests = [self.both()]
        while self.take("OR"):
            tests.append(self.both())
        return lambda one: any(test(one) for test in tests)

    def both(self) -> Test:
        """Read conditions with AND."""
        tests = [self.single()]
        while self.take("AND"):
            tests.append(self.single())
        return lambda one: all(test(one) for test in tests)

    def single(self) -> Test:
        """Read one condition."""
        if self.take("NOT"):
            inner = self.single()
            return lambda one: not inner(one)
        if self.take("("):
            inner = self.either()
            self.must(")")
            return inner
        name = self.known(self.word())
        if self.take("IS"):
            wanted = not self.take("NOT")
            self.must("NULL")
            return lambda one: (self.held(one, name) is None) is wanted
        sign = self.must(*COMPARED, "LIKE")
        return self.condition(name, sign)

    def condition(self, name: str, sign: str) -> Test:
        """Compare a column with a literal."""
        literal, kind = self.literal(name)
        if sign == "LIKE":
            if kind != "string":
                raise invalid(self.text)
            like = re.compile(pattern(str(literal)), re.IGNORECASE | re.DOTALL)
            return lambda one: bool(like.fullmatch(str(self.held(one, name) or "")))
        compared = COMPARED[sign]

        def test(one: Instance) -> bool:
            held = self.held(one, name)
            return held is not None and compared(folded(held), folded(literal))

        return test

    def literal(self, name: str) -> tuple[Any, str]:
        """Take a literal, as a value of the column's type."""
        if self.at >= len(self.tokens):
            raise invalid(self.text)
        token = self.tokens[self.at]
        self.at += 1
        kind = "string" if name in SYSTEM else self.kind_of(name)
        if token.upper() == "__SERVER":
            return self.server, kind
        quoted = token[0] in "'\""
        if kind == "string" or kind.startswith("ref:"):
            if not quoted:
                raise invalid(f"{self.text} ({name} is {kind})")
            return unquoted(token), "string"
        if not (quoted or INTEGER.fullmatch(kind) or kind == "boolean"):
            raise invalid(f"{self.text} ({name} is {kind})")
        try:
            return read(kind, unquoted(token)), kind
        except WrongValue as error:
            raise invalid(f"{self.text} ({error})") from error

    def kind_of(self, name: str) -> str:
        """Give a column's type; raise CimFault for an array, of which there is no condition."""
        found = next(kind.properties[name] for kind in self.kinds if name in kind.properties)
        if found.endswith("[]"):
            raise invalid(f"{self.text} ({name} is {found})")
        return found

    def held(self, one: Instance, name: str) -> Any:
        """Give what an instance has in a column."""
        match name:
            case "__CLASS":
                return one.kind.name
            case "__SERVER":
                return self.server
            case "__NAMESPACE":
                return one.kind.namespace.replace("/", "\\")
            case "__PATH":
                return one.path(self.server)
            case "__RELPATH":
                return one.path(self.server).partition(":")[2]
        held = one[name]
        return held.path(self.server) if isinstance(held, Instance) else held


def folded(value: Any) -> Any:
    """Give a value as it is compared: texts in any case."""
    if isinstance(value, str):
        return value.casefold()
    return value if isinstance(value, bool | int) else written(value)


def pattern(like: str) -> str:
    """Give LIKE's pattern as a regular expression."""
    parts = re.split(r"(%|_|\[[^\]]*\])", like)
    named = {"%": ".*", "_": "."}
    return "".join(
        named.get(part, part if part.startswith("[") else re.escape(part)) for part in parts
    )
