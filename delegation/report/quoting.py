"""Data within files that other programs run: PowerShell strings, and comments of one line.

What comes out is printable ASCII, whatever goes in. Such a file reads the same in every code page
(Windows PowerShell 5.1 takes one without byte order mark for ANSI), and nothing in it can hide
from a reviewer or reorder what stands around it.
"""


def powershell(text: str) -> str:
    """An expression that PowerShell evaluates to exactly ``text``.

    A verbatim string, in which a quote is doubled and nothing else means anything. PowerShell also
    ends one at a typographic quote (about_Quoting_Rules): like all that is not printable ASCII,
    those are spelled ``\\uXXXX`` in UTF-16, which ``[regex]::Unescape`` takes back.
    """
    if _plain(text):
        return _verbatim(text)
    return f"([regex]::Unescape({_verbatim(_escaped(text.replace(_BACKSLASH, _BACKSLASH * 2)))}))"


def comment(text: str) -> str:
    """``text`` for a reader, on one line and without an end of PowerShell's block comments."""
    return _escaped(text).replace("#>", "#\\u003e")


_BACKSLASH = "\\"


def _verbatim(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _plain(text: str) -> bool:
    return text.isascii() and text.isprintable()


def _escaped(text: str) -> str:
    if _plain(text):
        return text
    return "".join(c if _plain(c) else _units(c) for c in text)


def _units(character: str) -> str:
    """One escape for each UTF-16 code unit."""
    raw = character.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{raw[at : at + 4]}" for at in range(0, len(raw), 4))
