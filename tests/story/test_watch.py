"""``delegation migrate watch`` on a real SMB server, at a terminal and without one."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cli.program import PROGRAM, SECONDS, Ran, at_terminal, environment, forked
from tests.lab.description import ACCOUNTS, OPERATOR
from tests.lab.hosts import HostLab
from tests.migrations.target_share import SHARE, migrating
from tests.story.farm import Farm
from tests.story.workstation import Workstation

pytestmark = [pytest.mark.lab, pytest.mark.one_wording("an SMB server says nothing in words")]

INVENTORY = """\
domain: corp.example
directory:
  url: ldaps://dc1.corp.example
  dns_servers: [{dns}]
hosts:
  hv[01-04]:
remoting:
  user: {user}
"""


class Admin:
    def __init__(self, folder: Path, hosts: HostLab) -> None:
        self.folder = folder
        text = INVENTORY.format(dns=hosts.lab.address, user=OPERATOR)
        (folder / "inventory.yaml").write_text(text, encoding="utf-8")
        self.variables = {
            "KRB5_CONFIG": str(hosts.lab.krb5_conf),
            "DELEGATION_KNOWN_DOMAINS": str(hosts.lab.known_domains),
            "DELEGATION_HOSTS_PASSWORD": ACCOUNTS[OPERATOR],
        }

    def __call__(self, *arguments: str) -> Ran:
        words = "migrate", "watch", *arguments
        return forked("delegation", *words, cwd=self.folder, changes=self.variables)


@pytest.fixture
def admin(tmp_path: Path, hosts: HostLab, monkeypatch: pytest.MonkeyPatch) -> Admin:
    monkeypatch.setenv("KRB5_CONFIG", str(hosts.lab.krb5_conf))
    return Admin(tmp_path, hosts)


def test_one_look_at_a_migration(admin: Admin, hosts: HostLab) -> None:
    with migrating(hosts.host("hv02"), "web01.vhdx") as write:
        write("web01.vhdx", 1 << 20)
        seen = admin("hv02", "--format", "json")
        text = admin("hv02", "--once")
    assert seen.code == 0
    [share] = seen.json["shares"]
    assert (share["name"], share["source"]) == (SHARE, "HV01")
    assert [file["bytes"] for file in seen.json["files"]] == [1 << 20]
    assert text.code == 0
    assert SHARE in text.out
    assert "1.0 MB" in text.out
    quiet = admin("hv02", "--format", "json").json
    assert not quiet["shares"]
    assert not quiet["files"]


@contextmanager
def watching(admin: Admin) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [*PROGRAM, "migrate", "watch", "hv02"],
        cwd=admin.folder,
        env=environment(admin.variables),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate(timeout=SECONDS)


def until(process: subprocess.Popen[str], words: str) -> str:
    """Its next line with these words; it has to come, or the process ends and the test fails."""
    assert process.stdout
    for line in process.stdout:
        if words in line:
            return line
    raise AssertionError(f"it ended without {words!r}")


def test_without_a_terminal_what_changes_is_told_line_by_line(admin: Admin, hosts: HostLab) -> None:
    with watching(admin) as process:
        with migrating(hosts.host("hv02"), "web01.vhdx") as write:
            first = until(process, "")
            assert f"share {SHARE} of HV01" in first, "not even our own session is told before"
            write("web01.vhdx", 3 << 20)
            until(process, "web01.vhdx: 3.0 MB")
        until(process, f"share {SHARE} of HV01: gone")
        hosts.kill("hv02")
        until(process, "can't be reached")
        hosts.start("hv02")
        until(process, "it answers again")
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=SECONDS)
    assert process.returncode == 130
    assert not err


def test_at_a_terminal_it_is_live_until_somebody_has_had_enough(
    admin: Admin, hosts: HostLab
) -> None:
    program = ("env", *(f"{k}={v}" for k, v in admin.variables.items()), *PROGRAM)
    with (
        migrating(hosts.host("hv02"), "web01.vhdx") as write,
        at_terminal("migrate", "watch", "hv02", program=program, cwd=admin.folder) as terminal,
    ):
        terminal.until(SHARE)
        write("web01.vhdx", 5 << 20)
        terminal.until("5.0 MB")
        terminal.interrupts()
        end = terminal.screen
        while terminal._read(1.0):
            end = terminal.screen
        assert terminal._process.wait(SECONDS) == 130
    assert "Traceback" not in end
    assert "error" not in end


def test_a_host_that_is_not_there_is_an_error(admin: Admin, hosts: HostLab) -> None:
    hosts.kill("hv03")
    ran = admin("hv03")
    assert ran.code == 1
    assert "hv03.corp.example:445 can't be reached" in ran.err


def test_a_wrong_password_is_an_error_and_is_not_shown(admin: Admin) -> None:
    admin.variables["DELEGATION_HOSTS_PASSWORD"] = "Wrong-Password-1"
    ran = admin("hv02", "--once")
    assert ran.code == 1
    assert "wrong password" in ran.err
    assert "Wrong-Password-1" not in ran.err + ran.out


def test_what_a_real_migration_shows(desk: Workstation, hosts: HostLab) -> None:
    """The share is the source's, and so is the session, in the operator's name; the disk grows."""
    farm = Farm.ready(desk, hosts)
    farm.add("hv01", "web01", size=4 << 20)
    farm.slow()
    running = farm.start("run", farm.moves({"web01": "hv02"}), "--yes")
    sizes: list[int] = []
    while len(set(sizes)) < 2:
        seen = farm.run("watch", "hv02", "--format", "json")
        assert seen.code == 0, seen.text
        found = seen.data
        sizes += [file["bytes"] for file in found["files"] if file["bytes"]]
        if sizes:
            [share] = found["shares"]
            assert share["source"] == "HV01"
            source = hosts.host("hv01").address
            assert (source, OPERATOR) in {(s["client"], s["user"]) for s in found["sessions"]}
        assert running.process.poll() is None, "it was not seen in time"
    assert sizes == sorted(sizes)
    farm.hurry()
    assert running.end().code == 0
    assert not farm.run("watch", "hv02", "--format", "json").data["shares"]
