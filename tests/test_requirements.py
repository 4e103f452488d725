"""What is installed: each package of requirements/ by its hashes, within the project's bounds."""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
EXTRAS = PROJECT["project"]["optional-dependencies"]
PARTS = {
    "build": [*PROJECT["dependency-groups"]["build"], *PROJECT["build-system"]["requires"]],
    "program": PROJECT["project"]["dependencies"],
    **EXTRAS,
}
"""What each file of requirements/ is resolved from; scripts/install takes the first one first."""

PINNED = re.compile(r"([a-z0-9-]+)==([0-9][0-9a-z.]*)( ; [^\\]+)? \\")
HASH = re.compile(r"    --hash=sha256:[0-9a-f]{64}( \\)?")
USED_INSIDE = {"impacket", "ldap3", "pypsrp", "pyspnego"}
"""Of which we derive from classes, or use names that begin with an underscore."""


class Locked(NamedTuple):
    name: str
    version: str
    hashes: int


def locked(part: str) -> Iterator[Locked]:
    """The packages of a file, every line of which must be understood: no address, no option."""
    text = (ROOT / "requirements" / f"{part}.txt").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    starts = [at for at, line in enumerate(lines) if not line.startswith(" ")]
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        pin = PINNED.fullmatch(lines[start])
        assert pin, lines[start]
        hashes = [HASH.fullmatch(line) for line in lines[start + 1 : end]]
        assert all(hashes), lines[start]
        # As pip reads it: the next line belongs to this package as long as there is a backslash.
        assert [bool(one and one[1]) for one in hashes] == [True] * (len(hashes) - 1) + [False]
        yield Locked(pin[1], pin[2], len(hashes))


VERSIONS = {one.name: one.version for part in PARTS for one in locked(part)}


@pytest.mark.parametrize("part", PARTS)
def test_every_package_has_hashes(part: str) -> None:
    assert all(one.hashes >= 1 for one in locked(part))


def test_every_file_is_installed_and_no_package_twice() -> None:
    assert {path.stem for path in (ROOT / "requirements").glob("*")} == set(PARTS)
    assert [
        n for n, count in Counter(one.name for p in PARTS for one in locked(p)).items() if count > 1
    ] == []


@pytest.mark.parametrize("part", PARTS)
def test_every_dependency_is_there_within_its_bounds(part: str) -> None:
    """Also without the other extra: what a part needs is its own, the program's, or builds."""
    reach = {one.name for name in ("build", "program", part) for one in locked(name)}
    for text in PARTS[part]:
        wanted = Requirement(text)
        name = canonicalize_name(wanted.name)
        assert name in reach, name
        assert wanted.specifier.contains(VERSIONS[name]), f"{text}: {VERSIONS[name]}"


def test_bounds() -> None:
    """Each from a release on, and below another where we use what is not promised."""
    for text in (*PARTS["program"], *EXTRAS["kerberos"]):
        wanted = Requirement(text)
        operators = {one.operator for one in wanted.specifier}
        assert ">=" in operators, text
        assert "<" in operators or wanted.name not in USED_INSIDE, text


def test_the_build_back_end_is_the_locked_one() -> None:
    """Whoever installs by pip alone builds with the same."""
    (back_end,) = map(Requirement, PROJECT["build-system"]["requires"])
    assert str(back_end.specifier) == f"=={VERSIONS[back_end.name]}"
