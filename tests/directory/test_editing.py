import base64
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from delegation.directory import editing, ldif
from delegation.directory.editing import Fold

DELEGATE = "msDS-AllowedToDelegateTo"


def record(*lines: str, end: str = "") -> list[bytes]:
    return [(line + end).encode() for line in lines]


def delegating(*values: str) -> list[str]:
    return [f"{DELEGATE}: {value}" for value in values]


def put(lines: list[bytes], *values: str, fold: Fold | None = None) -> list[bytes]:
    return editing.with_values(lines, DELEGATE, values, fold)


class TestPlaces:
    def test_a_new_value_stands_behind_the_one_before_it(self) -> None:
        lines = record("dn: x", *delegating("a", "c"), "cn: x")
        assert put(lines, "a", "b", "c", "d") == record(
            "dn: x", *delegating("a", "b", "c", "d"), "cn: x"
        )
        assert put(lines, "0", "a", "c") == record("dn: x", *delegating("0", "a", "c"), "cn: x")

    def test_values_of_an_attribute_in_two_groups_stay_in_theirs(self) -> None:
        lines = record("dn: x", *delegating("a", "b"), "cn: x", *delegating("c"), "sn: x")
        assert put(lines, "a", "c", "d") == record(
            "dn: x", *delegating("a"), "cn: x", *delegating("c", "d"), "sn: x"
        )

    def test_all_values_exchanged_stay_in_place(self) -> None:
        lines = record("dn: x", *delegating("a", "b"), "cn: x")
        assert put(lines, "c", "d") == record("dn: x", *delegating("c", "d"), "cn: x")

    def test_an_order_is_taken_over(self) -> None:
        lines = record("dn: x", *delegating("a", "b"), "cn: x", *delegating("c"))
        assert put(lines, "c", "a", "n", "b") == record(
            "dn: x", *delegating("c", "a", "n"), "cn: x", *delegating("b")
        )

    def test_the_first_value_goes_where_a_directory_gives_it(self) -> None:
        lines = record(
            "dn: x", "cn: x", "msDS-SupportedEncryptionTypes: 28", "distinguishedName: x"
        )
        assert put(lines, "a")[2:] == record(*delegating("a")) + lines[2:]
        assert put(lines[:2], "a") == lines[:2] + record(*delegating("a"))

    def test_kept_lines_keep_their_bytes(self) -> None:
        lines = record("dn: x", "MSDS-ALLOWEDTODELEGATETO::   YQ==", f"{DELEGATE}:\n  b", "# a: b")
        assert put(lines, "a", "b") == lines
        assert put(lines, "b") == [lines[0], *lines[2:]]


class TestHand:
    @pytest.mark.parametrize(
        ("value", "line"),
        [
            ("a b:<", "a b:<"),
            (" a", ": IGE="),
            (":a", ": OmE="),
            ("<a", ": PGE="),
            ("a ", ": YSA="),
            ("é", ": w6k="),
            ("a\nb", ": YQpi"),
            ("a\0", ": YQA="),
            ("", ""),
        ],
    )
    def test_base64_where_the_grammar_asks_for_it(self, value: str, line: str) -> None:
        head = f"{DELEGATE}:" + (":" if line.startswith(": ") else "") + " "
        assert put(record("dn: x"), value)[1] == (head + line.removeprefix(": ")).encode()

    def test_as_its_neighbours_are_written(self) -> None:
        lines = record("dn:x", "msds-allowedtodelegateto:a", end="\r")
        assert put(lines, "a", "b")[2] == b"msds-allowedtodelegateto:b\r"

    def test_as_the_record_is_written(self) -> None:
        assert put(record("dn:x", "cn:y", end="\r"), "a")[2] == f"{DELEGATE}:a\r".encode()

    def test_one_value(self) -> None:
        lines = record("dn: x", "useraccountcontrol:  4096", "cn: y", end="\r")
        changed = editing.with_value(lines, "userAccountControl", "4098", None)
        assert changed == record("dn: x", "useraccountcontrol:  4098", "cn: y", end="\r")


class TestFold:
    def test_none_without_folded_lines(self) -> None:
        assert editing.fold_of(ldif.Document("x", b"dn: x\n# a\n b\ncn: " + b"y" * 99)) is None

    def test_at_a_width(self) -> None:
        body = b"dn: 3456789\n 0\ncn: 3456789\n 12345678\n 9\nsn: y\n"
        assert editing.fold_of(ldif.Document("x", body)) == Fold(11, 11, 9)

    def test_behind_the_colon(self) -> None:
        body = (
            b"dn: a-rather-long-name\r\nou: 3456789\r\n"
            b"cn: \r\n 123456789\r\n 1\r\nsn: \r\n 1234\r\n"
        )
        fold = editing.fold_of(ldif.Document("x", body))
        # Hand-edited: a line of 8 is broken, one of 11 is not. What is broken counts.
        assert fold == Fold(4, 0, 10, after_colon=True)

    def test_lines_in_folds(self) -> None:
        wrapped = put(record("dn: x", end="\r"), "a" * 20, fold=Fold(30, 30, 11))
        assert wrapped[1] == f"{DELEGATE}: aaaa\r\n {'a' * 10}\r\n {'a' * 6}\r".encode()
        broken = put(record("dn: x"), "a" * 20, "b", fold=Fold(30, 0, None, after_colon=True))
        assert broken[1:] == [f"{DELEGATE}: \n {'a' * 20}".encode(), f"{DELEGATE}: b".encode()]


@dataclass(frozen=True)
class Exporter:
    """How a generated file is written."""

    ending: str
    width: int | None
    after_colon: bool
    gap: str
    name: str

    def line(self, name: str, value: str) -> str:
        raw = value.encode()
        plain = raw.isascii() and value == value.strip(" ") and not value.startswith((":", "<"))
        head = f"{name}:{self.gap}" if plain else f"{name}::{self.gap}"
        return self.folded(head, value if plain else base64.b64encode(raw).decode())

    def folded(self, head: str, content: str) -> str:
        whole = head + content
        if self.width is None or len(whole) <= self.width:
            return whole + self.ending
        at = len(head) if self.after_colon else self.width
        pieces = [whole[:at]]
        while at < len(whole):
            pieces.append(whole[at : at + self.width - 1])
            at += self.width - 1
        return f"{self.ending} ".join(pieces) + self.ending

    def file(self, values: list[str]) -> bytes:
        """A record, and others whose lines show at what lengths the exporter folds."""
        width = self.width or 60
        shown = [
            self.folded(f"description:{self.gap}", "x" * (width + more - 12 - len(self.gap)))
            for more in (-1, 0, 1, 2, width, 3 * width)
        ]
        return "".join(
            [
                self.line("dn", "CN=hv01"),
                self.line("cn", "hv01"),
                *(self.line(self.name, value) for value in values),
                self.line("msDS-SupportedEncryptionTypes", "28"),
                self.ending,
                self.line("dn", "CN=other"),
                *shown,
                self.ending,
            ]
        ).encode()


EXPORTERS = st.builds(
    Exporter,
    ending=st.sampled_from(["\n", "\r\n"]),
    width=st.sampled_from([None, 30, 60, 76, 77, 78, 80]),
    after_colon=st.booleans(),
    gap=st.sampled_from([" ", "", "  "]),
    name=st.just(DELEGATE),
)
SPNS = st.one_of(
    st.from_regex(r"\A(cifs|Microsoft Virtual System Migration Service)/hv[0-9]{2}\Z"),
    st.from_regex(r"\A(cifs|HTTP|MSSQLSvc)/hv[0-9]{2}(\.corp\.example){1,9}(:[0-9]{4})?\Z"),
    st.text(st.characters(codec="utf-8", exclude_characters="\0\r\n"), min_size=1, max_size=60),
)
MANY = st.lists(SPNS, unique=True, max_size=8)


def rewritten(raw: bytes, values: list[str]) -> bytes:
    text = ldif.document(raw, "x.ldif")
    first = next(iter(ldif.records(text)))
    lines = ldif.lines(text.body[first.start : first.end - 1])
    changed = editing.with_values(lines, DELEGATE, values, editing.fold_of(text))
    body = text.body[: first.start] + b"\n".join(changed) + b"\n" + text.body[first.end :]
    again = next(iter(ldif.records(ldif.document(text.encoded(body), "x.ldif"))))
    held = [value.decode() for value in again.attributes.pop(DELEGATE.lower(), [])]
    first.attributes.pop(DELEGATE.lower(), None)
    assert held == values
    assert again.attributes == first.attributes
    return body


@settings(deadline=None)
@given(EXPORTERS, MANY, st.data())
def test_a_change_and_its_reverse_give_the_same_bytes(
    exporter: Exporter, before: list[str], data: st.DataObject
) -> None:
    stay = data.draw(st.lists(st.sampled_from(before), unique=True)) if before else []
    new = data.draw(st.lists(SPNS.filter(lambda spn: spn not in before), unique=True, max_size=8))
    after = [value for value in before if value in stay] + new
    raw = exporter.file(before)
    there = rewritten(raw, after)
    assert rewritten(there, before) == raw
    assert there == exporter.file(after)
    shuffled = data.draw(st.permutations(after))
    assert rewritten(rewritten(there, shuffled), after) == there


@settings(deadline=None)
@given(EXPORTERS, MANY)
def test_the_values_that_are_there_change_nothing(exporter: Exporter, values: list[str]) -> None:
    raw = exporter.file(values)
    assert rewritten(raw, values) == raw
