"""The script of ``delegation export powershell``, read with a PowerShell grammar: none is run."""

import hashlib
import re
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from tree_sitter import Node

from delegation.changes.plan import Change, Plan, Target
from delegation.directory import change_file
from delegation.mesh.state import DELEGATION, Delegation
from delegation.report.templates import render, templates
from tests.cli.program import Delegation as Program
from tests.cli.test_export import EVENTFUL
from tests.cli.test_hostile import HOSTILE
from tests.cli.world import (
    INVENTORY,
    MEMBER,
    TRANSITION,
    UNCONSTRAINED,
    Held,
    account,
    directory,
    forms,
    held,
)
from tests.powershell import changes, data, every, parsed, shape, source, walk
from tests.report.test_quoting import NASTY

INJECTIONS = {**HOSTILE, **{f"nasty{number}": text for number, text in enumerate(NASTY)}}
injection = pytest.mark.parametrize("text", INJECTIONS.values(), ids=INJECTIONS)


def script(path: Path) -> Node:
    """The tree of a script; its bytes are ASCII, its lines end as Windows wants them."""
    raw = path.read_bytes()
    assert raw.count(b"\n") == raw.count(b"\r\n")
    text = raw.decode("ascii")
    assert text.replace("\r\n", "").isprintable()
    return parsed(text)


@pytest.fixture
def scripts(delegation: Program, here: Path) -> tuple[Node, Node]:
    """The change and the undo of a plan with one of everything."""
    (here / "inventory.yaml").write_text(INVENTORY + EVENTFUL, encoding="utf-8")
    (here / "directory.ldif").write_bytes(
        directory(
            account("HV01", "HTTP/portal", "MSSQLSvc/db1", *forms("hv02")),
            account("HV02", "CIFS/HV99", *forms("hv99")[1:], uac=MEMBER | UNCONSTRAINED),
            account("HV03", uac=MEMBER | TRANSITION),
        )
    )
    assert delegation("export", "powershell", "-o", "x.ps1").code == 0
    return script(here / "x.ps1"), script(here / "x-undo.ps1")


# What is in it


def test_the_code_is_that_which_was_run() -> None:
    """It was run once, by hand, elsewhere: a change of it is a reason to run it again."""
    text = (templates() / "plan.ps1.j2").read_text(encoding="utf-8")
    code = text.partition("{% endblock %}")[2]
    digest = hashlib.sha256(code.encode()).hexdigest()
    assert digest == "ab0acdd8a8efe324ea06cc0ace571c0f462eae486e94b8ee07a36969ab89a05b"


def test_it_says_how_it_is_run_with_nobody_to_ask(delegation: Program, here: Path) -> None:
    assert delegation("export", "powershell", "-o", "my change.ps1").code == 0
    head = (here / "my change.ps1").read_text(encoding="ascii").partition("<#")[0]
    assert "-Command \"& '.\\my change.ps1' -Server DC -Confirm:$false\"" in head
    assert "PowerShell 7.6 on Linux" in head
    assert "Unverified: Windows PowerShell 5.1, and the real module." in head


def test_the_data_is_that_of_the_plan(
    delegation: Program, scripts: tuple[Node, Node], here: Path
) -> None:
    planned = delegation("plan", "--format", "json").json["changes"]
    written = changes(scripts[0])
    assert [one["Computer"] for one in written] == ["hv01", "hv02", "hv03"]
    for ours, theirs in zip(written, planned, strict=True):
        assert ours["Path"] == theirs["dn"]
        assert sorted(ours["ToKeep"] + ours["ToRemove"]) == theirs["before"]["values"]
        assert ours["ControlBefore"] == theirs["before"]["user_account_control"]
        assert ours["ToAdd"] == theirs["add"]
        assert ours["ToRemove"] == [one["value"] for one in theirs["remove"]]
    assert written[1]["ControlAfter"] == MEMBER
    before = held(here / "directory.ldif")
    assert delegation("apply", "--yes").code == 0
    for name, now in held(here / "directory.ldif").items():
        for one in written:
            if one["Computer"] == name:
                assert now == Held(frozenset(one["ToKeep"] + one["ToAdd"]), one["ControlAfter"])
                assert before[name].uac == one["ControlBefore"]


def test_the_undo_is_the_same_the_other_way_round(scripts: tuple[Node, Node]) -> None:
    change, undo = scripts
    assert [mirrored(one) for one in changes(undo)] == changes(change)
    assert program(undo) == program(change)


def mirrored(change: dict[str, Any]) -> dict[str, Any]:
    return change | {
        "ToRemove": change["ToAdd"],
        "ToAdd": change["ToRemove"],
        "ControlBefore": change["ControlAfter"],
        "ControlAfter": change["ControlBefore"],
    }


def program(root: Node) -> list[Any]:
    """The statements, the list of changes left out."""
    [body] = [node for node in root.children if node.type == "statement_list"]
    return [shape(node) for node in body.children if not source(node).startswith("$changes = ")]


def test_an_object_is_named_by_its_guid(delegation: Program, here: Path) -> None:
    """By its distinguished name only where the export was made without (ldifde -m)."""
    records = directory(account("HV01"), account("HV02"), account("HV03")).decode()
    without = re.sub(r"(dn: CN=HV01(?:.*\n){5})objectGUID.*\n", r"\1", records)
    assert without != records
    (here / "directory.ldif").write_text(without, encoding="utf-8")
    delegation("export", "powershell", "-o", "x.ps1")
    identities = [one["Identity"] for one in changes(script(here / "x.ps1"))]
    assert identities[0] == "CN=HV01,OU=Hyper-V,DC=corp,DC=example"
    assert all(
        re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", i) for i in identities[1:]
    )


def test_it_needs_the_active_directory_module_alone(scripts: tuple[Node, Node]) -> None:
    for root in scripts:
        own = set(every(root, "function_name"))
        core = {
            "New-Object", "Select-Object", "Set-StrictMode", "Write-Output", "Write-Warning",
        }  # fmt: skip
        assert set(every(root, "command_name")) - own - core == {"Get-ADComputer", "Set-ADObject"}
        text = source(root)
        assert text.startswith("#Requires -Version 5.1\r\n#Requires -Modules ActiveDirectory\r\n")
        assert "SupportsShouldProcess = $true" in text


def test_it_writes_in_one_place_and_never_a_whole_list(scripts: tuple[Node, Node]) -> None:
    for root in scripts:
        text = source(root)
        [write] = [c for c in every(root, "command") if c.startswith("Set-ADObject")]
        assert write == "Set-ADObject @arguments"
        assert set(re.findall(r"\$arguments\['(\w+)'\]", text)) == {"Remove", "Add"}
        asked = text.index("$PSCmdlet.ShouldProcess(")
        stopped = text.index("nothing was written. Plan again.")
        assert stopped < asked < text.index("Set-ADObject @arguments")


def test_it_keeps_to_the_syntax_of_windows_powershell(scripts: tuple[Node, Node]) -> None:
    """What came with version 6 or 7: ternary, null-coalescing and chain operators."""
    for root in scripts:
        tokens = {node.type for node in walk(root)}
        assert not tokens & {"&&", "||", "??", "??=", "?.", "?[", "?", "ternary_expression"}
        assert not [kind for kind in tokens if "ternary" in kind or "null" in kind]


def test_everything_is_asked_of_one_server(scripts: tuple[Node, Node]) -> None:
    text = source(scripts[0])
    [read] = [c for c in every(scripts[0], "command") if c.startswith("Get-ADComputer")]
    assert "-Server $Server" in read
    assert "Server = $Server;" in text
    assert "[Parameter(Mandatory = $true)]" in text, "an export has no domain controller"
    by_dc = made(("hv01", "CN=HV01", ()), dc="dc1.corp.example")
    assert "[string] $Server = 'dc1.corp.example'" in by_dc
    assert "Mandatory" not in by_dc


# What others wrote into the directory and the inventory


@injection
def test_what_the_directory_says_is_data(delegation: Program, here: Path, text: str) -> None:
    scripts = []
    for number, (value, dn) in enumerate(
        [("HTTP/x", "CN=HV02,OU=x,DC=corp,DC=example"), (text, f"CN={text}x,DC=corp,DC=example")]
    ):
        (here / "inventory.yaml").write_text(
            f"{INVENTORY}policy: {{foreign: remove}}\n", encoding="utf-8"
        )
        (here / "directory.ldif").write_bytes(
            directory(account("HV01", f"{value}/y"), account("HV02", dn=dn), account("HV03"))
        )
        ran = delegation("export", "powershell", "-o", f"{number}.ps1", "--allow", "removals")
        assert ran.code == 0
        scripts += [script(here / f"{number}.ps1"), script(here / f"{number}-undo.ps1")]
        found = {one["Computer"]: one for one in changes(scripts[-2])}
        assert found["hv01"]["ToRemove"] == [f"{value}/y"]
        assert found["hv02"]["Path"] == dn
    for plain, nasty in ((scripts[0], scripts[2]), (scripts[1], scripts[3])):
        assert program(plain) == program(nasty)
        assert comments(plain) == comments(nasty)
        assert tables(plain) == tables(nasty)


def tables(root: Node) -> list[str]:
    """The changes but for their data, sorted: a plan goes by distinguished name."""
    return sorted(
        repr(shape(node))
        for node in walk(root)
        if node.type == "hash_literal_expression" and "ControlBefore" in source(node)
    )


def comments(root: Node) -> list[str]:
    """The comments, but for those that differ from export to export."""
    varying = r"#   (?:made|plan|inventory|undo|objects) |# +\.\\|# +powershell |# \d of \d"
    return [c for c in every(root, "comment") if not re.match(varying, c.strip())]


@pytest.mark.parametrize("text", [text for text in INJECTIONS.values() if text])
def test_every_place_for_data_holds_data(text: str) -> None:
    """All that a template is given, at once, also what an inventory can't hold today."""
    plain = parsed(made(("hv01", "CN=HV01", ("a", "b")), dc="dc1"))
    other = parsed(made((text, text, (text, f"{text}2")), dc=text, domain=text, name=text))
    assert shape(other) == shape(plain)
    [change] = changes(other)
    assert change["Computer"] == change["Path"] == text
    assert change["ToAdd"] == [text, f"{text}2"]
    assert len(every(other, "comment")) == len(every(plain, "comment"))
    assert text in [data(node) for node in walk(other)]


def made(
    change: tuple[str, str, tuple[str, ...]],
    *,
    dc: str | None = None,
    domain: str = "corp.example",
    name: str = "x.ps1",
) -> str:
    computer, dn, values = change
    target = Target(computer, dn, UUID(int=1))
    planned = Plan(
        DELEGATION.name,
        domain,
        (Change(target, Delegation((), MEMBER), Delegation(values, MEMBER | TRANSITION)),),
    )
    about = {
        "domain": domain, "dc": dc, "source": dc or name, "made": "today", "version": "1",
        "digest": planned.digest, "inventory_digest": "x", "kind": "change", "file": name,
        "other": name,
    }  # fmt: skip
    return render("plan.ps1.j2", {**about, **change_file.change_file(planned).to_json()})
