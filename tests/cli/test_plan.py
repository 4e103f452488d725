"""``delegation plan``: what it says, in text and JSON, and that it writes nothing."""

import json
import platform
import shutil
from datetime import datetime
from pathlib import Path

import pytest

from delegation.report.templates import templates
from tests.cli.program import Delegation, at_terminal, spawned
from tests.cli.world import (
    DISABLED,
    INVENTORY,
    MEMBER,
    MIGRATION,
    ROOT,
    TRANSITION,
    UNCONSTRAINED,
    account,
    controller,
    directory,
    finished,
    forms,
    plain,
    tree,
)

PLAN = {"digest", "domain", "dc", "changes", "kept", "foreign", "blocked", "summary"}
CHANGE = {"computer", "dn", "guid", "add", "remove", "flags"}
BESIDES = {"before"}
"""What the product says of a change."""


# Exit codes


def test_pending_changes_are_3(delegation: Delegation) -> None:
    assert delegation("plan").code == 3


def test_nothing_to_do_is_0(delegation: Delegation, here: Path) -> None:
    (here / "directory.ldif").write_bytes(finished())
    ran = delegation("plan")
    assert ran.code == 0
    assert "nothing to do" in ran.err


def test_a_missing_account_is_1(delegation: Delegation, here: Path) -> None:
    (here / "directory.ldif").write_bytes(directory(account("HV01"), account("HV02")))
    ran = delegation("plan")
    assert ran.code == 1
    assert "hv03$" in ran.err
    assert "no computer" in ran.err
    assert ran.out == ""


def test_two_accounts_of_one_name_are_1(delegation: Delegation, here: Path) -> None:
    twin = account("HV03", unit="Lab")
    (here / "directory.ldif").write_bytes(plain() + twin.encode())
    ran = delegation("plan")
    assert ran.code == 1
    assert "CN=HV03,OU=Hyper-V,DC=corp,DC=example" in ran.err
    assert "CN=HV03,OU=Lab,DC=corp,DC=example" in ran.err


def test_an_account_of_another_domain_is_1(delegation: Delegation, here: Path) -> None:
    """By its naming context: the DNS suffix is the same."""
    elsewhere = account("HV03", base="DC=child,DC=corp,DC=example")
    (here / "directory.ldif").write_bytes(directory(account("HV01"), account("HV02"), elsewhere))
    ran = delegation("plan")
    assert ran.code == 1
    assert "CN=HV03,OU=Hyper-V,DC=child,DC=corp,DC=example is in another domain" in ran.err


def test_an_invalid_inventory_is_2(delegation: Delegation, here: Path) -> None:
    (here / "inventory.yaml").write_text("domain: corp.example\n", encoding="utf-8")
    assert delegation("plan").code == 2


@pytest.mark.parametrize("arguments", [("--limt",), ("extra",), ("--format", "xml")])
def test_wrong_usage_is_2(delegation: Delegation, arguments: tuple[str, ...]) -> None:
    ran = delegation("plan", *arguments)
    assert ran.code == 2
    assert ran.out == ""


def test_a_domain_controller_is_refused_with_4(delegation: Delegation, here: Path) -> None:
    (here / "inventory.yaml").write_text(f"{INVENTORY}  dc1:\n", encoding="utf-8")
    ran = delegation("plan")
    assert ran.code == 4
    assert "domain controller" in ran.out
    assert "--allow" not in ran.out, "nothing overrides a dangerous target"
    assert delegation("plan", "--format", "json").json["blocked"]


def test_a_refusal_names_its_override(delegation: Delegation, here: Path) -> None:
    (here / "directory.ldif").write_bytes(
        directory(account("HV01", "HTTP/portal"), account("HV02"), account("HV03"))
    )
    ran = delegation("plan")
    assert ran.code == 4
    assert "--allow flag-change" in ran.out
    [refusal] = delegation("plan", "--format", "json").json["blocked"]
    assert refusal["computer"] == "hv01"
    assert refusal["why"] == "flag-change"
    assert refusal["override"] == "--allow flag-change"


@pytest.mark.parametrize(("limit", "meant"), [("hv1", "hv01"), ("hv01,hvo3", "hv03")])
def test_a_limit_that_is_mistyped_gets_a_suggestion(
    delegation: Delegation, limit: str, meant: str
) -> None:
    ran = delegation("plan", "--limit", limit)
    assert ran.code == 2
    assert f"did you mean {meant}? its hosts are hv[01-03]" in ran.err
    assert "did you mean" not in delegation("plan", "--limit", "hv99").err


# JSON


@pytest.fixture
def eventful(here: Path) -> Path:
    """One of everything: to add, to remove, kept, foreign, flags."""
    keep = "keep: [{value: HTTP/*, reason: portal, expires: 2099-06-30}]\n"
    gone = "retired: [hv99]\npolicy: {unconstrained: clear}\n"
    text = INVENTORY.replace("hosts:", "defaults: {protocol_transition: keep}\nhosts:")
    (here / "inventory.yaml").write_text(text + keep + gone, encoding="utf-8")
    (here / "directory.ldif").write_bytes(
        directory(
            account("HV01", "HTTP/portal", "MSSQLSvc/db1", *forms("hv02")),
            account("HV02", *forms("hv99"), uac=MEMBER | UNCONSTRAINED),
            account("HV03", *forms("hv01", "hv02")),
        )
    )
    return here


def test_the_json_has_the_keys_of_the_contract(delegation: Delegation, eventful: Path) -> None:
    data = delegation("plan", "--format", "json").json
    assert data.keys() == PLAN
    for change in data["changes"]:
        assert change.keys() == CHANGE | BESIDES
        assert change["before"].keys() == {"values", "user_account_control"}
        for removal in change["remove"]:
            assert removal.keys() == {"value", "reason"}
    assert [one.keys() for one in data["kept"]] == [{"computer", "value", "reason", "expires"}]
    assert [one.keys() for one in data["foreign"]] == [{"computer", "value", "hint"}]
    assert data["summary"].keys() == {
        "objects", "changed", "add", "remove", "unchanged_values", "flags",
    }  # fmt: skip


def test_the_json_says_what_would_happen(delegation: Delegation, eventful: Path) -> None:
    data = delegation("plan", "--format", "json").json
    first, second = data["changes"]
    assert first["computer"] == "hv01"
    assert first["dn"] == "CN=HV01,OU=Hyper-V,DC=corp,DC=example"
    assert sorted(first["add"]) == sorted(forms("hv03"))
    assert first["remove"] == []
    assert first["flags"] == {}
    assert second["flags"] == {"unconstrained": [True, False]}, "only what changes"
    assert {one["value"]: one["reason"] for one in second["remove"]} == dict.fromkeys(
        forms("hv99"), "retired"
    )
    assert data["kept"] == [
        {
            "computer": "hv01",
            "value": "HTTP/portal",
            "reason": "portal",
            "expires": "2099-06-30",
        }
    ]
    assert data["foreign"] == [{"computer": "hv01", "value": "MSSQLSvc/db1", "hint": ""}]
    assert data["summary"] == {
        "objects": 3, "changed": 2, "add": 12, "remove": 4, "unchanged_values": 12, "flags": 1,
    }  # fmt: skip
    assert data["domain"] == "corp.example"


def test_the_text_says_the_same(delegation: Delegation, eventful: Path) -> None:
    data = delegation("plan", "--format", "json").json
    text = delegation("plan", "-v").out
    told = [data["digest"], "HTTP/portal", "MSSQLSvc/db1", "retired", "portal"]
    told += [value for change in data["changes"] for value in change["add"]]
    told += [one["value"] for change in data["changes"] for one in change["remove"]]
    assert [word for word in told if word not in text] == []


def test_json_is_alone_on_stdout(delegation: Delegation, eventful: Path) -> None:
    ran = delegation("plan", "--format", "json", "-v")
    assert ran.code == 3
    assert ran.json
    assert ran.out.startswith("{")
    assert "apply" in ran.err, "the talk is on stderr"


def test_a_value_that_a_run_wrote_is_explained(delegation: Delegation, here: Path) -> None:
    inventory = here / "inventory.yaml"
    inventory.write_text(INVENTORY.replace("[01-03]", "[01-04]"), encoding="utf-8")
    (here / "directory.ldif").write_bytes(plain() + account("HV04").encode())
    assert delegation("apply", "--yes").code == 0
    inventory.write_text(INVENTORY, encoding="utf-8")
    hints = {one["hint"] for one in delegation("plan", "--format", "json").json["foreign"]}
    assert hints == {"run 1 added this; list hv04 under retired to remove it"}


# The digest


def test_the_digest_is_always_there(delegation: Delegation, here: Path) -> None:
    for content in (plain(), finished()):
        (here / "directory.ldif").write_bytes(content)
        digest = delegation("plan", "--format", "json").json["digest"]
        assert digest.startswith("sha256:")
        assert digest in delegation("plan").out


def test_two_workstations_get_the_same_digest(delegation: Delegation, here: Path) -> None:
    ours = delegation("plan", "--format", "json").json["digest"]
    theirs = here / "elsewhere"
    theirs.mkdir()
    text = "# mine\n" + INVENTORY.replace("hv[01-03]:", "hv03:\n  hv01:\n  hv02:")
    (theirs / "inventory.yaml").write_text(text, encoding="utf-8")
    (theirs / "directory.ldif").write_bytes(
        directory(account("HV03"), account("HV02"), account("HV01"))
    )
    ran = delegation("-i", theirs / "inventory.yaml", "plan", "--format", "json")
    assert ran.json["digest"] == ours


def test_other_content_has_another_digest(delegation: Delegation, here: Path) -> None:
    before = delegation("plan", "--format", "json").json["digest"]
    (here / "directory.ldif").write_bytes(
        directory(account("HV01", uac=MEMBER | DISABLED), account("HV02"), account("HV03"))
    )
    assert delegation("plan", "--format", "json").json["digest"] != before


# Options


def test_limit_plans_only_these_hosts(delegation: Delegation) -> None:
    data = delegation("plan", "--limit", "hv[01,03]", "--format", "json").json
    assert [change["computer"] for change in data["changes"]] == ["hv01", "hv03"]
    assert data["summary"]["objects"] == 2
    assert sorted(data["changes"][0]["add"]) == sorted(forms("hv02", "hv03")), "all its peers"
    assert delegation("plan", "--limit", "HV01", "--format", "json").json["changes"]


@pytest.mark.parametrize("hosts", ["hv04", "hv[01-04]", "hv[3-1]", "hv[", "", ",", "*"])
def test_limit_refuses_what_is_no_host(delegation: Delegation, hosts: str) -> None:
    ran = delegation("plan", "--limit", hosts)
    assert ran.code == 2
    assert "--limit" in ran.err
    assert ran.out == ""


def test_a_saved_plan_shows_what_was_planned(delegation: Delegation, eventful: Path) -> None:
    """To the reviewer, who has neither directory nor inventory."""
    planned = delegation("plan", "--limit", "hv[01-03]", "--format", "json", "-o", "plan.json")
    shown = delegation("plan", "--limit", "hv[01-03]", "-v")
    away = eventful / "away"
    away.mkdir()
    (eventful / "plan.json").rename(away / "plan.json")
    (eventful / "inventory.yaml").unlink()
    (eventful / "directory.ldif").unlink()
    reviewed = delegation("plan", "show", "away/plan.json", "--format", "json").json
    made = reviewed.pop("made")
    assert reviewed == planned.json
    assert made["limit"] == "hv[01-03]"
    assert made["inventory"] == str(eventful / "inventory.yaml")
    assert made["by"].endswith(f" on {platform.node()}")
    assert datetime.fromisoformat(made["at"]).tzinfo is not None
    text = delegation("plan", "show", "away/plan.json", "-v")
    assert text.code == 0
    head, _, rest = text.out.partition("\n\n")
    assert rest == shown.out
    assert "limit      hv[01-03]" in head
    assert "overrides  none" in head


def test_a_saved_plan_is_replaced_with_force_alone(delegation: Delegation, here: Path) -> None:
    assert delegation("plan", "-o", "plan.json").code == 3
    before = (here / "plan.json").read_bytes()
    ran = delegation("plan", "--limit", "hv01", "-o", "plan.json")
    assert ran.code == 2
    assert "plan.json is there already" in ran.err
    assert "--force" in ran.err
    assert ran.out == ""
    assert (here / "plan.json").read_bytes() == before
    assert delegation("plan", "--limit", "hv01", "-o", "plan.json", "--force").code == 3
    assert (here / "plan.json").read_bytes() != before


def test_show_takes_no_options_of_a_plan(delegation: Delegation, here: Path) -> None:
    delegation("plan", "-o", "plan.json")
    assert delegation("plan", "--limit", "hv01", "show", "plan.json").code == 2
    assert delegation("plan", "shwo", "plan.json").code == 2


@pytest.mark.parametrize("form", ["html", "markdown", "csv", "json"])
def test_a_saved_plan_is_reported_without_a_directory(
    delegation: Delegation, eventful: Path, form: str
) -> None:
    delegation("plan", "-o", "plan.json")
    (eventful / "inventory.yaml").unlink()
    (eventful / "directory.ldif").unlink()
    ran = delegation("report", form, "plan.json")
    assert ran.code == 0
    for told in ("hv01", "hv02", "hv99", "MSSQLSvc/db1"):
        assert told in ran.out
    if form != "csv":
        assert platform.node() in ran.out.replace("\\", "")
    assert delegation("report", form, "plan.json", "--limit", "hv01").code == 2
    assert delegation("report", form, "plan.jso").code == 2


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"[" * 200_000, "nested too deep"),
        (b" " * 20_000_000, "larger than 16 MiB"),
        (b'{"saved_plan": 2, "kind": "delegation", "run": 1}', "unknown key 'run'"),
        (b'{"saved_plan": 2, "kind": "delegation"}', "lacks 'made'"),
        (b'{"saved_plan": "2"}', "its form, saved_plan, is not known"),
        (b"\xff\xfe\x00", "no text in UTF-8"),
    ],
)
def test_a_file_that_is_no_plan_is_refused_in_words(
    delegation: Delegation, here: Path, content: bytes, words: str
) -> None:
    (here / "plan.json").write_bytes(content)
    for command in (("plan", "show"), ("report", "html"), ("report", "markdown")):
        ran = delegation(*command, "plan.json")
        assert ran.code == 2
        assert "plan.json is not a saved plan: " in ran.err
        assert words in ran.err
        assert ran.out == ""


@pytest.mark.parametrize("command", [("plan", "show"), ("plan", "show", "-v"), ("report", "html"),
                                     ("report", "markdown"), ("report", "csv")])  # fmt: skip
def test_whatever_a_saved_plan_says_is_only_text(
    delegation: Delegation, eventful: Path, command: tuple[str, ...]
) -> None:
    """Whoever reads it has rights: nothing in it is obeyed by a terminal, a page or a sheet."""
    delegation("plan", "-o", "plan.json")
    plan = json.loads((eventful / "plan.json").read_text(encoding="utf-8"))
    evil = "\x1b[2J\u202e<script>alert(1)</script>\r=cmd|' /C calc'!A0 | x"
    plan["dc"] = evil
    plan["made"] |= {"by": evil, "program": evil, "inventory": evil, "limit": evil, "allow": [evil]}
    for removal in (one for change in plan["changes"] for one in change["remove"]):
        removal["reason"] = evil
    for foreign in plan["foreign"]:
        foreign |= {"hosts": [evil], "hint": evil}
    (eventful / "plan.json").write_text(json.dumps(plan), encoding="utf-8")
    ran = delegation(*command, "plan.json")
    assert ran.code == 0
    assert "alert" in ran.out
    if {"html", "markdown"} & set(command):
        assert "<script>alert" not in ran.out


def test_a_plan_of_64_hosts_is_small(delegation: Delegation, here: Path) -> None:
    shutil.copyfile(ROOT / "inventory.example.yaml", here / "inventory.yaml")
    shutil.copyfile(templates() / "sample-directory.ldif", here / "directory.ldif")
    assert delegation("--directory", "ldif:directory.ldif", "plan", "-o", "plan.json").code == 3
    assert (here / "plan.json").stat().st_size < 50_000
    assert "16,128 values to add" in delegation("plan", "show", "plan.json").out


def test_a_blocked_plan_is_saved_and_printed_all_the_same(
    delegation: Delegation, here: Path
) -> None:
    (here / "inventory.yaml").write_text(f"{INVENTORY}  dc1:\n", encoding="utf-8")
    ran = delegation("plan", "--format", "json", "-o", "plan.json")
    assert ran.code == 4
    assert ran.json["blocked"]
    assert "blocked" in ran.err


def test_global_options_stand_before_or_after_the_command(
    delegation: Delegation, here: Path
) -> None:
    (here / "inventory.yaml").rename(here / "hosts.yaml")
    shutil.move(here / "directory.ldif", here / "export.ldf")
    options = ("-i", "hosts.yaml", "--directory", "ldif:export.ldf", "--state", "s", "-v")
    before = delegation(*options, "--no-color", "plan")
    after = delegation("plan", *options, "--no-color")
    assert before == after
    assert before.code == 3
    assert "+ cifs/hv02" in before.out
    split = delegation(*options[:2], "plan", *options[2:])
    assert split == before


def test_the_environment_gives_the_global_options(
    delegation: Delegation, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (here / "inventory.yaml").rename(here / "hosts.yaml")
    shutil.move(here / "directory.ldif", here / "export.ldf")
    monkeypatch.setenv("DELEGATION_INVENTORY", "hosts.yaml")
    monkeypatch.setenv("DELEGATION_DIRECTORY", "ldif:export.ldf")
    monkeypatch.setenv("DELEGATION_STATE", "record")
    monkeypatch.setenv("DELEGATION_VERBOSE", "1")
    monkeypatch.setenv("DELEGATION_NO_COLOR", "1")
    ran = delegation("plan")
    assert ran.code == 3
    assert "+ cifs/hv02" in ran.out
    assert delegation("apply", "--yes").code == 0
    assert (here / "record" / "journal.sqlite").is_file()
    assert not (here / ".delegation").exists()


def test_the_command_line_beats_the_environment(
    delegation: Delegation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DELEGATION_INVENTORY", "other.yaml")
    monkeypatch.setenv("DELEGATION_DIRECTORY", "ldif:other.ldif")
    for options in ((), ("plan",)):
        rest = [word for word in ("plan",) if word not in options]
        ran = delegation(
            *options, "-i", "inventory.yaml", "--directory", "ldif:directory.ldif", *rest
        )
        assert ran.code == 3


def test_a_relative_export_lies_beside_its_inventory(
    delegation: Delegation, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The inventory's own paths do not depend on where the program is started."""
    elsewhere = here / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    assert delegation("-i", "../inventory.yaml", "apply", "--yes").code == 0
    assert (here / ".delegation" / "journal.sqlite").is_file()
    assert list(elsewhere.iterdir()) == []


# What it leaves alone, and how it looks


def test_nothing_is_written(delegation: Delegation, here: Path) -> None:
    before = tree(here)
    for arguments in ((), ("-v",), ("--format", "json"), ("--limit", "hv01")):
        delegation("plan", *arguments)
    assert tree(here) == before


def test_64_hosts_are_readable(delegation: Delegation, here: Path) -> None:
    shutil.copy(ROOT / "inventory.example.yaml", here / "inventory.yaml")
    shutil.copy(ROOT / "templates" / "sample-directory.ldif", here / "directory.ldif")
    options = ("--directory", "ldif:directory.ldif")
    ran = delegation("plan", *options)
    assert ran.code == 3
    assert "hv[01-64]" in ran.out
    assert "16,128" in ran.out
    assert len(ran.out.splitlines()) <= 40
    assert max(len(line) for line in ran.out.splitlines()) <= 100


def test_64_hosts_in_a_mess_are_readable(delegation: Delegation, here: Path) -> None:
    """Each has some foreign values, some stale ones, and flags of its own."""
    text = INVENTORY.replace("hv[01-03]", "hv[01-64]") + "retired: ['hv[90-99]']\n"
    (here / "inventory.yaml").write_text(text, encoding="utf-8")
    records = [
        account(
            f"HV{n:02}",
            f"MSSQLSvc/db{n}",
            *forms(f"hv{90 + n % 10}"),
            uac=MEMBER | (TRANSITION if n % 2 else 0),
        )
        for n in range(1, 65)
    ]
    (here / "directory.ldif").write_bytes(directory(*records))
    ran = delegation("plan", "--format", "text")
    assert ran.code == 4, "the flag would change under foreign values"
    short = ran.out[: ran.out.index("blocked")]
    assert len(short.splitlines()) <= 45
    assert "-v shows them" in short
    listed = delegation("plan", "-v").out
    assert [n for n in range(1, 65) if f"MSSQLSvc/db{n} " not in listed] == []


def test_v_lists_every_value(delegation: Delegation) -> None:
    assert f"{MIGRATION}/hv02" not in delegation("plan").out
    text = delegation("plan", "-v").out
    assert text.count(" + ") == 24
    for value in forms("hv01", "hv02", "hv03"):
        assert text.count(f"+ {value}\n") == 2


def test_colours_are_for_terminals(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "\x1b" not in spawned("plan").out
    with at_terminal("plan") as terminal:
        assert terminal.ends() == 3
    assert "\x1b[" in terminal.screen
    for arguments in (("--no-color", "plan"), ("plan", "--no-color")):
        with at_terminal(*arguments) as terminal:
            assert terminal.ends() == 3
        assert "\x1b" not in terminal.screen
    monkeypatch.setenv("NO_COLOR", "1")
    with at_terminal("plan") as terminal:
        assert terminal.ends() == 3
    assert "\x1b" not in terminal.screen


def test_the_dc_that_answered_is_named(delegation: Delegation, here: Path) -> None:
    assert delegation("plan", "--format", "json").json["dc"] in delegation("plan").out
    assert controller() in (here / "directory.ldif").read_text(encoding="utf-8")
