"""An inventory and a directory written by somebody who means harm: all of it comes out inert.

Every run is looked at for what a terminal would obey (program.examined), whatever else is asked.
"""

import base64
import json
import os
import socket
import sqlite3
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.program import Delegation
from tests.cli.world import (
    INVENTORY,
    MIGRATION,
    account,
    apply_change_file,
    directory,
    forms,
    held,
    holdings,
    plain,
    tree,
    undo_file,
)
from tests.nobody import NOBODY

HOSTILE = {
    "terminal": "\x1b[31mred\x1b]0;owned\x07\x1b]8;;https://evil.example\x1b\\x"
    "\x1b[2J\x1b[H\x9b31m\x9d0;\x9c",
    "order": "\u202egpj.exe\u2066x\u2069\u200b\u00ad\ufeff\U000e0041\U0001f600\u0301\U0010ffff",
    "lines": "no\b\bok\x7f\rgood\nFORGED: done\r\nFORGED\u2028FORGED\u2029FORGED\x0bFORGED\x0c",
    "markup": "](https://evil.example) | **b** `c` <script>alert(1)</script> %s{0}{{ x }}{% raw %}",
    "quotes": '","drift":false}]} \\u001b \'"$(touch pwned)`touch pwned`;touch pwned',
    "NUL": "a\0b",
    "long": "x" * 20_000,
}
hostile = pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)

EVERY_OVERRIDE = ("--allow", "flag-change", "--allow", "removals")


def forged(delegation: Delegation, *arguments: str) -> tuple[int, str]:
    """A run's code and text, after a look at where its lines begin."""
    ran = delegation(*arguments)
    lines = (ran.out + ran.err).splitlines()
    assert not any(line.lstrip().startswith("FORGED") for line in lines)
    return ran.code, ran.out


# The directory


@hostile
def test_values_and_names_of_objects_stay_inert(
    delegation: Delegation, here: Path, text: str
) -> None:
    value, dn = f"cifs/{text}", f"CN=HV02 {text},OU=Hyper-V,DC=corp,DC=example"
    export = directory(account("HV01", value), account("HV02", dn=dn), account("HV03"))
    (here / "directory.ldif").write_bytes(export)
    for command in ("plan", "plan -v", "check", "audit", "audit --format markdown"):
        forged(delegation, *command.split())
    planned = delegation("plan", "--format", "json").json
    assert [one["value"] for one in planned["foreign"]] == [value]
    assert dn in {change["dn"] for change in planned["changes"]}
    assert value in {
        one["value"] for one in delegation("audit", "--format", "json").json["findings"]
    }
    code, _ = forged(delegation, "-v", "apply", "--yes", *EVERY_OVERRIDE)
    assert code == 0
    after = held(here / "directory.ldif")
    assert after["hv01"].values == {value, *forms("hv02", "hv03")}
    forged(delegation, "history")
    assert dn in {
        one["dn"] for one in delegation("history", "4", "--format", "json").json["changes"]
    }
    undo = undo_file(here / ".delegation", 4).read_text(encoding="utf-8")
    dns = {dn: "hv02"} | {
        f"CN={n.upper()},OU=Hyper-V,DC=corp,DC=example": n for n in ("hv01", "hv03")
    }
    assert apply_change_file(undo, after, dns) == holdings(export)
    assert forged(delegation, "-v", "rollback", "--yes")[0] == 0
    assert (here / "directory.ldif").read_bytes() == export


@hostile
def test_names_of_accounts_stay_inert(delegation: Delegation, here: Path, text: str) -> None:
    """One holds a name of hv01, another has it in its sAMAccountName, a third lies elsewhere."""
    thief = account("EVIL", sam=f"{text}$", spns=[f"{MIGRATION}/hv01", f"HOST/{text}"], fqdn=text)
    elsewhere = account("HV03", dn=f"CN={text},DC=evil,DC=example")
    for records in (
        [account("HV01"), account("HV02"), account("HV03"), thief],
        [account("HV01"), account("HV02", fqdn=text), account("HV03")],
        [account("HV01"), account("HV02"), elsewhere],
        [account("HV01"), account("HV01", dn=f"CN={text},DC=corp,DC=example")],
    ):
        export = directory(*records)
        (here / "directory.ldif").write_bytes(export)
        for command in ("plan", "plan --format json", "audit", "audit --format markdown"):
            forged(delegation, *command.split())
        assert forged(delegation, "apply", "--yes", *EVERY_OVERRIDE)[0] in {1, 4}
        assert (here / "directory.ldif").read_bytes() == export


def test_a_stolen_name_is_refused(delegation: Delegation, here: Path) -> None:
    thief = account("EVIL", spns=[f"{MIGRATION}/hv01"])
    (here / "directory.ldif").write_bytes(plain() + thief.encode())
    ran = delegation("plan")
    assert ran.code == 4
    assert "registered on another account as well (EVIL$)" in ran.out


def test_values_that_are_no_text_are_never_changed(delegation: Delegation, here: Path) -> None:
    """They are refused, or shown and kept byte for byte."""
    value = base64.b64encode(b"cifs/\xff\xfe\x80").decode()
    line = f"msDS-AllowedToDelegateTo:: {value}\n"
    record = account("HV01").replace("dNSHostName", f"{line}dNSHostName")
    export = directory(record, account("HV02"), account("HV03"))
    (here / "directory.ldif").write_bytes(export)
    for command in ("plan", "plan --format json", "audit", "audit --format markdown"):
        forged(delegation, *command.split())
    code, _ = forged(delegation, "apply", "--yes", *EVERY_OVERRIDE)
    raw = (here / "directory.ldif").read_bytes()
    assert line.encode() in raw
    if code:
        assert raw == export


# The inventory


def quoted(text: str) -> str:
    """As a double-quoted YAML text."""
    return json.dumps(text, ensure_ascii=True)


TWO = "domain: corp.example\nhosts: {hv01: , hv02: }\n"
TEMPLATES = [
    "domain: T\nhosts: {hv01: , hv02: }\n",
    "domain: corp.example\nhosts: {T: , hv02: }\n",
    "domain: corp.example\nhosts: {hv01: {fqdn: T}, hv02: {computer: T}}\n",
    "domain: corp.example\nhosts: {hv01: {T: 1}, hv02: }\nT: 1\n",
    TWO + "meshes: {T: {members: [hv01, hv02, T]}}\n",
    TWO + "retired: [T, {name: hv99, fqdn: T}]\n",
    TWO + "keep: [{value: T, hosts: [T], expires: T}]\n",
    TWO + "policy: {foreign: T, max_removals: T}\n",
    TWO + "file_servers: {T: {reached_from: [T]}}\n",
    TWO + "directory: {url: T, auth: T, search_base: [T], dns_servers: [T]}\n",
]


@hostile
@pytest.mark.parametrize("template", TEMPLATES)
def test_what_an_invalid_inventory_says_stays_inert(
    delegation: Delegation, here: Path, template: str, text: str
) -> None:
    content = template.replace("T", quoted(text))
    (here / "inventory.yaml").write_text(content, encoding="utf-8")
    before = tree(here)
    for command in ("check", "plan"):
        code, _ = forged(delegation, *command.split())
        assert code in {1, 2, 3, 4}
    assert {name: content for name, content in tree(here).items() if name in before} == before


@hostile
def test_what_a_valid_inventory_says_stays_inert(
    delegation: Delegation, here: Path, text: str
) -> None:
    keep = f"keep: [{{value: HTTP/*, reason: {quoted(text)}, owner: {quoted(text)}}}]\n"
    (here / "inventory.yaml").write_text(INVENTORY + keep, encoding="utf-8")
    (here / "directory.ldif").write_bytes(
        directory(account("HV01", "HTTP/portal"), account("HV02"), account("HV03"))
    )
    for command in ("plan", "plan -v", "check", "audit", "audit --format markdown"):
        forged(delegation, *command.split())
    ran = delegation("plan", "--format", "json")
    if ran.code == 2:
        assert ran.out == ""
        assert "inventory.yaml:6:" in ran.err, "not taken at all"
        return
    assert [one["reason"] for one in ran.json["kept"]] == [text]
    assert delegation("audit", "--format", "json").json["kept"] == ran.json["kept"]


@pytest.mark.parametrize("state", ["../../x", "{tmp}/x", "a/b/c", "-rf", "$HOME", "~x"])
def test_only_the_state_folder_is_written(
    delegation: Delegation, here: Path, tmp_path: Path, state: str
) -> None:
    """Wherever it points: beside it nothing is created, and nothing that exists is changed."""
    deep = here / "deep" / "deeper"
    deep.mkdir(parents=True)
    (tmp_path / "victim").write_text("precious", encoding="utf-8")
    path = state.replace("{tmp}", str(tmp_path))
    (deep / "inventory.yaml").write_text(f"{INVENTORY}state: {path!r}\n", encoding="utf-8")
    (deep / "directory.ldif").write_bytes(plain())
    before = tree(tmp_path)
    ran = delegation("-i", "deep/deeper/inventory.yaml", "apply", "--yes")
    assert ran.code == 0
    place = (deep / path).resolve()
    assert (place / "journal.sqlite").is_file()
    new = {tmp_path / name for name in tree(tmp_path).keys() - before.keys()}
    assert [
        one for one in new if not (one.is_relative_to(place) or place.is_relative_to(one))
    ] == []
    changed = [name for name in before if before[name] != tree(tmp_path)[name]]
    assert changed == ["work/deep/deeper/directory.ldif"]


@pytest.mark.parametrize("name", ["journal.sqlite-journal", "journal.sqlite", "lock"])
def test_a_link_in_the_state_folder_leads_nowhere(
    delegation: Delegation, here: Path, tmp_path: Path, name: str
) -> None:
    """As in a repository that somebody offers: .delegation/lock -> ~/.bashrc."""
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious\n")
    victim.chmod(0o600)
    (here / ".delegation").mkdir(mode=0o700)
    (here / ".delegation" / name).symlink_to(victim)
    delegation("apply", "--yes")
    assert victim.read_bytes() == b"precious\n"


@pytest.mark.parametrize("setting", ["state", "url", "ca_file"])
@hostile
def test_paths_stay_inert(delegation: Delegation, here: Path, setting: str, text: str) -> None:
    value = quoted(text if setting != "url" else f"ldif:{text}")
    inventory = INVENTORY + f"state: {value}\n"
    if setting != "state":
        url = "" if setting == "url" else "  url: ldaps://dc1.corp.example\n  user: x\n"
        inventory = INVENTORY.replace(
            "  url: ldif:directory.ldif\n", f"{url}  {setting}: {value}\n"
        )
    (here / "inventory.yaml").write_text(inventory, encoding="utf-8")
    for command in ("plan", "audit", "history", "rollback --yes"):
        code, _ = forged(delegation, *command.split())
        assert code in {0, 1, 2, 3, 4}
    assert not list(here.parent.rglob("pwned"))


@pytest.mark.parametrize("victim", ["../victim", "{tmp}/victim", "/etc/passwd", "/dev/zero", "/"])
def test_an_export_that_is_none_is_not_shown_and_not_written(
    delegation: Delegation, here: Path, tmp_path: Path, victim: str
) -> None:
    (tmp_path / "victim").write_text("root:secret:0\n" * 3, encoding="utf-8")
    url = f"ldif:{victim.replace('{tmp}', str(tmp_path))}"
    text = INVENTORY.replace("ldif:directory.ldif", url)
    (here / "inventory.yaml").write_text(text, encoding="utf-8")
    for command in ("plan", "audit", "apply --yes"):
        ran = delegation(*command.split())
        assert ran.code == 1
        assert ran.out == ""
        assert victim.rpartition("/")[2] in ran.err
    assert (tmp_path / "victim").read_text(encoding="utf-8") == "root:secret:0\n" * 3


@pytest.mark.parametrize(
    "pattern",
    ["HTTP/[a-z]*", "HTTP/[", "HTTP/]", "HTTP/[!x]", "[H]TTP/portal", "HTTP/portal[1-3]"],
)
def test_brackets_are_no_part_of_a_pattern(
    delegation: Delegation, here: Path, pattern: str
) -> None:
    (here / "inventory.yaml").write_text(
        f"{INVENTORY}keep: [{{value: '{pattern}'}}]\n", encoding="utf-8"
    )
    ran = delegation("plan")
    assert ran.code == 2
    assert "pattern" in ran.err


@pytest.mark.parametrize(
    ("pattern", "kept"),
    [
        ("HTTP/.*", set()),
        ("HTTP/(portal|x)", set()),
        ("HTTP/portal$", set()),
        ("HTTP/p.rtal", set()),
        ("HTTP/p?rtal", {"HTTP/portal"}),
        ("http/PORTAL", {"HTTP/portal"}),
        ("HTTP/portal", {"HTTP/portal"}),
        ("*/*", {"HTTP/portal", "HTTP/portal[1]"}),
    ],
)
def test_a_pattern_means_only_its_stars(
    delegation: Delegation, here: Path, pattern: str, kept: set[str]
) -> None:
    (here / "inventory.yaml").write_text(
        f"{INVENTORY}keep: [{{value: '{pattern}'}}]\n", encoding="utf-8"
    )
    (here / "directory.ldif").write_bytes(
        directory(
            account("HV01", "HTTP/portal", "HTTP/portal[1]"), account("HV02"), account("HV03")
        )
    )
    data = delegation("plan", "--format", "json").json
    assert {one["value"] for one in data["kept"]} == kept


def test_no_pattern_takes_for_ever(delegation: Delegation, here: Path) -> None:
    (here / "inventory.yaml").write_text(
        f"{INVENTORY}keep: [{{value: 'HTTP/{'*a' * 30}*b'}}]\n", encoding="utf-8"
    )
    (here / "directory.ldif").write_bytes(
        directory(account("HV01", "HTTP/" + "a" * 20_000), account("HV02"), account("HV03"))
    )
    assert delegation("plan", "--format", "json").json["kept"] == []


# Arguments and the environment


@hostile
def test_arguments_stay_inert(delegation: Delegation, here: Path, text: str) -> None:
    if "\0" in text:
        return  # no argument can hold it
    for command in (
        ["-i", text, "plan"],
        ["--directory", text, "plan"],
        ["--directory", f"ldif:{text}", "plan"],
        ["plan", "--limit", text],
        ["plan", "-o", f"missing/{text}"],
        ["plan", text],
        ["plan", f"--{text}"],
        ["plan", "--format", text],
        [text],
        ["apply", text, "--yes"],
        ["apply", "--expect", text, "--yes"],
        ["apply", "--allow", text],
        ["rollback", text],
        ["history", text],
        ["--state", f"missing/{text}", "history"],
    ):
        code, _ = forged(delegation, *command)
        assert code in {0, 1, 2, 4}
    assert (here / "directory.ldif").read_bytes() == plain()


@hostile
def test_a_ticket_is_recorded_exactly_and_shown_inert(delegation: Delegation, text: str) -> None:
    if "\0" in text:
        return
    assert delegation("apply", "--yes", "--ticket", text).code == 0
    assert delegation("history", "1", "--format", "json").json["ticket"] == text
    forged(delegation, "history")
    forged(delegation, "history", "1")
    forged(delegation, "rollback", "--yes")


def test_a_ticket_that_is_no_text_writes_nothing(delegation: Delegation, here: Path) -> None:
    ran = delegation("apply", "--yes", "--ticket", os.fsdecode(b"\xff\xfe"))
    assert ran.code in {1, 2}
    assert (here / "directory.ldif").read_bytes() == plain()


def test_who_did_it_stays_inert(
    delegation: Delegation, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOGNAME", "root\x1b[31m\nFORGED")
    assert delegation("apply", "--yes").code == 0
    for command in ("history", "history 1", "rollback --yes"):
        forged(delegation, *command.split())


# Passwords


class Listener:
    """Somebody who waits for a password; counts who calls."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self.calls = 0
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        while True:
            try:
                caller, _ = self._socket.accept()
            except OSError:
                return
            self.calls += 1
            caller.close()

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def listener(monkeypatch: pytest.MonkeyPatch) -> Iterator[Listener]:
    monkeypatch.setenv("DELEGATION_PASSWORD", "Secret-4711")
    listening = Listener()
    yield listening
    listening.close()


SERVERS = [
    "ldaps://127.0.0.1:PORT",
    "LDAPS://127.0.0.1:PORT",
    "ldaps://localhost:PORT",
    "ldaps://127.0.0.1.:PORT",
    "ldaps://127.0.0.1:PORT/.corp.example",
    "ldaps://127.0.0.1:PORT#.corp.example",
    "ldaps://127.0.0.1:PORT?.corp.example",
    "ldaps://dc1.corp.example@127.0.0.1:PORT",
    "ldaps://dc1.corp.example.evil.test:PORT",
    "ldaps://evilcorp.example:PORT",
    "ldaps://[::ffff:127.0.0.1]:PORT",
    "ldaps://2130706433:PORT",
]


@pytest.mark.parametrize("url", SERVERS)
@pytest.mark.parametrize("command", ["plan", "apply --yes", "audit", "check"])
def test_no_password_leaves_the_domain(
    delegation: Delegation, here: Path, listener: Listener, url: str, command: str
) -> None:
    _inventory_with(here, url.replace("PORT", str(listener.port)))
    ran = delegation(*command.split())
    assert ran.code in {2, 4}
    assert ran.out == ""
    assert listener.calls == 0
    assert "Secret-4711" not in ran.err


def _inventory_with(here: Path, url: str, domain: str = "corp.example") -> None:
    text = INVENTORY.replace("domain: corp.example", f"domain: {domain}").replace(
        "url: ldif:directory.ldif", f"url: '{url}'\n  user: svc\n  auth: simple"
    )
    (here / "inventory.yaml").write_text(text, encoding="utf-8")


def test_a_server_named_on_the_command_line_is_called(
    delegation: Delegation, here: Path, listener: Listener
) -> None:
    """The other half: the refusals above are not for want of trying."""
    _inventory_with(here, "ldaps://dc1.corp.example")
    ran = delegation("--directory", f"ldaps://127.0.0.1:{listener.port}", "plan")
    assert ran.code == 1
    assert listener.calls == 1
    assert "Secret-4711" not in ran.err + ran.out


def test_a_planted_journal_gets_no_password(
    delegation: Delegation, here: Path, listener: Listener
) -> None:
    """A run of another domain, whose connection leads to its author."""
    delegation("apply", "--yes")
    connection: dict[str, Any] = {
        "url": f"ldaps://127.0.0.1:{listener.port}", "user": "svc", "auth": "simple",
    }  # fmt: skip
    db = sqlite3.connect(here / ".delegation" / "journal.sqlite")
    db.execute(
        "UPDATE runs SET domain = '127.0.0.1', directory = '127.0.0.1', connection = ?",
        [json.dumps(connection)],
    )
    db.commit()
    db.close()
    for command in ("rollback 1 --yes", "rollback --yes"):
        ran = delegation(*command.split())
        assert ran.code in {1, 2, 4}
        assert listener.calls == 0
        assert "Secret-4711" not in ran.err
    (here / "inventory.yaml").unlink()
    ran = delegation("rollback", "1", "--yes")
    assert ran.code == 4
    assert f"--directory {connection['url']}" in ran.err
    assert listener.calls == 0


def test_an_empty_password_is_refused(
    delegation: Delegation, here: Path, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A domain controller takes it as no logon at all, and says yes."""
    _inventory_with(here, "ldaps://dc1.corp.example")
    (here / "empty").write_text("\n", encoding="utf-8")
    (here / "empty").chmod(0o600)
    server = ("--directory", f"ldaps://127.0.0.1:{listener.port}")
    monkeypatch.setenv("DELEGATION_PASSWORD", "")
    for options in ((), ("--password-file", "empty")):
        ran = delegation(*server, *options, "plan")
        assert ran.code == 2
        assert "empty password" in ran.err
    assert listener.calls == 0


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00", b"a\0b"])
def test_a_password_file_that_is_none_is_2_and_not_shown(
    delegation: Delegation, here: Path, content: bytes | None
) -> None:
    _inventory_with(here, "ldaps://dc1.corp.example")
    if content is not None:
        (here / "secret").write_bytes(content)
        (here / "secret").chmod(0o600)
    ran = delegation("--password-file", "secret", "--directory", "ldaps://127.0.0.1:9", "plan")
    assert ran.code in {1, 2}
    assert ran.out == ""


@pytest.mark.skipif(os.name != "posix", reason="Windows has no mode")
@pytest.mark.parametrize(("mode", "is_refused"), [(0o644, True), (0o640, True), (0o600, False)])
def test_a_password_file_that_others_may_read_is_2(  # noqa: PLR0917
    delegation: Delegation,
    here: Path,
    listener: Listener,
    monkeypatch: pytest.MonkeyPatch,
    mode: int,
    is_refused: bool,  # noqa: FBT001
) -> None:
    _inventory_with(here, "ldaps://dc1.corp.example")
    (here / "secret").write_text("Geheim-123\n", encoding="utf-8")
    (here / "secret").chmod(mode)
    server = ("--directory", f"ldaps://127.0.0.1:{listener.port}")
    ran = delegation("--password-file", "secret", *server, "plan")
    assert "Geheim" not in ran.out + ran.err
    refusal = f"--password-file: others may read secret (mode {mode:04o})"
    assert (refusal in ran.err, "chmod 600 secret" in ran.err) == (is_refused, is_refused)
    assert (listener.calls == 0) is is_refused
    # What systemd hands over has modes of its own, and lies in a folder that nobody else enters.
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(here))
    assert "others may read" not in delegation("--password-file", "secret", *server, "plan").err


@pytest.mark.skipif(
    sys.platform == "win32" or os.geteuid() != 0, reason="only root gives files to others"
)
def test_a_password_file_of_somebody_else_is_2(
    delegation: Delegation, here: Path, listener: Listener
) -> None:
    """Whatever its mode: its owner may read it."""
    _inventory_with(here, "ldaps://dc1.corp.example")
    (here / "secret").write_text("Geheim-123\n", encoding="utf-8")
    (here / "secret").chmod(0o600)
    os.chown(here / "secret", NOBODY, NOBODY)
    server = ("--directory", f"ldaps://127.0.0.1:{listener.port}")
    ran = delegation("--password-file", "secret", *server, "plan")
    assert ran.code == 2
    assert f"--password-file: secret belongs to another account (uid {NOBODY})" in ran.err
    assert listener.calls == 0


def test_without_a_terminal_and_a_password_it_is_2(delegation: Delegation, here: Path) -> None:
    _inventory_with(here, "ldaps://dc1.corp.example")
    ran = delegation("plan")
    assert ran.code == 2
    assert "svc" in ran.err
    assert "dc1.corp.example" in ran.err
    assert "DELEGATION_PASSWORD" in ran.err


def test_no_password_is_an_argument(delegation: Delegation) -> None:
    for option in ("--password", "-p", "--pass"):
        assert delegation(option, "Secret-4711", "plan").code == 2


def test_a_password_is_in_no_file(
    delegation: Delegation, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DELEGATION_PASSWORD", "Secret-4711")
    for command in ("apply --yes", "audit --output audit.txt", "plan -o plan.json"):
        delegation(*command.split())
    assert [
        name for name, content in tree(here).items() if content and b"Secret-4711" in content
    ] == []
