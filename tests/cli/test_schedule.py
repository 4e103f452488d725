"""``delegation schedule``: units that can be installed as they are, and hold no secret."""

import os
import re
import shlex
import stat
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.cli.program import PROGRAM, Delegation, environment, spawned
from tests.cli.test_jobs import systemd_words, windows_words
from tests.cli.world import INVENTORY, plain, tree

KINDS = ("systemd", "task-scheduler", "cron")
kinds = pytest.mark.parametrize("kind", KINDS)
LDAPS = """\
domain: corp.example
directory: {{url: 'ldaps://dc1.corp.example'{more}}}
hosts: {{'hv[01-03]': }}
"""
TASK = "{http://schemas.microsoft.com/windows/2004/02/mit/task}"


def declare(here: Path, more: str = "") -> None:
    """An inventory of a domain controller, with these further settings of ``directory``."""
    (here / "inventory.yaml").write_text(LDAPS.format(more=more), encoding="utf-8")


def section(unit: str, name: str) -> dict[str, list[str]]:
    """The settings of a unit's section, those that come twice included."""
    found: dict[str, list[str]] = {}
    current = ""
    for line in unit.splitlines():
        if line.startswith("["):
            current = line.strip("[]")
        elif line and not line.startswith("#") and current == name:
            key, _, value = line.partition("=")
            found.setdefault(key, []).append(value)
    return found


@pytest.fixture
def script(tmp_path: Path) -> str:
    """A program that other users could run."""
    path = tmp_path / "delegation"
    path.write_text("#!/bin/sh\n", encoding="utf-8")
    path.chmod(0o755)
    return str(path)


def service(delegation: Delegation, *options: str) -> str:
    ran = delegation("schedule", "systemd", *options)
    assert ran.code == 0, ran.err
    return ran.out


def command(unit: str) -> list[str]:
    [line] = section(unit, "Service")["ExecStart"]
    return systemd_words(line)


# All three


@kinds
def test_it_goes_to_standard_output_and_nothing_is_written(
    delegation: Delegation, here: Path, kind: str
) -> None:
    before = tree(here)
    ran = delegation("schedule", kind)
    assert ran.code == 0
    assert "audit --new-only --baseline --fail-on medium" in ran.out
    assert delegation("schedule", kind).out == ran.out
    assert tree(here) == before


@kinds
def test_files_are_new_ones(delegation: Delegation, here: Path, kind: str) -> None:
    """The folder is made where the unit needs one."""
    (here / "made").mkdir()
    ran = delegation("schedule", kind, "-o", "made")
    assert ran.code == 0
    assert ran.out == ""
    made = tree(here / "made")
    assert (
        set(made)
        == {
            "systemd": {"delegation-audit.service", "delegation-audit.timer"},
            "task-scheduler": {"delegation-audit.xml"},
            "cron": {"delegation-audit.cron"},
        }[kind]
    )
    assert all(f"wrote   made/{name}" in ran.err for name in made)
    again = delegation("schedule", kind, "-o", "made", "--at", "01:00")
    assert again.code == 2
    assert "is there already; nothing was written" in again.err
    assert tree(here / "made") == made
    assert delegation("schedule", kind, "-o", "made", "--name", "other").code == 0
    assert delegation("schedule", kind, "-o", "no/such/folder").code == 2


def test_two_units_are_written_both_or_neither(delegation: Delegation, here: Path) -> None:
    assert delegation("schedule", "systemd", "-o", "units").code == 0
    (here / "units" / "delegation-audit.service").unlink()
    before = tree(here)
    assert delegation("schedule", "systemd", "-o", "units").code == 2
    assert tree(here) == before
    (here / "units" / "delegation-audit.timer").unlink()
    (here / "units" / "delegation-audit.timer").symlink_to(here / "elsewhere")
    assert delegation("schedule", "systemd", "-o", "units").code == 2
    assert not (here / "elsewhere").exists()
    assert delegation("schedule", "systemd", "-o", "inventory.yaml").code == 2
    for kind in ("cron", "task-scheduler"):
        assert delegation("schedule", kind, "-o", "inventory.yaml").code == 2
    assert (here / "inventory.yaml").read_text(encoding="utf-8") == INVENTORY


@kinds
def test_no_secret_is_in_it(here: Path, kind: str) -> None:
    declare(here, ", user: svc-delegation")
    (here / "password").write_text("Geheim-123\n", encoding="utf-8")
    ran = spawned("--password-file", "password", "schedule", kind, cwd=here,
                  changes={"DELEGATION_PASSWORD": "Geheim-456"})  # fmt: skip
    assert ran.code == 0
    assert "Geheim" not in ran.out + ran.err
    assert f"{here}/password" in ran.out


@kinds
def test_the_options_of_the_audit_reach_it(delegation: Delegation, kind: str) -> None:
    ran = delegation("schedule", kind, "--fail-on", "high", "--as", "vm admin", "--as", "b")
    text = ran.out.replace("&#34;", '"').replace("'", '"')
    assert 'audit --new-only --baseline --fail-on high --as "vm admin" --as b' in text


@kinds
@pytest.mark.parametrize(
    "options",
    [
        ("--at", "25:00"),
        ("--at", "5"),
        ("--name", "a b"),
        ("--name", "../x"),
        ("--name", "%n"),
        ("--name", ""),
        ("--fail-on", "worst"),
        ("--folder", "relative"),
        ("--program", "delegation"),
        ("--as", " "),
        ("--as", "a\nb"),
        ("--template", "no such file"),
    ],
)
def test_what_makes_no_sense_is_2(
    delegation: Delegation, here: Path, kind: str, options: tuple[str, str]
) -> None:
    before = tree(here)
    ran = delegation("schedule", kind, *options, "-o", "out")
    assert ran.code == 2
    assert ran.out == ""
    assert tree(here) == before


@kinds
def test_an_invalid_inventory_is_2(delegation: Delegation, here: Path, kind: str) -> None:
    (here / "inventory.yaml").write_text("hosts: [", encoding="utf-8")
    assert delegation("schedule", kind).code == 2


@kinds
@pytest.mark.parametrize("bad", ["a\nb", "a\x1b[31m", "a\u202eb"])
def test_a_path_that_nobody_can_read_is_2(
    delegation: Delegation, here: Path, kind: str, bad: str
) -> None:
    (here / bad).mkdir()
    (here / bad / "inventory.yaml").write_text(INVENTORY, encoding="utf-8")
    ran = delegation("-i", str(here / bad / "inventory.yaml"), "schedule", kind)
    assert (ran.code, ran.out) == (2, "")
    assert "nobody can see" in ran.err


@kinds
def test_a_template_of_ones_own(delegation: Delegation, here: Path, kind: str) -> None:
    (here / "own.j2").write_text("{{ name }} of {{ domain }}\n", encoding="utf-8")
    ran = delegation("schedule", kind, "--template", "own.j2")
    assert ran.out.startswith("delegation-audit of corp.example\n")
    (here / "own.j2").write_text("{{ nothing }}\n", encoding="utf-8")
    ran = delegation("schedule", kind, "--template", "own.j2", "-o", "out")
    assert ran.code == 2
    assert "own.j2:1" in ran.err
    assert not (here / "out").exists()


# systemd


def test_the_service_has_absolute_paths_and_a_state_folder_of_its_own(
    delegation: Delegation, here: Path
) -> None:
    unit = service(delegation)
    program, *words = command(unit)
    assert Path(program).is_absolute()
    assert words == [
        "--inventory", str(here / "inventory.yaml"), "--state", "${STATE_DIRECTORY}",
        "audit", "--new-only", "--baseline", "--fail-on", "medium",
    ]  # fmt: skip
    settings = section(unit, "Service")
    assert settings["DynamicUser"] == ["yes"]
    assert settings["StateDirectory"] == ["delegation-audit"]
    assert settings["StateDirectoryMode"] == ["0700"]
    assert "LoadCredential" not in settings
    assert settings["PrivateNetwork"] == ["yes"], "an export needs no network"


def test_the_service_is_confined(delegation: Delegation, here: Path) -> None:
    declare(here)
    unit = service(delegation)
    settings = section(unit, "Service")
    for name, value in {
        "NoNewPrivileges": "yes",
        "ProtectSystem": "strict",
        "PrivateTmp": "yes",
        "PrivateDevices": "yes",
        "CapabilityBoundingSet": "",
        "UMask": "0077",
        "MemoryDenyWriteExecute": "yes",
        "RestrictAddressFamilies": "AF_INET AF_INET6 AF_UNIX",
        "Type": "oneshot",
    }.items():
        assert settings[name] == [value], name
    assert settings["SystemCallFilter"] == ["@system-service", "~@privileged @resources"]
    assert "SuccessExitStatus" not in settings
    assert "SuccessExitStatus=3" in unit, "in the comment that explains it"


def test_a_home_is_read_only_where_something_lies_there_and_hidden_else(
    delegation: Delegation, script: str
) -> None:
    options = ("--program", script, "--folder")
    assert section(service(delegation, *options, "/etc/delegation"), "Service")["ProtectHome"] == [
        "yes"
    ]
    for folder in ("/home/alice", "/root/delegation"):
        settings = section(service(delegation, *options, folder), "Service")
        assert settings["ProtectHome"] == ["read-only"]


def test_the_timer(delegation: Delegation) -> None:
    timer = section(service(delegation), "Timer")
    assert timer == {
        "OnCalendar": ["*-*-* 05:30:00"],
        "RandomizedDelaySec": ["15min"],
        "Persistent": ["true"],
    }
    assert section(service(delegation, "--at", "22:05"), "Timer")["OnCalendar"] == [
        "*-*-* 22:05:00"
    ]
    weekly = section(service(delegation, "--calendar", "Mon..Fri 06:00 Europe/Berlin"), "Timer")
    assert weekly["OnCalendar"] == ["Mon..Fri 06:00 Europe/Berlin"]
    for bad in (("--calendar", "x\nExecStart=/bin/sh"), ("--calendar", "%h"), ("--calendar", ""),
                ("--calendar", "daily", "--at", "05:30")):  # fmt: skip
        assert delegation("schedule", "systemd", *bad).code == 2


def test_the_inventorys_keytab_is_seen_at_its_own_path(delegation: Delegation, here: Path) -> None:
    """So the inventory needs no word about credentials."""
    declare(here, ", user: svc, keytab: 'keys/../keys/a %n.keytab'")
    unit = service(delegation)
    settings = section(unit, "Service")
    keytab = f"{here}/keys/a %n.keytab".replace("%", "%%")
    assert settings["LoadCredential"] == [f"keytab:{keytab}"]
    assert settings["BindReadOnlyPaths"] == [f'%d/keytab:"{keytab}"']
    assert "--password-file" not in command(unit)


def test_a_password_is_a_credential(delegation: Delegation, here: Path) -> None:
    declare(here, ", user: svc")
    unit = service(delegation)
    settings = section(unit, "Service")
    assert settings["LoadCredential"] == [
        "password:/etc/delegation-audit.password",
        "known-domains:/etc/delegation/known-domains",
    ]
    assert settings["Environment"] == ["DELEGATION_KNOWN_DOMAINS=%d/known-domains"]
    assert command(unit)[5:7] == ["--password-file", "${CREDENTIALS_DIRECTORY}/password"]
    ran = delegation("--password-file", "secret word", "schedule", "systemd")
    assert section(ran.out, "Service")["LoadCredential"][0] == f"password:{here}/secret word"
    assert str(here / "secret word") not in command(ran.out)


@pytest.mark.parametrize("kind", ["systemd", "cron"])
def test_a_password_needs_a_known_domain(delegation: Delegation, here: Path, kind: str) -> None:
    """Told on the day when it is made, not in the night when it fails."""
    known = here.parent / "known-domains"
    declare(here, ", user: svc, ca_file: ca.pem, dns_servers: [10.0.0.53]")
    options = ("--password-file", "secret", "--known-domains", str(known))
    ran = delegation(*options, "schedule", kind)
    assert ran.code == 0
    assert "corp.example is not known enough in" in ran.err
    [line] = [line for line in ran.err.splitlines() if " trust " in line]
    words = shlex.split(line.partition("delegation ")[2])
    assert words[-4:] == ["--ca-file", str(here / "ca.pem"), "--dns-server", "10.0.0.53"]
    assert str(known) in ran.out
    key = f"sha256:{'A' * 43}="
    told = [*words[:4], "--ca", key, *words[-2:], "--yes"]
    assert delegation(*told).code == 0
    assert "known enough" not in delegation(*options, "schedule", kind).err
    # What needs no password needs no list.
    declare(here, ", user: svc, keytab: svc.keytab")
    ran = delegation(*options, "schedule", kind)
    assert "known-domains" not in ran.out + ran.err


def test_a_task_is_told_where_the_known_domains_are(delegation: Delegation, here: Path) -> None:
    declare(here, ", user: svc")
    place = ("--program", "C:\\d\\delegation.exe", "--folder", "C:\\d")
    ran = delegation("schedule", "task-scheduler", *place)
    assert "--known-domains C:\\ProgramData\\delegation\\known-domains" in ran.out
    assert "has to be known, on that machine, in C:\\ProgramData" in ran.err


def test_without_user_and_keytab_it_is_a_client_keytab(delegation: Delegation, here: Path) -> None:
    declare(here)
    settings = section(service(delegation), "Service")
    assert settings["LoadCredential"] == ["keytab:/etc/delegation-audit.keytab"]
    assert settings["Environment"] == ["KRB5_CLIENT_KTNAME=FILE:%d/keytab KRB5CCNAME=MEMORY:"]


def test_a_user_of_ones_own_shares_the_state_folder(delegation: Delegation, here: Path) -> None:
    declare(here, ", user: svc, keytab: svc.keytab")
    unit = service(delegation, "--user", "delegation")
    settings = section(unit, "Service")
    assert settings["User"] == ["delegation"]
    assert settings["ReadWritePaths"] == [f"{here}/.delegation"]
    assert "DynamicUser" not in settings
    assert command(unit)[3:5] == ["--state", f"{here}/.delegation"]
    ran = delegation("--state", "elsewhere", "schedule", "systemd", "--user", "delegation")
    assert command(ran.out)[4] == f"{here}/elsewhere"
    for bad in ("a b", "x\ny", "%u", "Root!"):
        assert delegation("schedule", "systemd", "--user", bad).code == 2
    ran = delegation("--state", "elsewhere", "schedule", "systemd")
    assert ran.code == 2
    assert "--user" in ran.err


def test_what_the_units_user_could_not_read_is_told(
    delegation: Delegation, here: Path, script: str
) -> None:
    (here / "inventory.yaml").chmod(0o600)
    ran = delegation("schedule", "systemd", "--program", script)
    assert f"warning: not every user may read {here}/inventory.yaml" in ran.err
    assert "out of the unit's sight" in ran.err, "tests run in /tmp"
    ran = delegation("schedule", "systemd", "--program", script, "--folder", "/etc/delegation")
    assert "warning: not every" not in ran.err
    (here / "inventory.yaml").chmod(0o644)
    assert stat.S_IMODE(here.stat().st_mode) & 0o001
    assert "warning" not in delegation("schedule", "systemd", "--user", "root", "--program",
                                       "/usr/bin/delegation", "--folder", "/etc/d").err  # fmt: skip


def test_the_directory_of_the_command_line_is_the_audits(
    delegation: Delegation, here: Path
) -> None:
    (here / "export.ldf").write_bytes(plain())
    ran = delegation("--directory", "ldif:export.ldf", "schedule", "systemd")
    assert command(ran.out)[3:5] == ["--directory", f"ldif:{here}/export.ldf"]
    ran = delegation("--directory", "ldaps://dc2.corp.example", "schedule", "systemd")
    assert command(ran.out)[3:5] == ["--directory", "ldaps://dc2.corp.example"]


HOSTILE_FOLDERS = (
    "two words",
    "100%n",
    "$HOME ${X}",
    'it\'s "quoted"',
    "a;b#c",
    "a:b=c,d",
    "\u5317",
)


@pytest.mark.lab
@pytest.mark.parametrize("more", ["", ", user: svc", ", user: svc, keytab: svc.keytab"])
@pytest.mark.parametrize("name", ["plain", *HOSTILE_FOLDERS])
def test_systemd_finds_nothing_wrong(
    delegation: Delegation, here: Path, script: str, name: str, more: str
) -> None:
    folder = here / name
    folder.mkdir()
    declare(folder, more)
    inventory = str(folder / "inventory.yaml")
    for user in ((), ("--user", "root")):
        units = here / f"units{len(user)}"
        ran = delegation("-i", inventory, "schedule", "systemd", "-o", str(units), *user,
                         "--program", script, "--as", "vm admin $x %n")  # fmt: skip
        assert ran.code == 0, ran.err
        made = [str(units / f"delegation-audit.{kind}") for kind in ("service", "timer")]
        done = _systemd_analyze("verify", "--man=no", *made)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        unit = Path(made[0]).read_text(encoding="utf-8")
        assert command(unit)[2].replace("$$", "$") == inventory


@pytest.mark.lab
def test_systemd_would_find_what_is_wrong(delegation: Delegation, here: Path) -> None:
    """The check above is one."""
    assert delegation("schedule", "systemd", "-o", "units").code == 0
    path = here / "units" / "delegation-audit.service"
    good = path.read_text(encoding="utf-8")
    for old, new in (
        ("ProtectSystem=strict", "ProtectSystem=very"),
        ("StateDirectory=", "StateFolder="),
        ("ExecStart=/", "ExecStart="),
        ("DynamicUser=yes", "DynamicUser=perhaps"),
    ):
        assert old in good
        path.write_text(good.replace(old, new), encoding="utf-8")
        done = _systemd_analyze("verify", "--man=no", str(path))
        assert done.returncode or done.stderr, new


@pytest.mark.lab
def test_its_exposure_is_small(delegation: Delegation, here: Path) -> None:
    """Of ten; a service that is not confined at all has 9.6."""
    declare(here, ", user: svc, keytab: svc.keytab")
    for user in ((), ("--user", "root")):
        units = here / f"units{len(user)}"
        assert delegation("schedule", "systemd", "-o", str(units), *user).code == 0
        path = str(units / "delegation-audit.service")
        done = _systemd_analyze("security", "--offline=yes", "--threshold=15", "--no-pager", path)
        assert done.returncode == 0, done.stdout[-200:]


@pytest.mark.lab
@pytest.mark.parametrize("calendar", ["*-*-* 05:30:00", "Mon..Fri 06:00 Europe/Berlin", "daily"])
def test_systemd_knows_the_time(calendar: str) -> None:
    assert _systemd_analyze("calendar", calendar).returncode == 0


def _systemd_analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["systemd-analyze", *arguments], capture_output=True, text=True, check=False, timeout=60
    )


# Task Scheduler


def task(delegation: Delegation, *options: str) -> ET.Element:
    ran = delegation("schedule", "task-scheduler", *options)
    assert ran.code == 0, ran.err
    assert ran.out.isascii(), "the same in any code page"
    return ET.fromstring(ran.out)  # noqa: S314


def text(root: ET.Element, path: str) -> str:
    found = root.find("/".join(TASK + part for part in path.split("/")))
    assert found is not None, path
    return found.text or ""


WINDOWS = ("--program", "C:\\Program Files\\delegation\\delegation.exe", "--folder", "C:\\a & b")


def test_the_task_audits(delegation: Delegation) -> None:
    root = task(delegation, *WINDOWS, "--fail-on", "high")
    assert text(root, "Actions/Exec/Command") == WINDOWS[1]
    assert windows_words(text(root, "Actions/Exec/Arguments")) == [
        "--inventory", "C:\\a & b\\inventory.yaml", "--state",
        "C:\\ProgramData\\delegation-audit", "audit", "--new-only", "--baseline",
        "--fail-on", "high",
    ]  # fmt: skip
    assert text(root, "Settings/MultipleInstancesPolicy") == "IgnoreNew"
    assert text(root, "Triggers/CalendarTrigger/StartBoundary") == "2026-01-01T05:30:00"


def test_the_task_runs_as_a_group_managed_service_account(delegation: Delegation) -> None:
    root = task(delegation, *WINDOWS)
    assert text(root, "Principals/Principal/UserId") == "corp.example\\svc-delegation$"
    assert text(root, "Principals/Principal/LogonType") == "Password"
    assert text(root, "Principals/Principal/RunLevel") == "LeastPrivilege"
    for given, told in (
        ("CORP\\svc-audit$", "CORP\\svc-audit$"),
        ("svc-audit$", "corp.example\\svc-audit$"),
        ("svc-audit$@corp.example", "svc-audit$@corp.example"),
    ):
        root = task(delegation, *WINDOWS, "--user", given)
        assert text(root, "Principals/Principal/UserId") == told
    for bad in ("svc-audit", "CORP\\Administrator", "SYSTEM", "a b$", "$", "x" * 16 + "$",
                "A\\b$@c", "a$\n", "<b>$", "%x%$"):  # fmt: skip
        ran = delegation("schedule", "task-scheduler", *WINDOWS, "--user", bad)
        assert ran.code == 2, bad


def test_the_tasks_elements_are_those_of_the_schema_in_its_order(delegation: Delegation) -> None:
    """MS-TSCH 2.5: a trigger is a sequence; elsewhere any order will do."""
    root = task(delegation, *WINDOWS)
    assert root.tag == f"{TASK}Task"
    assert root.get("version") == "1.2"
    shape = {
        element.tag.removeprefix(TASK): [child.tag.removeprefix(TASK) for child in element]
        for element in root.iter()
        if len(element)
    }
    assert shape["CalendarTrigger"] == ["Enabled", "StartBoundary", "RandomDelay", "ScheduleByDay"]
    assert set(shape["Task"]) == {
        "RegistrationInfo", "Triggers", "Principals", "Settings", "Actions",
    }  # fmt: skip
    assert set(shape["RegistrationInfo"]) == {"Author", "Description", "URI", "Documentation"}
    assert set(shape["Principal"]) == {"UserId", "LogonType", "RunLevel"}
    assert set(shape["Exec"]) == {"Command", "Arguments"}
    assert set(shape["Settings"]) <= {
        "AllowStartOnDemand", "RestartOnFailure", "MultipleInstancesPolicy",
        "DisallowStartIfOnBatteries", "StopIfGoingOnBatteries", "AllowHardTerminate",
        "StartWhenAvailable", "NetworkProfileName", "RunOnlyIfNetworkAvailable", "WakeToRun",
        "Enabled", "Hidden", "DeleteExpiredTaskAfter", "IdleSettings", "NetworkSettings",
        "ExecutionTimeLimit", "Priority", "RunOnlyIfIdle",
    }  # fmt: skip


def test_a_tasks_file_is_utf_16_with_the_line_ends_of_windows(
    delegation: Delegation, here: Path
) -> None:
    ran = delegation("schedule", "task-scheduler", *WINDOWS, "-o", "audit.xml")
    assert ran.code == 0
    raw = (here / "audit.xml").read_bytes()
    assert raw.startswith(b"\xff\xfe")
    decoded = raw.decode("utf-16")
    assert decoded.startswith('<?xml version="1.0" encoding="UTF-16"?>\r\n')
    assert "\n" not in decoded.replace("\r\n", "")
    root = ET.fromstring(raw)  # noqa: S314
    assert text(root, "Actions/Exec/Command") == WINDOWS[1]
    assert "Unregister-ScheduledTask -TaskName 'delegation-audit'" in ran.err
    assert "-LiteralPath 'audit.xml'" in text(root, "RegistrationInfo/Documentation")


def test_markup_in_a_path_stays_a_path(delegation: Delegation) -> None:
    folder = "C:\\<x>&amp;'--]]>"
    root = task(delegation, "--program", "C:\\d.exe", "--folder", folder, "--as", '\u5317 "x" <y>')
    words = windows_words(text(root, "Actions/Exec/Arguments"))
    assert words[1] == f"{folder}\\inventory.yaml"
    assert words[-1] == '\u5317 "x" <y>'


@pytest.mark.parametrize("folder", ["C:\\%TEMP%", "C:\\$(Arg0)"])
def test_what_task_scheduler_would_replace_is_2(delegation: Delegation, folder: str) -> None:
    ran = delegation("schedule", "task-scheduler", "--program", "C:\\d.exe", "--folder", folder)
    assert (ran.code, ran.out) == (2, "")


@pytest.mark.skipif(sys.platform == "win32", reason="there its paths are right")
def test_paths_of_another_kind_of_machine_are_told(delegation: Delegation) -> None:
    assert "name --program and --folder" in delegation("schedule", "task-scheduler").err
    assert "name --program" not in delegation("schedule", "task-scheduler", *WINDOWS).err
    for kind in ("systemd", "cron"):
        assert delegation("schedule", kind, "--folder", "C:\\x").code == 2


# cron


@pytest.fixture
def entry(delegation: Delegation) -> str:
    [line] = [
        line for line in delegation("schedule", "cron").out.splitlines() if not line.startswith("#")
    ]
    return line


def run_as_cron(line: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """The command behind the five fields, in cron's shell with cron's few variables."""
    rest = line.split(" ", 5)[5]
    bare = re.search(r"(?<!\\)%", rest)
    assert bare is None, "cron would end the command there"
    kept = {k: v for k, v in environment().items() if k in {"PYTHONPATH", "HOME"}}
    return subprocess.run(
        ["/bin/sh", "-c", rest.replace("\\%", "%")],
        cwd="/",
        env={**kept, "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_crons_line_audits_and_speaks_only_of_news(
    delegation: Delegation, here: Path, entry: str
) -> None:
    assert entry.startswith("30 5 * * * ")
    first = run_as_cron(entry, here)
    assert first.returncode == 3
    assert "KCD001" in first.stdout
    second = run_as_cron(entry, here)
    assert (second.returncode, second.stdout, second.stderr) == (0, "", "")
    (here / "directory.ldif").unlink()
    third = run_as_cron(entry, here)
    assert third.returncode == 1
    assert "error: " in third.stdout
    assert len(delegation("history", "--format", "json").json["runs"]) == 2


@pytest.mark.parametrize("name", ["two words", "100%n", "$HOME `x`", "it's", "a;b#c", "\u5317"])
def test_a_hostile_path_comes_through_cron(delegation: Delegation, here: Path, name: str) -> None:
    folder = here / name
    folder.mkdir()
    (folder / "inventory.yaml").write_text(INVENTORY, encoding="utf-8")
    (folder / "directory.ldif").write_bytes(plain())
    ran = delegation("-i", str(folder / "inventory.yaml"), "schedule", "cron")
    [line] = [line for line in ran.out.splitlines() if not line.startswith("#")]
    assert run_as_cron(line, here).returncode == 3
    assert (folder / ".delegation" / "journal.sqlite").is_file()


def test_crons_when(delegation: Delegation) -> None:
    assert "\n5 22 * * * out=" in delegation("schedule", "cron", "--at", "22:05").out
    ran = delegation("schedule", "cron", "--calendar", "0 6 * * mon-fri")
    assert "\n0 6 * * mon-fri out=" in ran.out
    for bad in ("0 6 * *", "* * * * * root", "@daily", "0 6 * * *\n* * * * *", "% * * * *"):
        assert delegation("schedule", "cron", "--calendar", bad).code == 2


def test_what_cron_would_cut_off_is_2(delegation: Delegation) -> None:
    assert delegation("schedule", "cron", "--as", "x" * 1000).code == 2


def test_the_way_out_of_the_crontab_takes_ours_alone(delegation: Delegation) -> None:
    ran = delegation("schedule", "cron")
    [remove] = [line for line in ran.out.splitlines() if "remove:" in line]
    command_line = remove.partition("|")[2].rpartition("|")[0]
    table = f"0 1 * * * before\n{ran.out}0 2 * * * after\n"
    done = subprocess.run(
        ["sh", "-c", command_line], input=table, capture_output=True, text=True, check=True
    )
    assert done.stdout == "0 1 * * * before\n0 2 * * * after\n"


def test_cron_has_nobody_to_ask(delegation: Delegation, here: Path) -> None:
    declare(here, ", user: svc")
    assert "--password-file" in delegation("schedule", "cron").err
    ran = delegation("--password-file", "secret", "schedule", "cron")
    assert "nobody is there" not in ran.err
    assert f"--password-file {here}/secret " in ran.out
    declare(here)
    assert "set directory.keytab" in delegation("schedule", "cron").err
    declare(here, ", keytab: svc.keytab")
    assert "warning" not in delegation("schedule", "cron").err


# The program itself


def test_the_program_is_the_one_that_was_started(here: Path) -> None:
    script = Path(sys.executable).parent / "delegation"
    for program in ((str(script),), PROGRAM):
        ran = spawned("schedule", "cron", program=program, cwd=here)
        assert f"out=$({shlex.quote(str(script))} " in ran.out
    ran = spawned("schedule", "cron", program=(os.path.relpath(script, here),), cwd=here)
    assert f"out=$({shlex.quote(str(script))} " in ran.out


def test_the_ways_in_and_out_can_be_typed(delegation: Delegation, here: Path) -> None:
    declare(here, ", user: svc, keytab: 'a b.keytab'")
    for user in ((), ("--user", "delegation")):
        lines = [line for line in service(delegation, *user).splitlines() if line[:4] == "#   "]
        assert len(lines) > 8
        for line in lines:
            done = subprocess.run(
                ["sh", "-n", "-c", line[4:].partition("      ")[0]],
                capture_output=True,
                check=False,
            )
            assert done.returncode == 0, line
