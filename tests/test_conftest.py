"""What conftest.py says of the files of tests is so."""

import ast
from functools import cache
from pathlib import Path

from tests.conftest import NEEDS_KERBEROS, TESTS

COMPILED = {"gssapi", "krb5"}


def test_what_needs_kerberos_is_left_out_without_it() -> None:
    """By what is imported when a file is read: --unit would end at the first that can't be."""
    needing = set()
    for file in TESTS.rglob("test_*.py"):
        path = file.relative_to(TESTS)
        if path.parts[0] != "lab" and _imported(file) & COMPILED:
            needing.add(path.as_posix())
    assert {"lab", *needing} == set(NEEDS_KERBEROS)


def _imported(file: Path) -> set[str]:
    """All packages that reading ``file`` imports, by way of others too."""
    found: set[str] = set()
    seen: set[Path] = set()
    left = [file]
    while left:
        one = left.pop()
        if one in seen:
            continue
        seen.add(one)
        for name in _names(one):
            found.add(name.partition(".")[0])
            left += _files_of(name)
    return found


@cache
def _names(file: Path) -> set[str]:
    """Modules that are imported whenever ``file`` is read, not those of types alone."""
    names: set[str] = set()
    for statement in ast.parse(file.read_text()).body:
        if isinstance(statement, ast.Import):
            names |= {alias.name for alias in statement.names}
        elif isinstance(statement, ast.ImportFrom) and statement.module:
            names.add(statement.module)
            names |= {f"{statement.module}.{alias.name}" for alias in statement.names}
    return names


def _files_of(name: str) -> list[Path]:
    """The files of a module of tests, with the packages around it; none of any other."""
    parts = name.split(".")
    if parts[0] != "tests":
        return []
    files = [TESTS.joinpath(*parts[1:end], "__init__.py") for end in range(1, len(parts) + 1)]
    files.append(TESTS.joinpath(*parts[1:]).with_suffix(".py"))
    return [file for file in files if file.is_file()]
