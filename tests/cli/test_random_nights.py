"""Random nights: nothing is called resolved that is there, and nothing is told twice."""

import random
from pathlib import Path
from typing import Any

import pytest

from delegation import names
from tests.cli.program import Delegation
from tests.cli.test_nights import acting
from tests.cli.world import (
    DISABLED,
    DOMAIN,
    INVENTORY,
    MEMBER,
    MIGRATION,
    TRANSITION,
    UNCONSTRAINED,
    account,
    directory,
    forms,
)

HOSTS = ("hv01", "hv02", "hv03", "hv04")
SCOPES = ("hv[01-04]", "hv[01-03]", "hv[02-04]")
STRANGERS = ("S-1-5-21-1-2-3-1", "S-1-5-21-1-2-3-2")
NAMES_OTHERS = {"KCD011", "KCD016"}
"""Rules that tell several things of one host, apart by their words alone."""


def export(chance: random.Random) -> bytes:
    """Four hosts, each perhaps not there, with much that is wrong."""

    def some(*options: Any, share: float) -> list[Any]:
        return [option for option in options if chance.random() < share]

    there = some(*HOSTS, share=0.88)
    records = []
    for host in there:
        desired = forms(*(peer for peer in HOSTS if peer != host))
        others = some("cifs/iso", "HTTP/web", "cifs/dc1.corp.example", share=0.15)
        uac = MEMBER | sum(some(UNCONSTRAINED, DISABLED, share=0.1))
        uac |= sum(some(TRANSITION, share=0.9))
        own = (f"{service}/{name}" for service in (MIGRATION, "HOST")
               for name in (host.upper(), f"{host}.{DOMAIN}"))  # fmt: skip
        registered = some(*own, share=0.94)
        values = (*some(*desired, share=0.92), *others)
        records.append(account(host.upper(), *values, uac=uac, spns=registered))
    records += some(account("THIEF", spns=[f"HOST/{chance.choice(HOSTS)}"]), share=0.3)
    made = directory(*records)
    for host in some(*there, share=0.2):
        made = acting(made, host.upper(), *chance.sample(STRANGERS, chance.randint(1, 2)))
    return made


def identity(finding: dict[str, str]) -> tuple[str, ...]:
    words = finding["message"] if finding["rule"] in NAMES_OTHERS else ""
    return finding["rule"], finding["computer"], finding["value"].casefold(), words


def named(finding: dict[str, str]) -> set[str]:
    """Those who may act on a host."""
    return set(finding["message"].partition("resource-based: ")[2].split(", "))


def is_there(gone: dict[str, str], found: list[dict[str, str]]) -> bool:
    if gone["rule"] != "KCD016":
        return identity(gone) in set(map(identity, found))
    same = [one for one in found if (one["rule"], one["computer"]) == ("KCD016", gone["computer"])]
    return any(named(one) & named(gone) for one in same)


@pytest.mark.parametrize("seed", range(16))
def test_nothing_is_resolved_that_is_there_and_nothing_is_told_twice(
    delegation: Delegation, here: Path, seed: int
) -> None:
    chance = random.Random(seed)
    known: dict[str, dict[tuple[str, ...], str]] = {"a.yaml": {}, "b.yaml": {}}
    for _ in range(9):
        if chance.random() < 0.8:
            (here / "directory.ldif").write_bytes(export(chance))
        inventory, scope = chance.choice([*known]), chance.choice(SCOPES)
        (here / inventory).write_text(INVENTORY.replace("hv[01-03]", scope), encoding="utf-8")
        look = ("-i", inventory, "audit", "--format", "json")
        found = delegation(*look, "--state", "elsewhere").json["findings"]
        is_limited = chance.random() < 0.25
        moves = not is_limited and chance.random() < 0.7
        options = ["--baseline"] if moves else []
        if is_limited:
            options = ["--limit", chance.choice(names.expand(scope))]
            options += ["--baseline"] if chance.random() < 0.5 else []
        ran = delegation(*look, "--new-only", *options).json
        assert [one for one in ran["resolved"] if is_there(one, found)] == []
        told = {identity(one): one["severity"] for one in ran["findings"]}
        assert {key for key in told if known[inventory].get(key) == told[key]} == set()
        if moves:
            known[inventory] = {identity(one): one["severity"] for one in found}
        elif "--baseline" in options:
            known[inventory] = {}
