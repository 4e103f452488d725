"""``delegation report``: the same as a page, as Markdown, as JSON and as CSV; files and faults.

What a browser makes of the page is in tests/story/test_report.py.
"""

import base64
import csv
import hashlib
import io
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import click
import pytest
from markdown_it import MarkdownIt

from delegation import cli
from delegation.report import sheet
from delegation.report.templates import asset
from tests.cli.program import Delegation
from tests.cli.test_hostile import HOSTILE
from tests.cli.world import (
    DOMAIN,
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

FORMS = ("html", "markdown", "json", "csv")
forms_of_it = pytest.mark.parametrize("form", FORMS)

KEEP = "keep: [{value: HTTP/*, reason: reporting portal, expires: 2099-06-30}]\n"


@pytest.fixture
def drifted(delegation: Delegation, here: Path) -> Delegation:
    """Applied as run 1; then hv01 loses a value and gains one, and one is kept on hv02."""
    (here / "inventory.yaml").write_text(INVENTORY + KEEP, encoding="utf-8")
    assert delegation("apply", "--yes", "--ticket", "CHG-7").code == 0
    now = held(here / "directory.ldif")
    edited(
        here / "directory.ldif",
        hv01=now["hv01"].values - {"cifs/hv02"} | {"cifs/nas01"},
        hv02=now["hv02"].values | {"HTTP/portal"},
    )
    return delegation


class Page(HTMLParser):
    """The elements of a page with their attributes, and the texts between them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.raw: dict[str, list[str]] = {"style": [], "script": []}
        self.texts: list[str] = []
        self._inside = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._inside = tag
        if tag in self.raw:
            self.raw[tag].append("")

    def handle_endtag(self, tag: str) -> None:  # noqa: ARG002
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside in self.raw:
            self.raw[self._inside][-1] += data
        else:
            self.texts.append(data)

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def text(self) -> str:
        return " ".join("".join(self.texts).split())


def page(delegation: Delegation, *words: str) -> Page:
    ran = delegation("report", "html", *words)
    assert ran.code == 0, ran.err
    return Page(ran.out)


def rows(delegation: Delegation, *words: str) -> list[dict[str, str]]:
    ran = delegation("report", "csv", *words)
    assert ran.code == 0, ran.err
    return list(csv.DictReader(io.StringIO(ran.out)))


# The same in every form


@forms_of_it
@pytest.mark.parametrize("subject", [(), ("state",), ("plan",), ("audit",), ("1",)])
def test_every_form_tells_every_subject(
    drifted: Delegation, here: Path, form: str, subject: tuple[str, ...]
) -> None:
    before = tree(here)
    ran = drifted("report", form, *subject)
    assert ran.code == 0, "a report was written, whatever it tells"
    assert ran.err == ""
    assert tree(here) == before, "a report is no run, and changes nothing"
    for told in ("corp", "hv01", "cifs/hv02") if subject != ("1",) else ("corp", "hv01", "applied"):
        assert told in ran.out


@pytest.mark.parametrize("subject", ["state", "audit"])
def test_all_forms_have_every_finding(drifted: Delegation, subject: str) -> None:
    data = drifted("report", "json", subject).json
    found = {(one["computer"], one["value"], one["rule"]) for one in data["findings"]}
    assert {("hv01", "cifs/hv02", "KCD001"), ("hv01", "cifs/nas01", "KCD003")} <= found
    shown = page(drifted, subject).text
    markdown = drifted("report", "markdown", subject).out.replace("\\", "")
    told = {
        (row["source"], row["value"], rule)
        for row in rows(drifted, subject)
        for rule in row["rule"].split("; ")
    }
    for computer, value, rule in found:
        assert (computer, value, rule) in told
        for text in (shown, markdown):
            assert computer in text
            assert value in text
            assert rule in text
    for one in data["kept"]:
        for text in (shown, markdown):
            assert one["value"] in text
            assert one["reason"] in text
            assert "2099-06-30" in text


def test_the_json_is_made_of_the_parts_of_other_commands(drifted: Delegation) -> None:
    state = drifted("report", "json").json
    audited = drifted("audit", "--format", "json").json
    for part in ("drift", "domain", "dc", "findings", "rules", "kept"):
        assert state[part] == audited[part]
    assert audited["summary"].items() <= state["summary"].items()
    assert state["verdict"]["standing"] == "drift"
    assert state["inventory_digest"].startswith("sha256:")
    planned = drifted("plan", "--format", "json").json
    told = drifted("report", "json", "plan").json
    assert planned["summary"].items() <= told["summary"].items()
    for part in ("digest", "changes", "kept", "foreign", "blocked"):
        assert told[part] == planned[part]
    ran = drifted("history", "1", "--format", "json").json
    assert ran.items() <= drifted("report", "json", "1").json.items()


def test_the_matrix_tells_each_pair(drifted: Delegation) -> None:
    state = drifted("report", "json").json
    assert state["summary"]["pairs"] == {
        "complete": 5, "partial": 1, "missing": 0, "unexpected": 0, "kept": 0,
    }  # fmt: skip
    first, *others = state["matrix"]["sources"]
    assert first["complete"] == ["hv03"]
    [pair] = first["others"]
    assert (pair["target"], pair["state"], pair["missing"]) == ("hv02", "partial", ["cifs/hv02"])
    assert [one["value"] for one in first["elsewhere"]] == ["cifs/nas01"]
    assert [row["others"] for row in others] == [[], []]
    [run] = state["runs"]
    assert run["ticket"] == "CHG-7"
    assert [touch["run"] for touch in state["hosts"][0]["runs"]] == [1]


def test_a_csv_row_for_each_value(drifted: Delegation) -> None:
    found = rows(drifted)
    assert tuple(found[0]) == sheet.COLUMNS
    standing = {(row["source"], row["value"]): row["standing"] for row in found if row["value"]}
    assert len(standing) == 3 * 8 + 2
    assert standing["hv01", "cifs/hv02"] == "missing"
    assert standing["hv01", "cifs/hv03"] == "present"
    assert standing["hv01", "cifs/nas01"] == "foreign"
    assert standing["hv02", "HTTP/portal"] == "kept"
    assert {row["target"] for row in found if row["value"] == f"{MIGRATION}/hv03"} == {"hv03"}
    changes = {(row["source"], row["value"]) for row in rows(drifted, "plan") if row["change"]}
    assert changes == {("hv01", "cifs/hv02")}
    added = [row for row in rows(drifted, "1") if row["change"] == "add"]
    assert {row["result"] for row in added} == {"applied"}
    assert len(added) == 24


def test_clean_is_clean(delegation: Delegation, here: Path) -> None:
    (here / "directory.ldif").write_bytes(finished())
    assert delegation("report", "json").json["verdict"]["standing"] == "clean"
    assert "Clean" in page(delegation).text
    assert "nothing to do" in delegation("report", "markdown", "plan").out


def test_a_risk_is_no_drift(delegation: Delegation, here: Path) -> None:
    raw = finished().replace(b"hv03.corp.example\n", b"hv03.corp.example\n", 1)
    disabled = f"userAccountControl: {MEMBER | TRANSITION | 2}\n".encode()
    raw = raw.replace(f"userAccountControl: {MEMBER | TRANSITION}\n".encode(), disabled, 1)
    (here / "directory.ldif").write_bytes(raw)
    assert delegation("report", "json").json["verdict"]["standing"] == "risk"


def test_flags_are_told(delegation: Delegation, here: Path) -> None:
    uac = MEMBER | UNCONSTRAINED
    (here / "directory.ldif").write_bytes(
        directory(account("HV01", uac=uac), account("HV02"), account("HV03"))
    )
    data = delegation("report", "json").json
    assert data["hosts"][0]["flags"] == {
        "protocol_transition": False,
        "protocol_transition_declared": True,
        "unconstrained": True,
    }
    text = page(delegation).text
    assert "off, declared on" in text
    assert "unconstrained on" in text
    assert "KCD005" in {row["rule"] for row in rows(delegation)}


def test_a_host_without_an_account_is_told(delegation: Delegation, here: Path) -> None:
    (here / "directory.ldif").write_bytes(directory(account("HV01"), account("HV02")))
    data = delegation("report", "json").json
    assert data["matrix"]["unread"] == ["hv03"]
    assert "could not be judged" in data["verdict"]["words"]
    for form in FORMS:
        assert delegation("report", form).code == 0
    ran = delegation("report", "html", "plan")
    assert ran.code == 1, "there is no such plan"
    assert "hv03" in ran.err


def test_a_blocked_plan_is_told_with_its_override(delegation: Delegation, here: Path) -> None:
    edited(here / "directory.ldif", hv01=["cifs/iso"])
    assert delegation("report", "json", "plan").json["verdict"]["standing"] == "blocked"
    for form in FORMS:
        assert "flag-change" in delegation("report", form, "plan").out.replace("\\", "")


def test_limit_and_operators_are_those_of_an_audit(drifted: Delegation) -> None:
    data = drifted("report", "json", "--limit", "hv02").json
    assert data["report"]["limit"] == "hv02"
    assert [row["source"] for row in data["matrix"]["sources"]] == ["hv02"]
    assert len(data["matrix"]["targets"]) == 3
    for words in (["--limit", "hv99"], ["1", "--limit", "hv01"], ["--as", " "], ["1", "--as", "x"]):
        assert drifted("report", "json", *words).code == 2


# Runs


def test_a_run_needs_no_directory_and_no_inventory(drifted: Delegation, here: Path) -> None:
    (here / "directory.ldif").unlink()
    (here / "inventory.yaml").unlink()
    for form in FORMS:
        ran = drifted("report", form, "1")
        assert ran.code == 0
        assert "hv01" in ran.out
    assert "all four" in page(drifted, "1").text
    assert drifted("report", "html").code == 2


@pytest.mark.parametrize("number", ["0", "99", "-1", "1.5", "9" * 30, "\u0661", "x", "State"])
def test_no_such_run_is_2(drifted: Delegation, number: str) -> None:
    ran = drifted("report", "html", number)
    assert ran.code == 2
    assert ran.out == ""


def test_a_journal_that_is_damaged_is_a_warning(drifted: Delegation, here: Path) -> None:
    (here / ".delegation" / "journal.sqlite").write_bytes(b"not a database " * 1000)
    ran = drifted("report", "json")
    assert ran.code == 0
    assert "warning: the report is without runs" in ran.err
    assert ran.json["runs"] == []
    assert drifted("report", "json", "1").code == 1


# Files


@forms_of_it
def test_it_goes_to_a_file(drifted: Delegation, here: Path, form: str) -> None:
    ran = drifted("report", form, "1", "-o", "out")
    assert (ran.code, ran.out, ran.err) == (0, "", "wrote   out\n")
    written = (here / "out").read_text(encoding="utf-8")
    assert written.startswith("\ufeff") is (form == "csv"), "Excel asks for the mark"
    times = re.compile(r"\d{4}\\?-\d\d\\?-\d\d[T ]\d\d:\d\d(:\d\d(\\?[+.]\S+)?)?")
    printed = drifted("report", form, "1").out
    assert times.sub("", written.removeprefix("\ufeff")) == times.sub("", printed)


@forms_of_it
@pytest.mark.parametrize(
    "victim", ["inventory.yaml", "directory.ldif", ".delegation/journal.sqlite"]
)
@pytest.mark.parametrize("subject", ["state", "1"])
def test_our_own_files_are_never_written_over(
    drifted: Delegation, here: Path, form: str, victim: str, subject: str
) -> None:
    if (subject, victim) == ("1", "directory.ldif"):
        return  # a run knows of none
    before = tree(here)
    ran = drifted("report", form, subject, "-o", victim)
    assert ran.code == 2
    assert victim in ran.err
    assert tree(here) == before


@pytest.mark.parametrize("file", ["missing/out", ".", "inventory.yaml/out"])
def test_a_file_that_cannot_be_written_is_2(drifted: Delegation, here: Path, file: str) -> None:
    before = tree(here)
    assert drifted("report", "html", "-o", file).code == 2
    assert tree(here) == before


# A template of one's own


def test_a_template_may_extend_ours(drifted: Delegation, here: Path) -> None:
    text = (
        '{% extends "delegation/report.html.j2" %}'
        "{% block brand %}<p>{{ '<b>Contoso</b>' }}</p>{% endblock %}"
    )
    for name in ("ours.html.j2", "report.html.j2", "ours.txt"):
        (here / name).write_text(text, encoding="utf-8")
        shown = page(drifted, "--template", name)
        assert "<b>Contoso</b>" in shown.text, "escaped, whatever the file is called"
        assert "hv01" in shown.text


def test_a_template_may_stand_alone(drifted: Delegation, here: Path) -> None:
    (here / "short.md.j2").write_text("{{ verdict.words }} on {{ dc }}\n", encoding="utf-8")
    ran = drifted("report", "markdown", "--template", "short.md.j2")
    assert ran.out.startswith("1 of 3 hosts differ from the inventory")
    assert ran.out.endswith(" on directory.ldif\n")


@pytest.mark.parametrize(
    "text", ["{{ verdict.word }}", "{% if %}", "{{ 1 / 0 }}", '{% include "nowhere" %}', "{{"]
)
def test_a_faulty_template_is_2(drifted: Delegation, here: Path, text: str) -> None:
    (here / "bad.j2").write_text(f"\n{text}", encoding="utf-8")
    ran = drifted("report", "html", "--template", "bad.j2", "-o", "out.html")
    assert ran.code == 2
    assert "bad.j2" in ran.err
    assert not (here / "out.html").exists()
    assert drifted("report", "html", "--template", "bad.j2", "-o", "bad.j2").code == 2
    assert (here / "bad.j2").read_text(encoding="utf-8") == f"\n{text}"


def test_a_template_that_is_not_there_is_2(drifted: Delegation) -> None:
    for name in ("nowhere.j2", "report.html.j2", "."):
        assert drifted("report", "html", "--template", name).code == 2


def test_a_template_is_not_written_over(drifted: Delegation, here: Path) -> None:
    (here / "ours.j2").write_text("{{ domain }}", encoding="utf-8")
    ran = drifted("report", "markdown", "--template", "ours.j2", "-o", "ours.j2")
    assert ran.code == 2
    assert (here / "ours.j2").read_text(encoding="utf-8") == "{{ domain }}"


# The page


@pytest.mark.parametrize("subject", ["state", "plan", "audit", "1"])
def test_the_page_asks_for_nothing_and_allows_only_what_is_in_it(
    drifted: Delegation, subject: str
) -> None:
    ran = drifted("report", "html", subject)
    assert ran.out.isascii(), "whatever encoding somebody takes it for"
    shown = Page(ran.out)
    assert not [tag for tag, _ in shown.elements if tag in {"link", "img", "iframe", "object"}]
    for _, attributes in shown.elements:
        assert not {"style", "src", "srcset", "action", "background"} & attributes.keys()
        assert not [name for name in attributes if name.startswith("on")]
        assert (attributes.get("href") or "#").startswith("#")
    [policy] = [
        str(one["content"])
        for one in shown.of("meta")
        if one.get("http-equiv") == "Content-Security-Policy"
    ]
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    code = [
        text for text, one in zip(shown.raw["script"], shown.of("script"), strict=True) if not one
    ]
    for text in (*shown.raw["style"], *code):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy
    assert not re.search(r"url\(|@import|https?:", "".join(shown.raw["style"] + code))


def test_the_page_says_the_essential_without_its_script(drifted: Delegation) -> None:
    """By its table of hosts and the sections of each; links lead to what is there."""
    shown = page(drifted)
    text = shown.text
    for said in ("Drift", "1 of 3 hosts differ", "lacks cifs/hv02", "cifs/nas01", "CHG-7"):
        assert said in text
    ids = [str(one["id"]) for _, one in shown.elements if "id" in one]
    assert len(ids) == len(set(ids))
    assert {"host-hv01", "host-hv02", "host-hv03"} <= set(ids)
    for link in shown.of("a"):
        assert str(link["href"]).removeprefix("#") in ids


# Nothing in it does harm


def inventory_of(text: str) -> str:
    reason = json.dumps(text, ensure_ascii=True)
    return f"{INVENTORY}keep: [{{value: HTTP/*, reason: {reason}, owner: {reason}}}]\n"


FORMULAS = ("=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "a;=1+1", "a; -1", "\uff1d1", " =1")
NASTY = {
    **HOSTILE,
    "page": "</script><script>alert(1)</script><img src=x onerror=alert(1)>'\">"
    "<svg onload=alert(1)><!--<script>\u2028\u2029&lt;b&gt;]]>{{ 7 * 7 }}",
    **{f"formula {number}": text for number, text in enumerate(FORMULAS)},
}


@pytest.mark.parametrize("text", NASTY.values(), ids=NASTY)
@pytest.mark.parametrize("subject", ["state", "plan", "audit", "1"])
def test_names_and_values_come_out_inert(
    delegation: Delegation, here: Path, text: str, subject: str
) -> None:
    """Each run is looked at for what a terminal would obey (program.examined), too."""
    (here / "inventory.yaml").write_text(inventory_of(text), encoding="utf-8")
    if delegation("history").code or delegation("check").code == 2:
        (here / "inventory.yaml").write_text(INVENTORY, encoding="utf-8")
    values = [f"cifs/{text}", text, f"HTTP/{text}", f"{text}/hv02"]
    dn = f"CN=HV02 {text},OU=Hyper-V,DC=corp,DC=example"
    (here / "directory.ldif").write_bytes(
        directory(account("HV01", *values), account("HV02", dn=dn), account("HV03"))
    )
    ticket = [] if "\0" in text else ["--ticket", text]
    assert delegation("apply", "--yes", *ticket, "--allow", "flag-change").code == 0

    for form in FORMS:
        ran = delegation("report", form, subject)
        assert ran.code == 0
        assert not any(line.lstrip().startswith("FORGED") for line in ran.out.splitlines())
    shown = page(delegation, subject)
    assert [tag for tag, _ in shown.elements if tag in {"img", "b1", "iframe"}] == []
    assert len(shown.of("svg")) == 1
    assert len(shown.of("script")) == (1 if subject in {"audit", "1"} else 2)
    for _, attributes in shown.elements:
        assert not [name for name in attributes if name.startswith("on")]
    for raw in shown.raw["script"]:
        assert "<" not in raw or "alert" not in raw
    for row in rows(delegation, subject):
        for cell in row.values():
            assert not re.match(r"\s*[=+\-@\uff1d\uff0b\uff0d\uff20]", cell)
            assert not re.search(r";\s*[=+\-@\uff1d\uff0b\uff0d\uff20]", cell)
    markdown = (
        MarkdownIt("gfm-like")
        .disable("linkify")
        .parse(delegation("report", "markdown", subject).out)
    )
    kinds = {child.type for token in markdown for child in token.children or []}
    assert kinds <= {"text", "text_special", "strong_open", "strong_close", "softbreak"}
    assert {"html_block", "fence", "code_block"} & {token.type for token in markdown} == set()


def test_what_defuses_a_formula_changes_nothing_else() -> None:
    assert sheet.defused("cifs/hv-01=x") == "cifs/hv-01=x"
    assert sheet.defused("=x;=y") == "'=x;'=y"
    assert sheet.defused("") == ""


# Help


@pytest.mark.parametrize("form", FORMS)
def test_each_form_has_help_with_examples_that_can_be_typed(
    delegation: Delegation, form: str
) -> None:
    ran = delegation("report", form, "--help")
    assert ran.code == 0
    _, _, examples = ran.out.partition("Examples:")
    lines = [line.strip() for line in examples.splitlines()]
    typed = [line.split()[1:] for line in lines if line.startswith("delegation report")]
    assert typed
    group = cli.cli.get_command(click.Context(cli.cli), "report")
    assert isinstance(group, click.Group)
    for _, name, *rest in typed:
        command = group.get_command(click.Context(group), name)
        assert command is not None
        command.make_context(name, rest)


def test_only_pages_and_markdown_have_a_template(drifted: Delegation) -> None:
    for form in ("json", "csv"):
        assert drifted("report", form, "--template", "inventory.yaml").code == 2


@pytest.mark.parametrize("words", [["report", "pdf"], ["report", "html", "mesh"], ["report", "-x"]])
def test_what_is_no_report_is_2(delegation: Delegation, words: list[str]) -> None:
    assert delegation(*words).code == 2


def test_plain_directories_are_told_as_missing(delegation: Delegation, here: Path) -> None:
    assert (here / "directory.ldif").read_bytes() == plain()
    pairs = delegation("report", "json").json["summary"]["pairs"]
    assert pairs["missing"] == 6
    text = page(delegation).text
    assert "lacks all its values" in text
    assert f"{forms('hv02')[0]}.{DOMAIN}" not in text, "folded, not spelled out"


def test_the_class_of_the_page_is_no_class_of_anything_in_it(
    delegation: Delegation, here: Path
) -> None:
    """What is meant for the cells of a table would hold for all of the page."""
    style = asset("report.css")
    for subject in ("state", "plan", "audit"):
        page = delegation("report", "html", subject).out
        [name] = re.findall(r'<body class="([^"]+)">', page)
        assert not re.search(rf"\.{re.escape(name)}\b", style)
        assert subject in name
