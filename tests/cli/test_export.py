"""``delegation export``: which files it writes, when it writes none, and the LDIF in them."""

import os
import re
from pathlib import Path

import pytest

from delegation.cli.export import export
from delegation.directory import ldif
from tests.cli.program import MORTAL, PROGRAM, Delegation, Ran, spawned
from tests.cli.test_hostile import EVERY_OVERRIDE, HOSTILE
from tests.cli.world import (
    INVENTORY,
    MEMBER,
    MIGRATION,
    TRANSITION,
    UNCONSTRAINED,
    Held,
    account,
    apply_change_file,
    directory,
    finished,
    forms,
    held,
    tree,
    undo_file,
)

NAMES = {f"CN={n.upper()},OU=Hyper-V,DC=corp,DC=example": n for n in ("hv01", "hv02", "hv03")}
KINDS = {"ldif": ".ldif", "powershell": ".ps1"}
both = pytest.mark.parametrize("kind", KINDS)


def written(here: Path, before: dict[str, bytes | None]) -> set[str]:
    """The names of new files; everything that was there is as it was."""
    after = tree(here)
    assert {name: after.get(name) for name in before} == before
    return after.keys() - before.keys()


def text_of(path: Path) -> str:
    return path.read_bytes().decode("ascii").replace("\r\n", "\n")


def without_comments(text: str) -> str:
    """The records, after a look at what else there is: a version, comments, blank lines."""
    lines = text.split("\n")
    assert lines[0] == "version: 1"
    return "\n".join(line for line in lines if not line.startswith("#"))


# Which files


@both
def test_two_files_are_written_and_nothing_else(
    delegation: Delegation, here: Path, kind: str
) -> None:
    before = tree(here)
    digest = delegation("plan", "--format", "json").json["digest"].removeprefix("sha256:")
    ran = delegation("export", kind)
    assert ran.code == 0
    change, undo = f"plan-{digest[:12]}{KINDS[kind]}", f"plan-{digest[:12]}-undo{KINDS[kind]}"
    assert written(here, before) == {change, undo}
    for name in (change, undo):
        assert name in ran.err
        assert f"sha256:{digest}" in text_of(here / name)
    assert "3 of 3 hosts to change" in ran.out
    assert "nothing is changed yet" in ran.err
    assert "rollback will not know of it" in ran.err
    assert "delegation audit" in ran.err


@both
@pytest.mark.parametrize(
    ("options", "names"),
    [
        (("-o", "change.txt"), {"change.txt", "change-undo.txt"}),
        (("-o", "change"), {"change", "change-undo"}),
        (("-o", "a.b.ldif"), {"a.b.ldif", "a.b-undo.ldif"}),
        (("-o", "x.ldif", "--undo", "back.ldif"), {"x.ldif", "back.ldif"}),
    ],
)
def test_the_names_can_be_chosen(
    delegation: Delegation, here: Path, kind: str, options: tuple[str, ...], names: set[str]
) -> None:
    before = tree(here)
    assert delegation("export", kind, *options).code == 0
    assert written(here, before) == names


@both
def test_each_file_names_the_other_and_what_it_is_of(
    delegation: Delegation, here: Path, kind: str
) -> None:
    inventory_digest = re.compile(r"inventory   sha256:[0-9a-f]{64}\n")
    assert delegation("export", kind, "-o", "do.it").code == 0
    for name, word, other in (("do.it", "undo", "do-undo.it"), ("do-undo.it", "undo of", "do.it")):
        text = text_of(here / name)
        assert re.search(rf"#   {word} +{re.escape(other)}\n", text)
        assert inventory_digest.search(text)
        assert "domain      corp.example" in text
        assert re.search(r"made +20\d\d-\d\d-\d\d \d\d:\d\d UTC by delegation \d", text)
        assert "Unverified" in text


@both
@pytest.mark.parametrize("there", ["change.ldif", "change-undo.ldif"])
def test_an_existing_file_is_not_written_over(
    delegation: Delegation, here: Path, kind: str, there: str
) -> None:
    (here / there).write_text("precious", encoding="utf-8")
    before = tree(here)
    ran = delegation("export", kind, "-o", "change.ldif")
    assert ran.code == 2
    assert there in ran.err
    assert "already" in ran.err
    assert written(here, before) == set(), "neither"


@pytest.mark.parametrize("there", ["change.ldif", "change-undo.ldif"])
def test_a_link_leads_nowhere(delegation: Delegation, here: Path, there: str) -> None:
    victim = here.parent / "victim"
    (here / there).symlink_to(victim)
    assert delegation("export", "ldif", "-o", "change.ldif").code == 2
    assert not victim.exists()
    assert {path.name for path in here.glob("change*")} == {there}


@pytest.mark.parametrize(
    "own", ["inventory.yaml", "directory.ldif", ".delegation/journal.sqlite", ".delegation/x"]
)
@pytest.mark.parametrize("option", ["-o", "--undo"])
def test_the_programs_own_files_stay(
    delegation: Delegation, here: Path, own: str, option: str
) -> None:
    (here / ".delegation").mkdir(mode=0o700)
    before = tree(here)
    ran = delegation("export", "ldif", option, own)
    assert ran.code == 2
    assert own.partition("/")[0] in ran.err
    assert written(here, before) == set()


def test_a_change_is_not_its_own_undo(delegation: Delegation, here: Path) -> None:
    before = tree(here)
    assert delegation("export", "ldif", "-o", "x", "--undo", "./x").code == 2
    assert written(here, before) == set()


@pytest.mark.parametrize("name", ["", ".", "..", "a/..", "x" * 300, os.fsdecode(b"\xff\xfe")])
@pytest.mark.parametrize("option", ["-o", "--undo"])
def test_odd_names_are_taken_or_refused(
    delegation: Delegation, here: Path, option: str, name: str
) -> None:
    before = tree(here)
    ran = delegation("export", "ldif", option, name)
    assert ran.code in {0, 2}
    assert len(written(here, before)) == (0 if ran.code else 2)


@both
@pytest.mark.parametrize("place", ["missing/x.ldif", "locked/x.ldif", "directory.ldif/x"])
def test_where_nothing_can_be_written_nothing_is(here: Path, kind: str, place: str) -> None:
    (here / "locked").mkdir(mode=0o500)
    before = tree(here)
    for option in ("-o", "--undo"):
        ran = spawned("export", kind, option, place, program=(*MORTAL, *PROGRAM), cwd=here)
        assert ran.code == 2
        assert "can't be written" in ran.err
        assert written(here, before) == set()


@both
def test_standard_output_has_the_change_alone(
    delegation: Delegation, here: Path, kind: str
) -> None:
    before = tree(here)
    ran = delegation("export", kind, "-o", "-")
    assert ran.code == 0
    assert "--undo FILE" in ran.err
    assert written(here, before) == set()
    delegation("export", kind, "-o", "change")
    timeless = re.compile(r"#   (?:made|undo) .*\n|FILE\.\w+|\bchange\b")
    assert timeless.sub("", ran.out) == timeless.sub("", text_of(here / "change"))


def test_standard_output_and_an_undo(delegation: Delegation, here: Path) -> None:
    before = tree(here)
    ran = delegation("export", "ldif", "-o", "-", "--undo", "undo.ldif")
    assert ran.code == 0
    assert "there is no undo" not in ran.err
    assert written(here, before) == {"undo.ldif"}
    assert delegation("export", "ldif", "--undo", "-").code == 2


# When there is nothing to write


@both
def test_nothing_to_do_writes_nothing(delegation: Delegation, here: Path, kind: str) -> None:
    (here / "directory.ldif").write_bytes(finished())
    before = tree(here)
    ran = delegation("export", kind)
    assert ran.code == 0
    assert "nothing to do" in ran.err
    assert written(here, before) == set()
    ran = delegation("export", kind, "-o", "-")
    assert (ran.code, ran.out) == (0, "")


@both
def test_what_a_plan_refuses_is_not_exported(delegation: Delegation, here: Path, kind: str) -> None:
    (here / "inventory.yaml").write_text(f"{INVENTORY}  dc1:\n", encoding="utf-8")
    before = tree(here)
    applied = delegation("apply", "--yes", *EVERY_OVERRIDE)
    for options in ((), ("-o", "-"), EVERY_OVERRIDE):
        ran = delegation("export", kind, *options, "--state", "elsewhere")
        assert ran.code == 4
        assert refusals(ran) == refusals(applied)
    assert not list(here.glob("plan-*"))
    assert written(here, before) <= {".delegation", ".delegation/journal.sqlite"} | {
        name for name in tree(here) if name.startswith(".delegation/")
    }


def refusals(ran: Ran) -> list[str]:
    return [line for line in ran.err.splitlines() if line.endswith("]")]


def test_a_refusal_is_lifted_by_its_name(delegation: Delegation, here: Path) -> None:
    (here / "directory.ldif").write_bytes(
        directory(account("HV01", "HTTP/portal"), account("HV02"), account("HV03"))
    )
    ran = delegation("export", "ldif")
    assert ran.code == 4
    assert "--allow flag-change" in ran.err
    assert delegation("export", "ldif", "--allow", "flag-change").code == 0


@both
@pytest.mark.parametrize(
    ("content", "code"),
    [(directory(account("HV01"), account("HV02")), 1), (b"nonsense\n", 1)],
)
def test_failures_write_nothing(
    delegation: Delegation, here: Path, kind: str, content: bytes, code: int
) -> None:
    (here / "directory.ldif").write_bytes(content)
    before = tree(here)
    assert delegation("export", kind).code == code
    assert written(here, before) == set()


@pytest.mark.parametrize(
    "arguments",
    [("xml",), ("ldif", "extra"), ("ldif", "--limit", "hv99"), ("ldif", "--template", "missing")],
)
def test_wrong_usage_is_2(delegation: Delegation, arguments: tuple[str, ...]) -> None:
    assert delegation("export", *arguments).code == 2


def test_shared_options_stand_anywhere(delegation: Delegation, here: Path) -> None:
    (here / "inventory.yaml").rename(here / "hosts.yaml")
    shared = ("-i", "hosts.yaml", "-v")
    outs = {
        delegation(*shared, "export", "ldif", "-o", "1.ldif").out,
        delegation("export", *shared, "ldif", "-o", "2.ldif").out,
        delegation("export", "ldif", "-o", "3.ldif", *shared).out,
    }
    assert len(outs) == 1
    assert "+ cifs/hv02" in outs.pop()


@both
def test_the_help_has_examples_and_a_warning(delegation: Delegation, kind: str) -> None:
    text = " ".join(delegation("export", kind, "--help").out.split())
    assert f"delegation export {kind}" in text
    assert "Exit codes:" in text
    assert "It is code" in text


@both
def test_the_examples_can_be_typed(kind: str) -> None:
    command = export.commands[kind]
    lines = [line.strip() for line in (command.help or "").splitlines()]
    examples = [line for line in lines if line.startswith("delegation ")]
    assert examples
    for example in examples:
        words = example.partition("    ")[0].split()
        assert words[:3] == ["delegation", "export", kind]
        command.make_context(kind, words[3:])


# LDIF


EVENTFUL = """\
defaults: {protocol_transition: keep}
keep: [{value: HTTP/*, reason: portal}]
retired: [hv99]
policy: {unconstrained: clear}
"""


@pytest.fixture
def eventful(here: Path) -> Path:
    """One of everything: to add, to remove in an odd spelling, kept, foreign, flags."""
    (here / "inventory.yaml").write_text(INVENTORY + EVENTFUL, encoding="utf-8")
    (here / "directory.ldif").write_bytes(
        directory(
            account("HV01", "HTTP/portal", "MSSQLSvc/db1", *forms("hv02")),
            account("HV02", "CIFS/HV99", *forms("hv99")[1:], uac=MEMBER | UNCONSTRAINED),
            account("HV03", *forms("hv01", "hv02"), uac=MEMBER | TRANSITION),
        )
    )
    return here


def test_an_import_leaves_what_an_apply_leaves(delegation: Delegation, eventful: Path) -> None:
    before = held(eventful / "directory.ldif")
    assert delegation("export", "ldif", "-o", "change.ldif").code == 0
    change = without_comments(text_of(eventful / "change.ldif"))
    undo = without_comments(text_of(eventful / "change-undo.ldif"))
    assert delegation("apply", "--yes").code == 0
    applied = held(eventful / "directory.ldif")
    assert apply_change_file(change, before, NAMES) == applied
    assert apply_change_file(undo, applied, NAMES) == before
    assert dns(change) == [dn for dn in NAMES if NAMES[dn] != "hv03"]
    assert dns(undo) == dns(change), "what was done first is undone first: both stop at one object"


def dns(text: str) -> list[str]:
    return [line.removeprefix("dn: ") for line in text.split("\n") if line.startswith("dn: ")]


def test_the_records_are_those_of_the_runs_own_undo(delegation: Delegation, eventful: Path) -> None:
    assert delegation("export", "ldif", "-o", "change.ldif").code == 0
    undo = without_comments(text_of(eventful / "change-undo.ldif"))
    assert delegation("apply", "--yes").code == 0
    own = undo_file(eventful / ".delegation", 1).read_text(encoding="utf-8")
    assert undo == without_comments(own)


def test_values_and_the_flag_are_exchanged_one_by_one(
    delegation: Delegation, eventful: Path
) -> None:
    ran = delegation("export", "ldif", "--limit", "hv02", "-o", "-")
    added = "".join(f"msDS-AllowedToDelegateTo: {value}\n" for value in forms("hv01", "hv03"))
    assert without_comments(ran.out) == (
        "version: 1\n"
        "\n"
        "dn: CN=HV02,OU=Hyper-V,DC=corp,DC=example\n"
        "changetype: modify\n"
        "delete: msDS-AllowedToDelegateTo\n"
        "msDS-AllowedToDelegateTo: CIFS/HV99\n"
        "msDS-AllowedToDelegateTo: cifs/hv99.corp.example\n"
        f"msDS-AllowedToDelegateTo: {MIGRATION}/hv99\n"
        f"msDS-AllowedToDelegateTo: {MIGRATION}/hv99.corp.example\n"
        "-\n"
        "add: msDS-AllowedToDelegateTo\n"
        f"{added}"
        "-\n"
        "delete: userAccountControl\n"
        f"userAccountControl: {MEMBER | UNCONSTRAINED}\n"
        "-\n"
        "add: userAccountControl\n"
        f"userAccountControl: {MEMBER}\n"
        "-\n"
    )


def test_the_head_says_how_to_import(delegation: Delegation, here: Path) -> None:
    assert delegation("export", "ldif", "-o", "change.ldif").code == 0
    for name in ("change.ldif", "change-undo.ldif"):
        text = text_of(here / name)
        assert f"ldapmodify -x -H ldaps://DC -D ACCOUNT@corp.example -W -f {name}\n" in text
        assert f"ldifde -i -s DC -f {name} -j .\n" in text
        assert "Never ldifde -k" in text
        assert max(len(line) for line in text.split("\n") if line.startswith("#")) < 120


def test_an_undo_that_is_dangerous_is_told(delegation: Delegation, eventful: Path) -> None:
    ran = delegation("export", "ldif", "-o", "change.ldif")
    assert "the undo would trust hv02 for delegation to any service again" in ran.err
    assert "unconstrained on" in text_of(eventful / "change-undo.ldif")
    assert "any service" not in delegation("export", "ldif", "-o", "-").err


def test_lines_end_as_both_programs_read_them(delegation: Delegation, here: Path) -> None:
    delegation("export", "ldif", "-o", "change.ldif")
    raw = (here / "change.ldif").read_bytes()
    assert raw.count(b"\n") == raw.count(b"\r\n") > 0
    assert raw.endswith(b"-\r\n")


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_what_the_directory_says_stays_in_its_place(
    delegation: Delegation, here: Path, text: str
) -> None:
    inventory = f"{INVENTORY}policy: {{foreign: remove}}\n"
    (here / "inventory.yaml").write_text(inventory, encoding="utf-8")
    value, dn = f"HTTP/{text}", f"CN=HV02 {text},OU=Hyper-V,DC=corp,DC=example"
    (here / "directory.ldif").write_bytes(
        directory(account("HV01", value), account("HV02", dn=dn), account("HV03"))
    )
    before = held(here / "directory.ldif")
    ran = delegation("export", "ldif", "-o", "-", "--undo", "undo.ldif")
    assert ran.code == 0
    change, undo = without_comments(ran.out), without_comments(text_of(here / "undo.ldif"))
    dns = {name: host for name, host in NAMES.items() if host != "hv02"} | {dn: "hv02"}
    after = apply_change_file(change, before, dns)
    assert {host: after[host] for host in dns.values()} == {
        host: Held(frozenset(forms(*({*dns.values()} - {host}))), MEMBER | TRANSITION)
        for host in dns.values()
    }
    assert apply_change_file(undo, after, dns) == before
    for line in (ran.out + text_of(here / "undo.ldif")).split("\n"):
        assert line.isascii()
        assert line.isprintable()


def test_a_name_in_a_comment_stays_there(delegation: Delegation, here: Path) -> None:
    nasty = "x\ndn: CN=Admin\nchangetype: delete\n\n.ldif"
    assert delegation("export", "ldif", "-o", nasty).code == 0
    for path in here.glob("x*"):
        assert len(dns(text_of(path))) == 3
        assert "delete\n\n" not in text_of(path)


def test_no_line_is_folded(delegation: Delegation, here: Path) -> None:
    """Neither program needs it, and a reader can search for whole names."""
    delegation("export", "ldif", "-o", "change.ldif")
    lines = text_of(here / "change.ldif").encode()
    assert b"\n " not in lines
    assert len(ldif.lines(lines)) == lines.count(b"\n") + 1


# Templates


OWN = """\
{{ kind }} {{ domain }} {{ dc }} {{ source }} {{ file }} {{ other }} {{ digest }} {{ made }}
{{ inventory_digest }} {{ version }} {{ summary.objects }} {{ summary.add }} {{ summary.remove }}
{% for c in changes %}
{{ c.computer }} {{ c.dn }} {{ c.identity }} {{ c.keep }} {{ c.remove }} {{ c.add }} {{ c.uac }}
{{ c.words | comment }} {{ c.ldif }} {{ summary.flags }}
{% endfor %}
"""


@both
def test_an_own_template_makes_both_files(delegation: Delegation, here: Path, kind: str) -> None:
    (here / "own.j2").write_text(OWN, encoding="utf-8")
    ran = delegation("export", kind, "--template", "own.j2", "-o", "x.txt")
    assert ran.code == 0
    assert text_of(here / "x.txt").startswith(
        "change corp.example None directory.ldif x.txt x-undo.txt sha256:"
    )
    assert text_of(here / "x-undo.txt").startswith(
        "undo corp.example None directory.ldif x-undo.txt x.txt sha256:"
    )


@both
def test_an_own_template_may_extend_ours(delegation: Delegation, here: Path, kind: str) -> None:
    ours = {"ldif": "plan.ldif.j2", "powershell": "plan.ps1.j2"}[kind]
    (here / "own.j2").write_text(
        f'{{% extends "{ours}" %}}{{% block header %}}\n# CHG-1234\n{{% endblock %}}',
        encoding="utf-8",
    )
    assert delegation("export", kind, "--template", "own.j2", "-o", "own").code == 0
    assert delegation("export", kind, "-o", "ours").code == 0
    mine, theirs = text_of(here / "own"), text_of(here / "ours")
    assert "# CHG-1234\n" in mine
    assert "planned on" not in mine
    assert theirs.endswith(mine.partition("# CHG-1234\n")[2].lstrip("\n"))


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a\n{% for x in %}\n", ":2: "),
        ("a\n\n{{ nothing }}\n", ":3: "),
        ("{{ changes[0].nothing }}\n", ":1: "),
        ("{{ 1 // 0 }}\n", ":1: "),
        ("{% include 'missing' %}", ""),
        ("{{ changes | nothing }}", ":1: "),
    ],
)
def test_a_template_that_is_wrong_writes_nothing(
    delegation: Delegation, here: Path, text: str, line: str
) -> None:
    (here / "own.j2").write_text(text, encoding="utf-8")
    before = tree(here)
    ran = delegation("export", "ldif", "--template", "own.j2")
    assert ran.code == 2
    assert f"own.j2{line}" in ran.err
    assert written(here, before) == set()


def test_a_template_that_is_no_text_writes_nothing(delegation: Delegation, here: Path) -> None:
    (here / "own.j2").write_bytes(b"\xff\xfe\x00")
    before = tree(here)
    assert delegation("export", "ldif", "--template", "own.j2").code == 2
    assert written(here, before) == set()


def test_an_own_script_that_is_not_ascii_is_marked(delegation: Delegation, here: Path) -> None:
    """Windows PowerShell 5.1 would read it in the ANSI code page."""
    (here / "own.j2").write_text("# Müller\n", encoding="utf-8")
    for kind, start in (("powershell", b"\xef\xbb\xbf# M"), ("ldif", b"# M")):
        assert delegation("export", kind, "--template", "own.j2", "-o", kind).code == 0
        assert (here / kind).read_bytes().startswith(start)


def test_what_a_template_is_told_is_documented() -> None:
    page = (Path(__file__).parents[2] / "docs" / "export.md").read_text(encoding="utf-8")
    told = set(re.findall(r"\{\{ (?:c\.|summary\.)?(\w+)", OWN))
    assert [name for name in sorted(told) if f"`{name}`" not in page] == []
