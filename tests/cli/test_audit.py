"""``delegation audit``: drift and risk, told to people and machines, without a write."""

import base64
import json
import sqlite3
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from delegation.directory import entries
from delegation.mesh import checks
from tests.cli.program import MORTAL, PROGRAM, Delegation, spawned
from tests.cli.world import (
    DISABLED,
    INVENTORY,
    MEMBER,
    MIGRATION,
    TRANSITION,
    UNCONSTRAINED,
    account,
    directory,
    edited,
    finished,
    forms,
    held,
    plain,
    tree,
)
from tests.directory.test_descriptors import ALLOW, descriptor, entry


@pytest.fixture
def clean(delegation: Delegation, here: Path) -> Delegation:
    (here / "directory.ldif").write_bytes(finished())
    return delegation


def rules(delegation: Delegation, *options: str) -> set[str]:
    data = delegation(*options, "audit", "--format", "json").json
    return {finding["rule"] for finding in data["findings"]}


# Exit codes


def test_clean_is_0(clean: Delegation) -> None:
    ran = clean("audit")
    assert ran.code == 0
    assert "no findings" in ran.out


@pytest.mark.parametrize("level", ["low", "high", "never"])
def test_drift_is_3_at_any_level(delegation: Delegation, level: str) -> None:
    assert delegation("audit").code == 3
    assert delegation("audit", "--fail-on", level).code == 3


@pytest.mark.parametrize(
    "edit",
    [
        lambda values: values - {"cifs/hv02"},
        lambda values: values | {"cifs/iso"},
        lambda values: values | {f"{MIGRATION}/hv01"},
    ],
    ids=["missing", "unexpected", "stale"],
)
def test_each_kind_of_value_drift_is_3(
    clean: Delegation, here: Path, edit: Callable[[frozenset[str]], frozenset[str]]
) -> None:
    now = held(here / "directory.ldif")
    edited(here / "directory.ldif", hv01=edit(now["hv01"].values))
    ran = clean("audit", "--format", "json")
    assert ran.code == 3
    assert ran.json["drift"] is True


@pytest.mark.parametrize("uac", [MEMBER, MEMBER | TRANSITION | UNCONSTRAINED])
def test_a_flag_that_drifted_is_3(clean: Delegation, here: Path, uac: int) -> None:
    raw = (here / "directory.ldif").read_bytes()
    old = f"userAccountControl: {MEMBER | TRANSITION}\n".encode()
    new = f"userAccountControl: {uac}\n".encode()
    (here / "directory.ldif").write_bytes(raw.replace(old, new, 1))
    assert clean("audit").code == 3


def test_an_account_that_is_missing_is_1_and_the_others_are_audited(
    delegation: Delegation, here: Path
) -> None:
    (here / "directory.ldif").write_bytes(directory(account("HV01"), account("HV02")))
    ran = delegation("audit", "--format", "json")
    assert ran.code == 1
    found = {(one["rule"], one["computer"]) for one in ran.json["findings"]}
    assert (checks.ACCOUNT_RULE, "hv03") in found
    assert ("KCD001", "hv01") in found
    assert ran.json["drift"] is True


def test_findings_without_drift_are_0_below_the_level(clean: Delegation, here: Path) -> None:
    """A disabled account: medium, and no drift."""
    raw = (here / "directory.ldif").read_bytes()
    old = f"userAccountControl: {MEMBER | TRANSITION}\n".encode()
    new = f"userAccountControl: {MEMBER | TRANSITION | DISABLED}\n".encode()
    (here / "directory.ldif").write_bytes(raw.replace(old, new, 1))
    ran = clean("audit", "--format", "json")
    assert ran.code == 0
    assert [(one["rule"], one["severity"]) for one in ran.json["findings"]] == [
        ("KCD008", "medium")
    ]
    assert clean("audit", "--fail-on", "low").code == 3
    assert clean("audit", "--fail-on", "medium").code == 3
    assert clean("audit", "--fail-on", "high").code == 0
    assert clean("audit", "--fail-on", "critical").code == 0
    assert clean("audit", "--fail-on", "never").code == 0
    assert clean("audit", "--fail-on", "worst").code == 2


def test_an_expired_keep_rule_is_a_high_finding(clean: Delegation, here: Path) -> None:
    keep = "keep: [{value: HTTP/*, reason: portal, owner: web, expires: 2020-01-01}]\n"
    (here / "inventory.yaml").write_text(INVENTORY + keep, encoding="utf-8")
    now = held(here / "directory.ldif")
    edited(here / "directory.ldif", hv01=now["hv01"].values | {"HTTP/portal"})
    ran = clean("audit", "--format", "json")
    [finding, ghost] = ran.json["findings"]
    assert (finding["rule"], finding["severity"]) == ("KCD007", "high")
    assert ghost["rule"] == "KCD012"
    assert "2020-01-01" in finding["message"]
    assert "web" in finding["message"]
    assert ran.code == 3, "high is what fails unless told otherwise"
    assert clean("audit", "--fail-on", "critical").code == 0
    assert clean("audit", "--fail-on", "never").code == 0


# What it tells


def test_the_json_has_the_keys_of_the_contract(delegation: Delegation, here: Path) -> None:
    keep = "keep: [{value: HTTP/*, reason: portal}]\n"
    (here / "inventory.yaml").write_text(INVENTORY + keep, encoding="utf-8")
    edited(here / "directory.ldif", hv01=["HTTP/portal", "cifs/iso"])
    data = delegation("audit", "--format", "json").json
    of_findings = {"findings", "accepted", "rules", "kept", "summary"}
    assert data.keys() == {"drift", "domain", "dc", "outside"} | of_findings
    assert data["rules"].keys() == {finding["rule"] for finding in data["findings"]}
    for rule in data["rules"].values():
        assert rule["title"]
        assert rule["reference"]
    for finding in data["findings"]:
        assert finding.keys() == {"rule", "severity", "computer", "value", "message", "fix"}
        assert finding["severity"] in {"critical", "high", "medium", "low"}
        assert finding["message"]
        assert finding["fix"]
    assert data["kept"] == [
        {"computer": "hv01", "value": "HTTP/portal", "reason": "portal", "expires": None}
    ]
    assert data["summary"]["objects"] == 3
    assert data["summary"]["findings"] == len(data["findings"])
    missing = {one["value"] for one in data["findings"] if one["rule"] == "KCD001"}
    assert missing == set(forms("hv01", "hv02", "hv03"))


def test_the_worst_comes_first(delegation: Delegation, here: Path) -> None:
    (here / "directory.ldif").write_bytes(
        directory(
            account("HV01", "cifs/iso", uac=MEMBER | UNCONSTRAINED),
            account("HV02", uac=MEMBER | DISABLED),
            account("HV03"),
        )
    )
    order = ["critical", "high", "medium", "low"]
    found = delegation("audit", "--format", "json").json["findings"]
    ranks = [order.index(one["severity"]) for one in found]
    assert ranks == sorted(ranks)
    assert ranks[0] == 0
    assert ranks[-1] == 2


def test_a_finding_says_what_where_and_what_to_do(delegation: Delegation) -> None:
    text = delegation("audit").out
    assert "KCD001" in text
    assert "hv[01-03]" in text
    assert "fix: delegation plan" in text


def test_limit_looks_at_these_hosts_only(delegation: Delegation) -> None:
    data = delegation("audit", "--limit", "hv02", "--format", "json").json
    assert {one["computer"] for one in data["findings"]} == {"hv02"}
    assert delegation("audit", "--limit", "hv99").code == 2


def test_64_hosts_are_readable(delegation: Delegation, here: Path) -> None:
    text = INVENTORY.replace("hv[01-03]", "hv[01-64]")
    (here / "inventory.yaml").write_text(text, encoding="utf-8")
    (here / "directory.ldif").write_bytes(
        directory(*(account(f"HV{n:02}", "cifs/iso") for n in range(1, 65)))
    )
    ran = delegation("audit")
    assert ran.code == 3
    assert len(ran.out.splitlines()) <= 40
    assert "hv[01,03-64]: Microsoft Virtual System Migration Service/hv02, " in ran.out
    assert "and 232 more values on others of these; -v shows all" in ran.out
    assert ran.out.endswith("16,384 findings: 16,256 high, 128 medium\n")
    whole = delegation("audit", "-v").out
    assert "more value" not in whole
    assert "hv[01-63]: Microsoft Virtual System Migration Service/hv64, " in whole


def test_json_is_alone_on_stdout(delegation: Delegation, here: Path) -> None:
    (here / ".delegation").write_text("a file", encoding="utf-8")
    ran = delegation("-v", "audit", "--format", "json")
    assert ran.json["drift"] is True
    assert "warning" in ran.err


def test_output_goes_to_the_file_instead(delegation: Delegation, here: Path) -> None:
    for form in ("text", "json", "markdown"):
        printed = delegation("audit", "--format", form)
        ran = delegation("audit", "--format", form, "--output", "audit.txt")
        assert ran.code == printed.code == 3
        assert ran.out == ""
        assert (here / "audit.txt").read_text(encoding="utf-8") == printed.out


@pytest.mark.parametrize("file", ["missing/audit.json", ".", "inventory.yaml/audit.json"])
def test_output_that_cannot_be_written_is_2(delegation: Delegation, here: Path, file: str) -> None:
    before = tree(here)
    ran = delegation("audit", "--output", file)
    assert ran.code == 2
    assert file in ran.err
    after = tree(here)
    assert {name: after[name] for name in before} == before


# Whom values lead to, and who runs migrations


def test_who_may_answer_to_a_value_is_looked_up(clean: Delegation, here: Path) -> None:
    """By the name itself, by HOST/… of its host, by the names of computers."""
    export = here / "directory.ldif"
    values = [
        "HTTP/portal",
        "HTTP/files:8080",
        "FTP/box.corp.example",
        "MSSQLSvc/db1.corp.example:1433",
        "cifs/nas",
        "cifs/no",
    ]
    edited(export, hv01=held(export)["hv01"].values | set(values))
    others = [
        account("WEB", spns=["HTTP/portal"]),
        account("SERVER7", spns=["HOST/files"]),
        account("SERVER8", spns=["HOST/box.corp.example"], fqdn="box.corp.example"),
        account("DB1", spns=[]),
        account("NAS", spns=[]),
        account("NO", base="DC=other,DC=example"),
    ]
    export.write_bytes(export.read_bytes() + "".join(others).encode())
    found = clean("audit", "--format", "json").json["findings"]
    assert {one["value"] for one in found if one["rule"] == "KCD003"} == set(values)
    assert [one["value"] for one in found if one["rule"] == "KCD012"] == ["cifs/no"]


def test_two_who_answer_are_found_though_one_is_known(clean: Delegation, here: Path) -> None:
    """hv03 is known as a host; who else holds its name has to be looked for."""
    export = here / "directory.ldif"
    edited(export, hv01=held(export)["hv01"].values | {"HTTP/hv03:8080"})
    export.write_bytes(export.read_bytes() + account("TWIN", spns=["host/HV03"]).encode())
    found = clean("audit", "--format", "json").json["findings"]
    told = {(one["computer"], one["value"]) for one in found if one["rule"] == "KCD013"}
    assert told >= {("hv01", "HTTP/hv03:8080"), ("hv01", "cifs/hv03"), ("hv02", "cifs/hv03")}
    assert "HV03$ and TWIN$" in clean("audit").out


def test_who_may_act_on_a_host_is_told_by_name(clean: Delegation, here: Path) -> None:
    names = {1105: "HV02", 1106: "HV03"}
    text = (here / "directory.ldif").read_text(encoding="utf-8")
    for rid, name in names.items():
        sid = base64.b64encode(entries.sid_bytes(f"S-1-5-21-1-2-3-{rid}")).decode()
        text = text.replace(
            f"sAMAccountName: {name}$", f"objectSid:: {sid}\nsAMAccountName: {name}$"
        )
    acting = descriptor(*(entry(ALLOW, f"S-1-5-21-1-2-3-{rid}") for rid in (1106, 1105, 9999)))
    line = f"msDS-AllowedToActOnBehalfOfOtherIdentity:: {base64.b64encode(acting).decode()}\n"
    text = text.replace("sAMAccountName: HV01$", f"{line}sAMAccountName: HV01$")
    (here / "directory.ldif").write_text(text, encoding="utf-8")
    ran = clean("audit", "--format", "json")
    assert ran.code == 0, "a risk, no drift"
    [finding] = ran.json["findings"]
    assert (finding["rule"], finding["computer"]) == ("KCD016", "hv01")
    assert finding["message"].endswith(": HV02$, HV03$, S-1-5-21-1-2-3-9999")


def test_operators_come_by_an_option(clean: Delegation, here: Path) -> None:
    people = [
        account("ANNA", sam="anna", uac=0x200, spns=[]),
        account("BEN", sam="ben", uac=0x200 | 0x100000, spns=[]),
    ]
    export = here / "directory.ldif"
    export.write_bytes(export.read_bytes() + "".join(people).encode())
    words = ["--as", "anna", "--as", "CORP\\ben", "--as", "carla", "--as", "anna"]
    for command in ("audit", "check"):
        found = clean(command, *words, "--format", "json").json["findings"]
        assert [(one["rule"], one["value"]) for one in found] == [
            ("KCD017", "CORP\\ben"),
            ("KCD018", "anna"),
            ("KCD018", "carla"),
        ]
        text = clean(command, *words).out
        assert "  high      KCD017  CORP\\ben\n" in text
        assert clean(command, "--as", " ").code == 2
        assert clean(command, "--as").code == 2
    assert clean("audit", *words).code == 3
    for level in ("critical", "never"):
        assert clean("audit", *words, "--fail-on", level).code == 0
    assert clean("check", *words).code == 1
    assert clean("check", "--as", "anna").code == 0


# Markdown


def test_markdown_is_a_table_of_the_findings(delegation: Delegation, here: Path) -> None:
    keep = "keep: [{value: HTTP/*, reason: portal, expires: 2099-06-30}]\n"
    (here / "inventory.yaml").write_text(INVENTORY + keep, encoding="utf-8")
    edited(here / "directory.ldif", hv01=["HTTP/portal", "cifs/iso"])
    text = delegation("audit", "--format", "markdown").out
    findings, kept = tables(text)
    assert findings[0] == ["severity", "rule", "hosts", "value", "what", "fix"]
    assert ["medium", "KCD003", "hv01", "cifs/iso"] in [row[:4] for row in findings]
    assert kept == [
        ["host", "value", "reason", "expires"],
        ["hv01", "HTTP/portal", "portal", "2099-06-30"],
    ]
    listed = MarkdownIt("gfm-like").disable("linkify").render(text)
    assert "<li>KCD003: unexpected value: not from the inventory and under no keep rule (" in listed


def test_markdown_without_findings(clean: Delegation) -> None:
    text = clean("audit", "--format", "markdown").out
    assert "**No drift.**" in text
    assert "No findings." in text
    assert tables(text) == []


def test_no_value_can_break_the_table(delegation: Delegation, here: Path) -> None:
    hostile = [
        "cifs/a|b",
        "cifs/a\\|b",
        "cifs/a\n|x|y|",
        "cifs/`a`|`b`",
        "cifs/<script>alert(1)</script>",
        "cifs/[here](https://evil.example)",
        "cifs/![x](https://evil.example/x.png)",
        "cifs/https://evil.example/",
        "cifs/www.evil.example",
        "cifs/admin@evil.example",
        "cifs/&lt;b&gt;**bold**__x__~~y~~",
    ]
    for value in hostile:
        (here / "directory.ldif").write_bytes(
            directory(account("HV01", value), account("HV02"), account("HV03"))
        )
        text = delegation("audit", "--format", "markdown").out
        [findings] = tables(text)
        assert {len(row) for row in findings} == {6}
        [row] = [row for row in findings if row[1] == "KCD003"]
        assert row[3] == value.replace("\n", "\\n")
        html = MarkdownIt("gfm-like").disable("linkify").render(text)
        for markup in ("<a ", "<img", "<script", "<b>", "<code"):
            assert markup not in html


def tables(text: str) -> list[list[list[str]]]:
    """The tables of a Markdown text as a renderer sees them: rows of cells, markup taken away."""
    found: list[list[list[str]]] = []
    tokens = MarkdownIt("gfm-like").disable("linkify").parse(text)
    for token, inside in pairwise(tokens):
        if token.type == "table_open":
            found.append([])
        elif token.type == "tr_open":
            found[-1].append([])
        elif token.type in {"td_open", "th_open"}:
            children = inside.children or []
            assert {child.type for child in children} <= {"text", "text_special"}
            found[-1][-1].append("".join(child.content for child in children))
    return found


# Its own record


def test_an_audit_is_a_run(clean: Delegation) -> None:
    clean("audit")
    run = clean("history", "1", "--format", "json").json
    assert run["kind"] == "audit"
    assert run["status"] == "done"
    assert run["summary"]["drift"] is False
    assert run["changes"] == []


def test_the_directory_and_the_inventory_stay_as_they_are(
    delegation: Delegation, here: Path
) -> None:
    before = tree(here)
    delegation("audit")
    after = tree(here)
    assert {name: after[name] for name in before} == before
    assert {name for name in after if name not in before} <= {
        ".delegation", ".delegation/journal.sqlite", ".delegation/lock",
        ".delegation/journal.sqlite-journal",
    }  # fmt: skip


def _newer(here: Path) -> None:
    with sqlite3.connect(here / ".delegation" / "journal.sqlite") as db:
        db.execute("PRAGMA user_version = 99")
    db.close()


def _garbage(here: Path) -> None:
    (here / ".delegation" / "journal.sqlite").write_bytes(b"not a database " * 1000)


def _somebody_elses(here: Path) -> None:
    (here / ".delegation" / "journal.sqlite").unlink()
    with sqlite3.connect(here / ".delegation" / "journal.sqlite") as db:
        db.execute("CREATE TABLE photos (name TEXT)")
    db.close()


def _cut_off(here: Path) -> None:
    path = here / ".delegation" / "journal.sqlite"
    path.write_bytes(path.read_bytes()[:5000])


def _a_folder(here: Path) -> None:
    (here / ".delegation" / "journal.sqlite").unlink()
    (here / ".delegation" / "journal.sqlite").mkdir()


@pytest.mark.parametrize("breaks", [_newer, _garbage, _somebody_elses, _cut_off, _a_folder])
def test_a_broken_journal_is_a_warning(
    delegation: Delegation, here: Path, breaks: Callable[[Path], None]
) -> None:
    delegation("audit")
    breaks(here)
    before = tree(here)
    ran = delegation("audit", "--format", "json")
    assert ran.code == 3
    assert ran.json["findings"]
    assert "warning: this audit is not in the history" in ran.err
    assert "journal.sqlite" in ran.err
    assert tree(here) == before


@pytest.mark.parametrize("mode", [(0o500, 0o400), (0o700, 0o400), (0o000, 0o600)])
def test_a_journal_that_may_not_be_written_is_a_warning(
    delegation: Delegation, here: Path, mode: tuple[int, int]
) -> None:
    """As for an auditor's account, which may read at most."""
    delegation("audit")
    folder = here / ".delegation"
    for path in folder.iterdir():
        path.chmod(mode[1])
    folder.chmod(mode[0])
    try:
        options = ("--state", ".delegation", "audit", "--format", "json")
        ran = spawned(*options, program=(*MORTAL, *PROGRAM), cwd=here)
    finally:
        folder.chmod(0o700)
    assert ran.code == 3
    assert ran.json["findings"]
    assert "warning: this audit is not in the history" in ran.err


def test_a_plan_does_without_a_journal_that_may_not_be_read(
    delegation: Delegation, here: Path
) -> None:
    """It would only give hints, about values of others."""
    edited(here / "directory.ldif", hv01=["cifs/iso"])
    delegation("audit")
    (here / ".delegation").chmod(0)
    try:
        ran = spawned("plan", program=(*MORTAL, *PROGRAM), cwd=here)
    finally:
        (here / ".delegation").chmod(0o700)
    assert ran.code == 4, "for the flag"
    assert "cifs/iso" in ran.out
    assert "warning: no hints from the journal" in ran.err


def test_drift_is_told_whatever_the_format(delegation: Delegation, here: Path) -> None:
    assert (here / "directory.ldif").read_bytes() == plain()
    assert "**Drift.**" in delegation("audit", "--format", "markdown").out
    assert json.loads(delegation("audit", "--format", "json").out)["drift"] is True
    assert rules(delegation) == {"KCD001", "KCD004"}


def test_o_is_short_for_output(delegation: Delegation, here: Path) -> None:
    ran = delegation("audit", "--format", "json", "-o", "audit.json")
    assert ran.out == ""
    assert json.loads((here / "audit.json").read_text(encoding="utf-8"))["drift"]


def test_history_says_what_could_not_be_judged(delegation: Delegation, here: Path) -> None:
    """An audit that ended with 1 has not seen that there is no drift."""
    labels = ("hv01", "hv02", "hv03", "hv04")
    whole = [
        account(
            label.upper(),
            *forms(*(other for other in labels if other != label)),
            uac=MEMBER | TRANSITION,
        )
        for label in labels[:3]
    ]
    (here / "inventory.yaml").write_text(INVENTORY.replace("-03", "-04"), encoding="utf-8")
    (here / "directory.ldif").write_bytes(directory(*whole))
    assert delegation("audit").code == 1
    history = delegation("history").out
    assert "1 host could not be judged, " in history
    assert "no drift" not in history
    run = delegation("history", "--format", "json").json["runs"][0]
    assert run["summary"]["unread"] == 1
    assert not run["summary"]["drift"]
    assert delegation("report", "json", "1").json["verdict"]["standing"] == "incomplete"
    (here / "directory.ldif").write_bytes(finished())
    (here / "inventory.yaml").write_text(INVENTORY, encoding="utf-8")
    assert delegation("audit").code == 0
    assert "no drift, 0 findings" in delegation("history").out
    assert delegation("report", "json", "2").json["verdict"]["standing"] == "clean"


@pytest.mark.parametrize("command", [("rollback", "--yes"), ("history",), ("plan",), ("check",)])
def test_what_only_looks_makes_no_state_folder(
    delegation: Delegation, here: Path, command: tuple[str, ...]
) -> None:
    ran = delegation("--state", "mistyped", *command)
    assert not (here / "mistyped").exists()
    assert "made now" not in ran.err


@pytest.mark.parametrize("command", [("apply", "--yes"), ("audit",)])
def test_what_records_says_that_it_makes_one(
    delegation: Delegation, here: Path, command: tuple[str, ...]
) -> None:
    ran = delegation("--state", "mistyped", *command)
    assert (here / "mistyped").is_dir()
    assert ran.err.count("the state folder mistyped is new: made now") == 1
    assert "is new" not in delegation("--state", "mistyped", *command).err
