"""Data in PowerShell and in comments: nothing gets out of its place."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delegation.report import quoting
from tests.powershell import data, parsed, shape, walk

NASTY = [
    "",
    "cifs/hv02",
    "it's",
    "'; calc; '",
    "''",
    "\u2018; calc; \u2019 \u201a \u201b \u201c \u201d \u201e",
    "$(calc) ${env:TEMP} $x `n `' %{calc} @(calc)",
    '"; calc; "',
    "a\ncalc\r\ncalc\u0085calc\u2028calc",
    "#> calc <# #",
    "'@\ncalc\n@'",
    '"@\ncalc\n@"',
    "\\u0027; calc; \\",
    "\\",
    "\\\u2019",
    "CN=M\u00fcller\\, Hans\u0000",
    "\U0001f600\u202egpj.exe\ufeff",
    "--% & | ; > out < in",
    "]]>)))}}}",
]


@pytest.mark.parametrize("text", NASTY)
def test_powershell_reads_back_what_was_meant(text: str) -> None:
    read_back(text)


@given(st.text(st.characters(codec="utf-8")))
def test_powershell_reads_back_any_text(text: str) -> None:
    read_back(text)


@given(st.text(st.sampled_from("'\\u2018\u2019()[]$;\n ")))
def test_powershell_reads_back_quotes_and_escapes(text: str) -> None:
    read_back(text)


def read_back(text: str) -> None:
    written = quoting.powershell(text)
    assert written.isascii()
    assert written.isprintable()
    script = parsed(f"$x = @(\n{written}\n'end'\n)\n")
    found = [value for node in walk(script) if (value := data(node)) is not None]
    assert found[0] == text
    assert found[-1] == "end"
    assert shape(script) == PLAIN


PLAIN = shape(parsed("$x = @(\n'plain'\n'end'\n)\n"))


def test_what_is_plain_stays_readable() -> None:
    assert quoting.powershell("cifs/hv02") == "'cifs/hv02'"
    assert quoting.powershell(r"CN=a\,b") == r"'CN=a\,b'"
    assert quoting.powershell("it's") == "'it''s'"
    assert quoting.powershell("M\u00fcller\\x") == r"([regex]::Unescape('M\u00fcller\\x'))"


@given(st.text())
def test_a_comment_stays_on_its_line_and_ends_nothing(text: str) -> None:
    written = quoting.comment(text)
    assert written.isascii()
    assert written.isprintable()
    assert "#>" not in written


@pytest.mark.parametrize("text", NASTY)
def test_a_comment_is_one_in_powershell(text: str) -> None:
    written = quoting.comment(text)
    assert shape(parsed(f"# {written}\n'x'\n")) == shape(parsed("'x'\n"))
    assert shape(parsed(f"<#\n{written}\n#>\n'x'\n")) == shape(parsed("'x'\n"))
