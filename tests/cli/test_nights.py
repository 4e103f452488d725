"""The scheduled audit, night by night, as its unit runs it: its exit code, and what it says."""

import base64
import re
import shlex
import sqlite3
from collections.abc import Callable, Iterable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from delegation import cli, wiring
from delegation.directory import entries
from tests.cli.program import Delegation, Ran, at_terminal, examined
from tests.cli.world import (
    INVENTORY,
    MEMBER,
    TRANSITION,
    UNCONSTRAINED,
    account,
    directory,
    finished,
    forms,
)
from tests.directory.test_descriptors import ALLOW, descriptor, entry

OLD = Path(__file__).parents[1] / "cases" / "journal" / "audits-0.1.0.sql"
"""Two nights of 0.1.0: hv01 holds cifs/iso, and a stranger may act on hv02."""
STRANGER, ANOTHER = "S-1-5-21-1-2-3-9999", "S-1-5-21-1-2-3-9998"

Night = Callable[..., Ran]


@pytest.fixture
def night(delegation: Delegation, here: Path) -> Night:
    """The command of the unit that ``schedule systemd`` writes, with a state folder of its own."""
    (here / "directory.ldif").write_bytes(finished())

    def run(inventory: str = "inventory.yaml", *more: str) -> Ran:
        unit = delegation("-i", inventory, "schedule", "systemd", "--program", "/opt/delegation")
        [line] = re.findall(r"^ExecStart=\S+ (.*)$", unit.out, re.MULTILINE)
        line = line.replace("${STATE_DIRECTORY}", str(here / "unit"))
        assert "--new-only --baseline --fail-on medium" in line, "in plain sight"
        return delegation(*shlex.split(line), *more)

    return run


def mesh(*labels: str, **more: Iterable[str]) -> bytes:
    """These hosts in one mesh, with whatever they hold ``more``."""
    return directory(
        *(
            account(
                label.upper(),
                *forms(*(peer for peer in labels if peer != label)),
                *more.get(label, ()),
                uac=MEMBER | TRANSITION,
            )
            for label in labels
        )
    )


def acting(export: bytes, name: str, *sids: str) -> bytes:
    """The same, where accounts with these SIDs may act on the computer of that name."""
    raw = base64.b64encode(descriptor(*(entry(ALLOW, sid) for sid in sids))).decode()
    line = f"msDS-AllowedToActOnBehalfOfOtherIdentity:: {raw}\n"
    head = f"sAMAccountName: {name}$"
    assert export.decode().count(head) == 1
    return export.decode().replace(head, line + head).encode()


def told(ran: Ran) -> list[str]:
    """What is said of findings: severity or what became of it, rule, where."""
    return re.findall(r"^  (?:\w+|left out) +(?:KCD.*|hv.*)$", ran.out, re.MULTILINE)


# New delegation on a host


def test_a_stranger_who_may_act_on_a_host_fails_the_night_once(night: Night, here: Path) -> None:
    assert night().code == 0
    (here / "directory.ldif").write_bytes(acting(finished(), "HV01", STRANGER))
    found = night()
    assert found.code == 3
    assert told(found) == ["  medium    KCD016  hv01"]
    assert f"resource-based: {STRANGER}" in found.out
    assert "1 new since run 1 (" in found.out
    assert found.out.endswith("  1 finding: 1 medium\n")
    quiet = night()
    assert (quiet.code, told(quiet), quiet.err) == (0, [], "")
    assert "nothing new since run 2 (" in quiet.out


def test_another_stranger_beside_him_fails_it_again_and_resolves_nothing(
    night: Night, here: Path
) -> None:
    export = here / "directory.ldif"
    export.write_bytes(acting(finished(), "HV01", STRANGER))
    assert night().code == 3
    export.write_bytes(acting(finished(), "HV01", STRANGER, ANOTHER))
    found = night()
    assert (found.code, told(found)) == (3, ["  medium    KCD016  hv01"])
    export.write_bytes(acting(finished(), "HV01", STRANGER))
    assert night().code == 0
    export.write_bytes(finished())
    gone = night()
    assert (gone.code, told(gone)) == (0, ["  resolved  KCD016  hv01"])


def test_an_audit_by_hand_of_whoever_applies_takes_nothing_from_the_night(
    night: Night, delegation: Delegation, here: Path
) -> None:
    """Not even in the same state folder."""
    night()
    (here / "directory.ldif").write_bytes(acting(finished(), "HV01", STRANGER))
    for state in ((), ("--state", "unit")):
        delegation(*state, "audit")
        delegation(*state, "audit", "--new-only")
    assert night().code == 3


# A host that leaves the inventory, and comes back


def test_a_host_that_leaves_is_left_out_and_not_resolved(night: Night, here: Path) -> None:
    all_three = mesh("hv01", "hv02", "hv03", hv03=["cifs/iso"])
    (here / "directory.ldif").write_bytes(all_three)
    assert night().code == 3
    two = INVENTORY.replace("hv[01-03]", "hv[01-02]") + "policy: {foreign: ignore}\n"
    (here / "inventory.yaml").write_text(two, encoding="utf-8")
    left = night()
    # Nobody retired it, and it still delegates to the others.
    assert (left.code, told(left)) == (3, ["  high      KCD023  HV03", "  left out  hv03"])
    assert "no longer looked at; 2 findings of before may still be there" in left.out
    once = night()
    assert (once.code, told(once)) == (0, [])
    (here / "inventory.yaml").write_text(INVENTORY, encoding="utf-8")
    back = night()
    # All else is as the last audit that looked at it found it.
    assert (back.code, told(back)) == (0, ["  resolved  KCD023  HV03"])
    (here / "directory.ldif").write_bytes(mesh("hv01", "hv02", "hv03"))
    assert told(night()) == [
        "  resolved  KCD003  hv03: cifs/iso",
        "  resolved  KCD012  hv03: cifs/iso",
    ]


def test_each_host_that_is_dropped_is_news(night: Night, here: Path) -> None:
    (here / "directory.ldif").write_bytes(mesh("hv01", "hv02", "hv03", "hv04"))
    four = INVENTORY.replace("hv[01-03]", "hv[01-04]")
    (here / "inventory.yaml").write_text(four, encoding="utf-8")
    assert night().code == 0
    for left, gone in (("hv[01-03]", "HV04"), ("hv[01-02]", "HV03")):
        fewer = INVENTORY.replace("hv[01-03]", left) + "policy: {foreign: ignore}\n"
        (here / "inventory.yaml").write_text(fewer, encoding="utf-8")
        found = night()
        assert (found.code, told(found)[0]) == (3, f"  high      KCD023  {gone}")


def test_each_retired_account_that_may_still_act_is_news(night: Night, here: Path) -> None:
    export = mesh("hv01", "hv02", "hv03")
    gone = directory(account("HV08", uac=MEMBER), account("HV09", uac=MEMBER))
    for name, sid in (("HV08", STRANGER), ("HV09", ANOTHER)):
        raw = base64.b64encode(entries.sid_bytes(sid)).decode()
        head = f"sAMAccountName: {name}$".encode()
        gone = gone.replace(head, f"objectSid:: {raw}\n".encode() + head)
    gone = gone[gone.index(b"dn: CN=HV08") :]
    inventory = f"{INVENTORY}retired: [hv08, hv09]\n"
    (here / "inventory.yaml").write_text(inventory, encoding="utf-8")
    for sids in ((STRANGER,), (STRANGER, ANOTHER)):
        (here / "directory.ldif").write_bytes(acting(export, "HV01", *sids) + b"\n" + gone)
        assert "  high      KCD022  hv01" in told(night())
    assert told(night()) == []


def test_a_host_that_was_joined_again_is_another_one(night: Night, here: Path) -> None:
    (here / "directory.ldif").write_bytes(mesh("hv01", "hv02", "hv03", hv03=["cifs/iso"]))
    night()
    export = (here / "directory.ldif").read_bytes().decode()
    first, second, third = (chunk for chunk in export.split("\n\n") if "CN=HV0" in chunk)
    moved = third.replace(
        next(line for line in third.splitlines() if line.startswith("objectGUID")),
        f"objectGUID:: {base64.b64encode(bytes(range(16))).decode()}",
    )
    (here / "directory.ldif").write_bytes(
        directory(*(f"{it}\n\n" for it in (first, second, moved)))
    )
    ran = night()
    assert ran.code == 3, "nobody had looked at this account"
    assert "  medium    KCD003  hv03: cifs/iso" in told(ran)
    assert not [line for line in told(ran) if "resolved" in line]


def test_who_answers_to_a_hosts_names_is_not_looked_at_with_the_host_alone(
    night: Night, delegation: Delegation, here: Path
) -> None:
    """Nobody holds HOST/hv03: found for the sake of hv01 and hv02, which delegate to it."""
    unnamed = finished().replace(b"servicePrincipalName: HOST/HV03\n", b"")
    (here / "directory.ldif").write_bytes(unnamed)
    assert told(night()) == ["  high      KCD020  hv03: cifs/hv03"]
    by_hand = ("--state", "unit", "audit", "--new-only")
    alone = delegation(*by_hand, "--limit", "hv03")
    assert "resolved" not in alone.out
    assert "  left out  hv03\n            not looked at this time; 1 finding of before" in alone.out
    assert told(delegation(*by_hand, "--limit", "hv01")) == ["  left out  hv[02-03]"]
    assert delegation(*by_hand, "--baseline", "--limit", "hv03").code == 0
    quiet = night()
    assert (quiet.code, told(quiet)) == (0, []), "the names were looked at last by the first night"
    (here / "directory.ldif").write_bytes(finished())
    assert told(night()) == ["  resolved  KCD020  hv03: cifs/hv03"]


def test_a_host_without_an_account_is_told_once_whoever_is_looked_at(
    night: Night, delegation: Delegation, here: Path
) -> None:
    """A refusal for it is found for the sake of those who are to delegate to it."""
    (here / "directory.ldif").write_bytes(mesh("hv01", "hv02"))
    missing = night()
    assert missing.code == 1
    assert "  high      KCD011  hv03" in told(missing)
    for host in ("hv03", "hv01"):
        ran = delegation("--state", "unit", "audit", "--new-only", "--limit", host)
        assert ran.code == 0
        assert not [line for line in told(ran) if "left out" not in line]
    assert night().code == 0


# Two inventories in one state folder


@pytest.mark.parametrize("declared", [True, False])
def test_two_inventories_in_turn_for_ten_rounds(
    delegation: Delegation,
    here: Path,
    declared: bool,  # noqa: FBT001
) -> None:
    """Both look at hv02, by different rules; nothing is told twice, nothing there is resolved."""
    (here / "a.yaml").write_text(INVENTORY.replace("hv[01-03]", "hv[01-02]"), encoding="utf-8")
    keep = "keep: [{value: cifs/hv01*, reason: r}, {value: Microsoft*/hv01*, reason: r}]\n"
    other = INVENTORY.replace("hv[01-03]", "hv[02-03]") + keep
    (here / "b.yaml").write_text(other, encoding="utf-8")
    moves = ["--baseline"] if declared else []
    seen: dict[str, list[str]] = {"a.yaml": [], "b.yaml": []}
    for turn in range(10):
        iso = ["cifs/iso"] if turn >= 4 else []
        export = mesh("hv01", "hv02", "hv03", hv02=iso)
        (here / "directory.ldif").write_bytes(
            acting(export, "HV03", STRANGER) if turn >= 7 else export
        )
        for inventory in seen:
            ran = delegation("-i", inventory, "audit", "--new-only", *moves)
            assert "resolved" not in ran.out
            assert "left out" not in ran.out
            assert ran.code == (3 if told(ran) else 0)
            seen[inventory] += told(ran)
    for lines in seen.values():
        assert len(set(lines)) == len(lines)
    assert [line for line in seen["a.yaml"] if "iso" in line] == [
        "  medium    KCD003  hv02: cifs/iso",
        "  medium    KCD012  hv02: cifs/iso",
    ]
    assert [line for line in seen["b.yaml"] if "iso" in line or "KCD016" in line] == [
        "  medium    KCD003  hv02: cifs/iso",
        "  medium    KCD012  hv02: cifs/iso",
        "  medium    KCD016  hv03",
    ]
    assert not [line for line in seen["a.yaml"] if "KCD016" in line], "hv03 is not its host"


# After an upgrade


@pytest.fixture
def upgraded(night: Night, here: Path) -> Path:
    """The unit's state folder as 0.1.0 left it, and the directory of its last night."""
    (here / "unit").mkdir(mode=0o700)
    path = here / "unit" / "journal.sqlite"
    with closing(sqlite3.connect(path)) as db:
        db.executescript(OLD.read_text(encoding="utf-8").replace("/srv/", f"{here}/"))
    path.chmod(0o600)
    export = mesh("hv01", "hv02", "hv03", hv01=["cifs/iso"])
    return _written(here, acting(export, "HV02", STRANGER))


def _written(here: Path, export: bytes) -> Path:
    path = here / "directory.ldif"
    path.write_bytes(export)
    return path


def test_the_first_night_after_an_upgrade_tells_what_is_new(night: Night, upgraded: Path) -> None:
    here = upgraded.parent
    quiet = night()
    assert (quiet.code, told(quiet)) == (0, []), "GUIDs and SIDs are known from now on"
    assert "nothing new since run 2 (2026-06-14 05:30:00 UTC), 3 known" in quiet.out
    _written(here, acting(mesh("hv01", "hv02", "hv03", hv01=["cifs/iso"]), "HV02", ANOTHER))
    assert told(night()) == ["  medium    KCD016  hv02", "  resolved  KCD016  hv02"]


def test_what_only_new_rules_see_is_listed_and_does_not_count(night: Night, upgraded: Path) -> None:
    """KCD020: nobody holds HOST/hv03, which is high."""
    here = upgraded.parent
    named = upgraded.read_bytes()
    _written(here, named.replace(b"servicePrincipalName: HOST/HV03\n", b""))
    assert upgraded.read_bytes() != named
    first = night()
    assert first.code == 0
    assert (
        "seen by rules that this version is the first to have; no failure this once:" in first.out
    )
    assert [line.split()[:2] for line in told(first)] == [["high", "KCD020"]]
    assert first.out.endswith("  1 finding: 1 high\n")
    assert told(night()) == [], "and known from then on"


def test_what_an_old_unit_runs_goes_on_and_says_to_renew_it(
    delegation: Delegation, upgraded: Path
) -> None:
    """Its command line: without --baseline and a level."""
    here = upgraded.parent
    nightly = ("--state", "unit", "audit", "--new-only")
    first = delegation(*nightly)
    assert (first.code, told(first)) == (0, [])
    assert "warning: no audit by this inventory had --baseline yet" in first.err
    _written(here, acting(mesh("hv01", "hv02", "hv03", hv01=["cifs/iso"]), "HV03", STRANGER))
    found = delegation(*nightly)
    assert found.code == 3, "0.1.0 was silent about it"
    assert "  medium    KCD016  hv03" in told(found)
    assert delegation(*nightly).code == 0


def test_a_host_that_left_with_the_upgrade_is_not_resolved(night: Night, upgraded: Path) -> None:
    here = upgraded.parent
    two = INVENTORY.replace("hv[01-03]", "hv[02-03]") + "policy: {foreign: ignore}\n"
    (here / "inventory.yaml").write_text(two, encoding="utf-8")
    ran = night()
    # Only a new rule sees that nobody retired it: listed, and not counted that night.
    assert (ran.code, told(ran)) == (0, ["  high      KCD023  HV01", "  left out  hv01"])


# What is still open, and an audit that does not come


def later(days: float) -> wiring.MakeWorld:
    """A world in which it is so many days later."""

    class Later(wiring.World):
        def now(self) -> datetime:
            return datetime.now(UTC) + timedelta(days=days)

    return Later


def ran_later(days: float, capsys: pytest.CaptureFixture[str], *arguments: str) -> Ran:
    capsys.readouterr()
    code = cli.run(list(arguments), later(days))
    captured = capsys.readouterr()
    return examined(Ran(code, captured.out, captured.err))


def test_what_is_open_is_told_again_every_week(
    night: Night, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    weekly = ("--state", "unit", "audit", "--new-only", "--baseline", "--remind", "7d")
    (here / "directory.ldif").write_bytes(acting(finished(), "HV01", STRANGER))
    assert night().code == 3
    codes = {day: ran_later(day, capsys, *weekly) for day in range(1, 16)}
    assert [day for day, ran in codes.items() if ran.code == 3] == [7, 14]
    assert "  still open, told again:\n  medium    KCD016  hv01" in codes[7].out
    assert "nothing new since" in codes[7].out
    assert {ran.code for day, ran in codes.items() if day not in {7, 14}} == {0}


def test_a_clock_that_ran_ahead_silences_no_reminder(
    night: Night, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    weekly = ("--state", "unit", "audit", "--new-only", "--baseline", "--remind", "7d")
    assert night().code == 0
    (here / "directory.ldif").write_bytes(acting(finished(), "HV01", STRANGER))
    assert ran_later(400, capsys, *weekly).code == 3
    codes = {day: ran_later(day, capsys, *weekly).code for day in (1, 2, 8)}
    assert codes == {1: 0, 2: 0, 8: 3}


@pytest.mark.parametrize("age", ["7", "d", "0d", "-1d", "7 d", "1.5d", "99999d", ""])
def test_ages_that_are_none(delegation: Delegation, age: str) -> None:
    assert delegation("audit", "--new-only", "--remind", age).code == 2
    assert delegation("schedule", "cron", "--remind", age).code == 2


def test_a_reminder_is_of_what_is_new_only(delegation: Delegation) -> None:
    assert delegation("audit", "--remind", "7d").code == 2
    for kind in ("cron", "systemd"):
        out = delegation("schedule", kind, "--remind", "2w", "--fail-on", "never").out
        assert "audit --new-only --baseline --fail-on never --remind 2w" in out
        assert "new drift alone, or such a one still open after 2w (--fail-on never)" in out


def test_plan_and_check_say_that_the_last_is_late(
    night: Night, delegation: Delegation, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    night()
    ran_later(1, capsys, "--state", "unit", "audit", "--new-only", "--baseline")
    with closing(sqlite3.connect(here / "unit" / "journal.sqlite")) as db, db:
        for run, when in ((1, "06-14"), (2, "06-15")):
            started = f"2026-{when}T05:30:00.000+00:00"
            db.execute("UPDATE runs SET started = ? WHERE id = ?", (started, run))
    late = "the scheduled audit of /"
    last = "is late: the last was at 2026-06-15 05:30 UTC, 24 hours after the one before"
    in_time = (datetime(2026, 6, 17, tzinfo=UTC) - datetime.now(UTC)).total_seconds() / 86400
    for command in ("plan", "check"):
        ran = ran_later(in_time, capsys, "--state", "unit", command)
        assert late not in ran.err, "not yet twice the gap"
        ran = ran_later(in_time + 1, capsys, "--state", "unit", command)
        assert f"{late}{here}/inventory.yaml".replace("//", "/") in ran.err
        assert last in ran.err
        assert late not in delegation(command).err, "another state folder's it does not know"
        (here / "other.yaml").write_text(INVENTORY, encoding="utf-8")
        ran = ran_later(in_time + 1, capsys, "-i", "other.yaml", "--state", "unit", command)
        assert late not in ran.err
    assert last in delegation("--state", "unit", "history").err
    assert late not in delegation("--state", "unit", "history", "1").err
    assert late not in delegation("history").err


def test_two_audits_by_hand_make_none_late(
    night: Night, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As on the day on which the unit is installed and tried."""
    night()
    night()
    assert "late" not in ran_later(1 / 24, capsys, "--state", "unit", "plan").err
    assert here


# On a terminal


def test_critical_is_red_where_colours_are(here: Path) -> None:
    export = finished().replace(
        f"userAccountControl: {MEMBER | TRANSITION}\n".encode(),
        f"userAccountControl: {MEMBER | TRANSITION | UNCONSTRAINED}\n".encode(),
        1,
    )
    (here / "directory.ldif").write_bytes(export)
    for command in ("audit", "check"):
        with at_terminal(command, cwd=here) as terminal:
            terminal.ends()
        assert "\x1b[31m  critical  KCD005  hv01\x1b[0m" in terminal.screen
        with at_terminal("--no-color", command, cwd=here) as terminal:
            terminal.ends()
        assert "  critical  KCD005  hv01" in terminal.screen
        assert "\x1b" not in terminal.screen
