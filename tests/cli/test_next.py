"""What a command says to type next is typed, as it stands there: it works, and means the same."""

import shlex
from pathlib import Path

import pytest

from tests.cli.farm import Farm
from tests.cli.program import Delegation, Ran
from tests.cli.world import INVENTORY, account, directory, finished, forms, held, holdings


def to_type(ran: Ran, number: int = 0) -> list[str]:
    """The words of the line that ``ran`` says to type next, with an answer to its question."""
    said = [line for line in ran.err.splitlines() if "delegation " in line]
    following = [line for line in said if line.startswith(("next    ", "        "))]
    line = following[number].removeprefix("next").strip()
    program, *words = shlex.split(line.partition("   ")[0])
    assert program == "delegation"
    return [*words, *(["--yes"] if {"apply", "rollback"}.intersection(words) else [])]


def pasted(delegation: Delegation, ran: Ran, number: int = 0) -> Ran:
    return delegation(*to_type(ran, number))


@pytest.fixture
def moved(delegation: Delegation, here: Path) -> tuple[str, ...]:
    """The inventory, the journal and the export all lie where nobody looks by default."""
    (here / "my farm").mkdir()
    for name in ("inventory.yaml", "directory.ldif"):
        (here / name).rename(here / "my farm" / name)
    return ("-i", "my farm/inventory.yaml", "--state", "a state")


@pytest.mark.parametrize(
    "options", [(), ("--limit", "hv[01-02]"), ("--limit", "hv01", "-o", "plan.json")]
)
def test_from_plan_to_rollback(
    delegation: Delegation, here: Path, moved: tuple[str, ...], options: tuple[str, ...]
) -> None:
    export = here / "my farm" / "directory.ldif"
    before = export.read_bytes()
    planned = delegation(*moved, "plan", *options)
    applied = pasted(delegation, planned)
    assert applied.code == 0
    changed = {name for name, now in held(export).items() if now != holdings(before)[name]}
    limited = {"hv01", "hv02"} if "hv[01-02]" in options else {"hv01"}
    assert changed == (limited if options else {"hv01", "hv02", "hv03"})
    again = pasted(delegation, applied)
    assert again.code == 0, "nothing is left to do on these"
    assert "nothing to do" in again.err
    assert pasted(delegation, applied, 1).code == 0
    assert export.read_bytes() == before


def test_the_password_file_goes_along(delegation: Delegation, here: Path) -> None:
    (here / "a secret").write_text("x", encoding="utf-8")
    (here / "a secret").chmod(0o600)
    planned = delegation("--password-file", "a secret", "plan")
    assert "delegation --password-file 'a secret' apply --expect" in planned.err
    assert pasted(delegation, planned).code == 0


def test_after_what_was_allowed(delegation: Delegation, here: Path) -> None:
    """An override is said again by whoever pastes what a refusal prints."""
    text = INVENTORY.replace("[01-03]", "[01-02]") + "retired: [hv03]\n"
    (here / "inventory.yaml").write_text(text, encoding="utf-8")
    (here / "directory.ldif").write_bytes(finished())
    keep = "keep:\n  - {value: HTTP/x, hosts: [hv01], reason: r}\n"
    text = INVENTORY.replace("[01-03]", "[01-02]") + keep
    (here / "inventory.yaml").write_text(text, encoding="utf-8")
    (here / "directory.ldif").write_bytes(directory(account("HV01", "HTTP/x"), account("HV02")))
    blocked = delegation("plan", "--limit", "hv01")
    assert blocked.code == 4
    [line] = [one for one in blocked.out.splitlines() if "or accept it: " in one]
    _, *words = shlex.split(line.partition("or accept it: ")[2])
    assert words == ["apply", "--limit", "hv01", "--allow", "flag-change"]
    assert delegation(*words, "--yes").code == 0
    assert held(here / "directory.ldif")["hv01"].values == {"HTTP/x", *forms("hv02")}
    assert held(here / "directory.ldif")["hv02"].values == set()


def test_on_the_hosts(farm: Farm) -> None:
    before = farm.settings()
    shown = farm("show", "hv[01-02]")
    planned = farm.delegation(*to_type(shown))
    assert planned.code == 3
    assert "2 of 2 hosts to change" in planned.out
    applied = farm.delegation(*to_type(planned))
    assert applied.code == 0, applied.err
    assert {host for host, now in farm.settings().items() if now != before[host]} == {
        "hv01",
        "hv02",
    }
    assert farm.delegation(*to_type(applied)).code == 0, "nothing is left to do on these"
    assert farm.delegation(*to_type(applied, 1)).code == 0
    assert farm.settings() == before
