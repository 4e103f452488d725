"""``delegation report`` of runs that set hosts, moved machines, or were audits: by the record."""

import base64
import csv
import hashlib
import io
from contextlib import closing
from pathlib import Path
from uuid import UUID

import pytest

from delegation.changes import store
from delegation.changes.journal import Journal
from delegation.changes.outcomes import Outcome, Result
from delegation.changes.plan import Change
from delegation.changes.run import FAILED, NewRun
from delegation.hosts.machines import MoveProgress
from delegation.hosts.settings import HOST_SETTINGS, HOSTS_APPLY, HostSetting, target
from delegation.migrations import MIGRATE
from delegation.migrations.lifecycle import Migration, MigrationStep
from delegation.migrations.record import queue
from delegation.wiring import KINDS
from tests.cli.program import Delegation
from tests.cli.test_report import KEEP, Page, forms_of_it
from tests.cli.world import INVENTORY, tree

STATE = Path(".delegation")
MOVES, SETTINGS, AUDIT = "1", "2", "3"
kinds = pytest.mark.parametrize("run", [MOVES, SETTINGS, AUDIT])


def machine(number: int) -> UUID:
    return UUID(int=number)


def migrated(journal: Journal) -> None:
    """A run of three: one moved, one that runs, one that failed."""
    new = NewRun(MIGRATE, "hosts:corp.example", "corp.example", "hv[01-03]", {}, ticket="CHG-7")
    moves = [
        Migration(machine(n), f"web0{n}", "hv01", to, "", 0, 0, n << 30, 9.0, at="hv01")
        for n, to in ((1, "hv02"), (2, "hv03"), (3, "hv02"))
    ]
    queued = queue.begin(journal, new, moves)
    for move in moves:
        handle = str(100 + move.machine.int)
        queued.step(move.machine, MigrationStep.INTENDED, at="hv01", to=move.target, handle=handle)
        queued.step(move.machine, MigrationStep.ACCEPTED)
    queued.advanced({machine(2): MoveProgress(50)})
    queued.step(machine(1), MigrationStep.ARRIVED, at="hv02")
    queued.step(
        machine(3), MigrationStep.GIVEN_UP, "the disk is full (0x80070070)", "make room on hv02"
    )


def set_(journal: Journal) -> None:
    """Two hosts; one of them refuses."""
    new = NewRun(HOSTS_APPLY, "hosts:corp.example", "corp.example", "hv[01-02]", {}, ticket="CHG-8")
    changes = [
        Change(
            target(host, f"{host}.corp.example", "migrations"),
            HostSetting("migrations", 2),
            HostSetting("migrations", 4),
        )
        for host in ("hv01", "hv02")
    ]
    page = journal.begin(new, changes)
    page.intend(changes)
    page.settle([
        Outcome(changes[0], Result.APPLIED),
        Outcome(changes[1], Result.FAILED, reason="access is denied"),
    ])  # fmt: skip
    page.finish(FAILED, {"objects": 2, "applied": 1, "failed": 1})


@pytest.fixture
def past(delegation: Delegation, here: Path) -> Delegation:
    """A migration run that is under way, one on hosts, and an audit that found drift."""
    (here / "inventory.yaml").write_text(INVENTORY + KEEP, encoding="utf-8")
    with closing(Journal.writable(STATE, KINDS)) as journal:
        migrated(journal)
        set_(journal)
    assert delegation("audit").code == 3
    return delegation


TOLD = {
    MOVES: ("web03", "hv03", "the disk is full", "make room on hv02"),
    SETTINGS: ("hv02", "migrations", "access is denied", "applied"),
    AUDIT: ("hv01", "KCD001"),
}


@forms_of_it
@kinds
def test_every_form_tells_every_kind_of_run(
    past: Delegation, here: Path, form: str, run: str
) -> None:
    """By the record alone: neither directory nor inventory is there."""
    (here / "directory.ldif").unlink()
    (here / "inventory.yaml").unlink()
    past("report", form, MOVES)  # asking whether somebody is at it leaves the file of that lock
    before = tree(here)
    ran = past("report", form, run)
    assert (ran.code, ran.err) == (0, "")
    assert tree(here) == before
    shown = ran.out.replace("\\", "")
    for told in TOLD[run]:
        assert told in shown
    ticket = {MOVES: "CHG-7", SETTINGS: "CHG-8"}.get(run, "")
    assert ticket in shown


@kinds
def test_the_page_asks_for_nothing_and_allows_only_what_is_in_it(
    past: Delegation, run: str
) -> None:
    ran = past("report", "html", run)
    assert ran.out.isascii()
    shown = Page(ran.out)
    assert not [tag for tag, _ in shown.elements if tag in {"link", "img", "iframe", "object"}]
    ids = [str(one["id"]) for _, one in shown.elements if "id" in one]
    assert len(ids) == len(set(ids))
    for _, attributes in shown.elements:
        assert not {"style", "src", "srcset", "action", "background"} & attributes.keys()
        assert not [name for name in attributes if name.startswith("on")]
        href = attributes.get("href") or "#"
        assert href.startswith("#")
        assert href == "#" or href.removeprefix("#") in ids
    [policy] = [str(one["content"]) for one in shown.of("meta") if "http-equiv" in one]
    for text in (*shown.raw["style"], *shown.raw["script"]):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy


@forms_of_it
@kinds
@pytest.mark.parametrize("victim", ["inventory.yaml", ".delegation/journal.sqlite"])
def test_our_own_files_are_never_written_over(
    past: Delegation, here: Path, form: str, run: str, victim: str
) -> None:
    before = (here / victim).read_bytes()
    ran = past("report", form, run, "-o", victim)
    assert ran.code == 2
    assert victim in ran.err
    assert (here / victim).read_bytes() == before


# Migrations


def test_the_json_of_a_migration_run_is_that_of_its_status(past: Delegation) -> None:
    status = past("migrate", "status", MOVES, "--format", "json").json
    told = past("report", "json", MOVES).json
    assert status["result"].items() <= told.items()
    assert told["moves"] == status["moves"]
    assert told["report"]["subject"] == "run"
    assert told["verdict"] == {
        "standing": "interrupted",
        "words": "1 of 3 machines moved, 1 unknown, 1 failed; it can be resumed",
    }
    assert [(one["vm"], one["became"]) for one in told["timeline"]] == [
        ("web01", "moved"),
        ("web02", None),
        ("web03", "failed"),
    ]


def test_its_markdown_is_that_of_its_status(past: Delegation) -> None:
    status = past("migrate", "status", MOVES, "--format", "markdown").out
    assert past("report", "markdown", MOVES).out == status


def test_somebody_is_at_it(past: Delegation) -> None:
    with store.lock(STATE, store.MIGRATING):
        told = past("report", "json", MOVES).json
        shown = Page(past("report", "html", MOVES).out).text
    assert told["alive"]
    assert told["verdict"]["standing"] == "running"
    assert "50% to hv03" in shown


def test_a_row_for_each_machine(past: Delegation) -> None:
    ran = past("report", "csv", MOVES)
    rows = {row["machine"]: row for row in csv.DictReader(io.StringIO(ran.out))}
    assert rows["web01"]["is_on"] == "hv02"
    assert rows["web02"]["state"] == "unknown"
    assert rows["web03"]["fix"] == "make room on hv02"


# Hosts, audits


def test_the_json_of_a_run_on_hosts_is_that_of_the_history(past: Delegation) -> None:
    ran = past("history", SETTINGS, "--format", "json").json
    told = past("report", "json", SETTINGS).json
    assert ran.items() <= told.items()
    assert told["verdict"] == {
        "standing": "failed",
        "words": "1 of 2 settings applied on 2 hosts, 1 failed",
    }


def test_a_run_on_hosts_that_died_is_unsettled(past: Delegation) -> None:
    with closing(Journal.writable(STATE, KINDS)) as journal:
        change = journal.changes(2, HOST_SETTINGS)[0].change
        new = NewRun(HOSTS_APPLY, "hosts:corp.example", "corp.example", "hv01", {})
        journal.begin(new, [change]).intend([change])
    told = past("report", "json", "4").json
    assert told["verdict"]["standing"] == "unsettled"
    assert "not settled" in past("report", "csv", "4").out


def test_an_audit_of_the_past_has_what_it_found(past: Delegation) -> None:
    ran = past("history", AUDIT, "--format", "json").json
    told = past("report", "json", AUDIT).json
    assert told["findings"] == ran["findings"]
    assert told["verdict"]["standing"] == "drift"
    shown = Page(past("report", "html", AUDIT).out).text
    assert "Nothing was changed" not in shown
    assert "KCD001" in shown
    rows = csv.DictReader(io.StringIO(past("report", "csv", AUDIT).out))
    assert {row["rule"] for row in rows} == {one["rule"] for one in ran["findings"]}


# Templates


@kinds
def test_a_template_that_extends_ours_serves_every_kind_of_run(
    past: Delegation, here: Path, run: str
) -> None:
    text = (
        '{% extends "delegation/report.html.j2" %}'
        "{% block brand %}<p>{{ '<b>Contoso</b>' }}</p>{% endblock %}"
        "{% block title %}Contoso {{ run }}{% endblock %}"
        "{% block footer %}<p>{{ moment(report.generated) }}</p>{% endblock %}"
    )
    (here / "ours.html.j2").write_text(text, encoding="utf-8")
    shown = Page(past("report", "html", run, "--template", "ours.html.j2").out)
    assert "<b>Contoso</b>" in shown.text
    assert f"Contoso {run}" in shown.text
    assert TOLD[run][0] in shown.text


@kinds
def test_so_does_one_for_markdown(past: Delegation, here: Path, run: str) -> None:
    (here / "ours.md.j2").write_text('{% extends "delegation/report.md.j2" %}', encoding="utf-8")
    ran = past("report", "markdown", run, "--template", "ours.md.j2")
    assert ran.out == past("report", "markdown", run).out


def test_a_template_is_given_the_migrations(past: Delegation, here: Path) -> None:
    text = "{% for one in machines %}{{ one.vm }}: {{ size_of(one.bytes) }}\n{% endfor %}"
    (here / "ours.md.j2").write_text(text, encoding="utf-8")
    ran = past("report", "markdown", MOVES, "--template", "ours.md.j2")
    assert ran.out == "web02: 2.0 GB\nweb03: 3.0 GB\nweb01: 1.0 GB\n"


@forms_of_it
def test_options_of_the_directory_are_refused(past: Delegation, form: str) -> None:
    for words in (["--limit", "hv01"], ["--as", "x"]):
        assert past("report", form, MOVES, *words).code == 2
