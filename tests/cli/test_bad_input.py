"""Broken input of every kind: a clear message and the right exit code, and nothing is lost."""

import sqlite3
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.cli.program import (
    MORTAL,
    PROGRAM,
    Delegation,
    Ran,
    environment,
    examined,
    sabotaged,
    spawned,
)
from tests.cli.world import (
    INVENTORY,
    account,
    directory,
    edited,
    finished,
    held,
    holdings,
    plain,
    tree,
    undo_file,
)

MORTALS_PROGRAM = (*MORTAL, *PROGRAM)


def lost(before: dict[str, bytes | None], folder: Path) -> list[str]:
    """What was there before and is not any more as it was."""
    after = tree(folder)
    return [name for name in before if after.get(name, "gone") != before[name]]


# The inventory


def _bomb() -> bytes:
    lines = [b"domain: corp.example", b"a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [
        b"a%d: &a%d [%s]" % (n, n, b", ".join([b"*a%d" % (n - 1)] * 10)) for n in range(1, 12)
    ]
    return b"\n".join(lines)


INVENTORIES = {
    "empty": b"",
    "blank": b"\n \n",
    "only comments": b"# nothing\n",
    "binary": bytes(range(256)) * 40,
    "an executable": b"\x7fELF\x02\x01\x01" + b"\0" * 200,
    "50 MB": b"# filler\n" * 5_600_000,
    "50 MB in one line": b"a" * 50_000_000,
    "Latin-1": INVENTORY.encode() + b"# caf\xe9\n",
    "UTF-16": INVENTORY.encode("utf-16"),
    "a cut UTF-8 character": INVENTORY.encode() + b"# \xe2\x82",
    "duplicate keys": INVENTORY.encode() + b"domain: corp.example\n",
    "duplicate hosts": INVENTORY.encode() + b"  HV02:\n",
    "deeply nested lists": b"hosts: " + b"[" * 100_000,
    "deeply nested mappings": b"hosts: " + b"{a: " * 100_000,
    "deeply indented": b"".join(b" " * n + b"a:\n" for n in range(1000)),
    "an alias bomb": _bomb(),
    "an alias to itself": b"domain: &a [*a]\n",
    "a huge range": b"domain: corp.example\nhosts: {'hv[1-999999999]': }\n",
    "ranges times ranges": b"domain: corp.example\nhosts: {'hv[1-999][1-999][1-999]': }\n",
    "a Python object": b"domain: !!python/object/apply:os.system ['touch pwned']\n",
    "a merge key": b"x: &x {domain: corp.example}\n<<: *x\nhosts: {hv01: , hv02: }\n",
    "two documents": INVENTORY.encode() + b"---\n" + INVENTORY.encode(),
    "a tab": b"domain: corp.example\nhosts:\n\thv01:\n",
    "JSON of something else": b'{"name": "delegation", "version": "1.0"}',
    "a list": b"- corp.example\n",
    "a number": b"42\n",
    "the LDIF": plain(),
}


@pytest.mark.parametrize("content", INVENTORIES.values(), ids=INVENTORIES)
def test_a_broken_inventory_is_2_with_its_place(
    delegation: Delegation, here: Path, content: bytes
) -> None:
    (here / "inventory.yaml").write_bytes(content)
    before = tree(here)
    for command in (["check"], ["plan"], ["apply", "--yes"], ["audit", "--format", "json"]):
        ran = delegation(*command)
        assert ran.code == 2
        assert ran.out == ""
        first, *_, last = ran.err.splitlines()
        assert first.startswith("inventory.yaml:")
        place = first.split(":")[1:3]
        assert all(part.isdigit() and int(part) > 0 for part in place)
        assert "nothing was read or written" in last
        assert len(ran.err) < 20_000
    assert tree(here) == before


@pytest.mark.parametrize(
    "name", ["missing.yaml", ".", "missing/inventory.yaml", "directory.ldif/x", "x" * 300]
)
def test_an_inventory_that_cannot_be_read_is_2(
    delegation: Delegation, here: Path, name: str
) -> None:
    before = tree(here)
    ran = delegation("-i", name, "plan")
    assert ran.code == 2
    assert "inventory" in ran.err
    assert ran.err.count("\n") >= 2, "what to do as well"
    assert tree(here) == before


def test_an_inventory_that_may_not_be_read_is_2(here: Path) -> None:
    (here / "inventory.yaml").chmod(0)
    ran = spawned("plan", program=MORTALS_PROGRAM)
    assert ran.code == 2
    assert "Permission denied" in ran.err


# Hosts and accounts


def test_all_unknown_hosts_are_named(delegation: Delegation, here: Path) -> None:
    text = INVENTORY.replace("hv[01-03]", "hv[01-07]")
    (here / "inventory.yaml").write_text(text, encoding="utf-8")
    for command in (["plan"], ["apply", "--yes"]):
        ran = delegation(*command)
        assert ran.code == 1
        assert [f"hv0{n}$" in ran.err for n in range(1, 8)] == [False] * 3 + [True] * 4
        assert "correct the inventory" in ran.err
    assert (here / "directory.ldif").read_bytes() == plain()


def test_two_computers_of_one_name_are_both_shown(delegation: Delegation, here: Path) -> None:
    export = plain() + account("HV02", unit="Lab").encode()
    (here / "directory.ldif").write_bytes(export)
    ran = delegation("apply", "--yes")
    assert ran.code == 1
    assert "CN=HV02,OU=Hyper-V,DC=corp,DC=example" in ran.err
    assert "CN=HV02,OU=Lab,DC=corp,DC=example" in ran.err
    assert (here / "directory.ldif").read_bytes() == export


def test_another_domain_is_told_by_naming_context(delegation: Delegation, here: Path) -> None:
    """Its DNS name ends in ours, and its account says our FQDN."""
    export = directory(
        account("HV01"), account("HV02"), account("HV03", base="DC=eu,DC=corp,DC=example")
    )
    (here / "directory.ldif").write_bytes(export)
    ran = delegation("apply", "--yes")
    assert ran.code == 1
    assert "CN=HV03,OU=Hyper-V,DC=eu,DC=corp,DC=example" in ran.err
    assert "another domain" in ran.err
    assert (here / "directory.ldif").read_bytes() == export


def test_a_host_outside_the_search_base_is_told_so(delegation: Delegation, here: Path) -> None:
    base = '  search_base: ["OU=Servers,DC=corp,DC=example"]\n'
    text = INVENTORY.replace("hosts:", base + "hosts:")
    (here / "inventory.yaml").write_text(text, encoding="utf-8")
    ran = delegation("plan")
    assert ran.code == 1
    assert "outside directory.search_base" in ran.err


def test_an_fqdn_that_is_not_the_accounts_is_shown_with_both(
    delegation: Delegation, here: Path
) -> None:
    text = INVENTORY.replace("hv[01-03]:", "hv[01-02]:\n  hv03: {fqdn: hv03.evil.example}")
    (here / "inventory.yaml").write_text(text, encoding="utf-8")
    for command in (["plan"], ["apply", "--yes", "--allow", "removals", "--allow", "flag-change"]):
        ran = delegation(*command)
        assert ran.code == 4
        told = ran.out + ran.err
        assert "hv03.evil.example" in told
        assert "hv03.corp.example" in told
    assert (here / "directory.ldif").read_bytes() == plain()


# The export

_HALF = finished()[: len(finished()) * 2 // 3]

EXPORTS = {
    "empty": b"",
    "blank": b"\n\n\n",
    "binary": bytes(range(256)) * 100,
    "zeros": b"\0" * 10_000,
    "a picture": b"\x89PNG\r\n\x1a\n" + b"\0\1" * 500,
    "cut off in a line": _HALF[: _HALF.rindex(b"\n") + 9],
    "cut off in a base64 value": plain()[: plain().rindex(b"objectGUID:: ") + 20],
    "cut off in the last record": plain()[: plain().rindex(b"userAccountControl")],
    "cut off after a whole line": plain() + b"dn: CN=HV04,DC=corp,DC=example\nobjectClass: top\n",
    "an ldapsearch without its end": b"# extended LDIF\n#\n\n" + plain(),
    "an ldapsearch that hit a limit": plain() + b"search: 2\nresult: 4 Size limit exceeded\n",
    "a change file": (
        b"version: 1\n\ndn: CN=HV01,OU=Hyper-V,DC=corp,DC=example\nchangetype: modify\n"
        b"add: msDS-AllowedToDelegateTo\nmsDS-AllowedToDelegateTo: cifs/hv02\n-\n"
    ),
    "a change file that deletes": b"dn: CN=HV01,DC=corp,DC=example\nchangetype: delete\n\n",
    "an export of another domain": plain().replace(b"DC=corp", b"DC=evil"),
    "an export of a child domain": plain().replace(b"DC=corp", b"DC=child,DC=corp"),
    "the inventory": INVENTORY.encode(),
    "JSON": b'{"dn": "CN=HV01"}\n',
    "a value by URL": plain() + b"dn: CN=X,DC=corp,DC=example\ncn:< file:///etc/passwd\n\n",
    "one object twice": plain() + account("HV02").encode(),
    "one objectGUID twice": plain()
    + (account("HV08") + account("HV08").replace("CN=HV08", "CN=HV07")).encode(),
    "no userAccountControl": plain().replace(b"userAccountControl: 4096\n", b"", 1),
    "userAccountControl no number": plain().replace(b"Control: 4096\n", b"Control: many\n", 1),
    "userAccountControl beyond": plain().replace(
        b"Control: 4096\n", b"Control: " + b"9" * 40 + b"\n", 1
    ),
    "a short objectGUID": plain()
    + account("HV09").replace("objectGUID:: ", "objectGUID: x").encode(),
    "a NUL in it": plain().replace(b"HOST/HV01", b"HOST/\0HV01"),
    "lone carriage returns": plain().replace(b"\n", b"\r"),
    "broken UTF-16": plain().decode().encode("utf-16")[:-1],
}


@pytest.mark.parametrize("content", EXPORTS.values(), ids=EXPORTS)
def test_a_broken_export_is_1_and_stays_as_it_is(
    delegation: Delegation, here: Path, content: bytes
) -> None:
    (here / "directory.ldif").write_bytes(content)
    before = tree(here)
    for command in (["plan"], ["apply", "--yes"], ["audit"], ["check"]):
        ran = delegation(*command)
        assert ran.code == 1
        assert ran.out == ""
        assert "directory.ldif" in ran.err
        assert ran.err.rstrip("\n").count("\n") >= 1, "what to do as well"
        assert len(ran.err) < 5_000
    assert lost(before, here) == []
    assert delegation("history", "--format", "json").json["runs"] == []


def test_a_record_that_is_cut_off_names_its_line(delegation: Delegation, here: Path) -> None:
    content = EXPORTS["cut off in a line"]
    (here / "directory.ldif").write_bytes(content)
    ran = delegation("plan")
    last = content.count(b"\n") + 1
    assert f"directory.ldif:{last}: " in ran.err
    assert "cut off" in ran.err


@pytest.mark.parametrize("name", ["missing.ldif", ".", "missing/x.ldif", "inventory.yaml/x"])
def test_an_export_that_cannot_be_read_is_1(delegation: Delegation, here: Path, name: str) -> None:
    before = tree(here)
    for command in (["plan"], ["audit"], ["apply", "--yes"]):
        ran = delegation("--directory", f"ldif:{name}", *command)
        assert ran.code == 1
        assert ran.out == ""
        assert "give the path of an LDIF export" in ran.err
    assert lost(before, here) == []


@pytest.mark.parametrize(
    "url", ["ldif:", "ldif://x", "http://dc1", "dc1", "ldap://", "", "ldaps://a:b@dc"]
)
def test_a_directory_that_is_no_url_is_2(delegation: Delegation, here: Path, url: str) -> None:
    before = tree(here)
    ran = delegation("--directory", url, "plan")
    assert ran.code == 2
    assert "--directory" in ran.err
    assert tree(here) == before


def test_an_export_that_may_not_be_written_is_1_and_on_record(
    delegation: Delegation, here: Path
) -> None:
    (here / "directory.ldif").chmod(0o444)
    ran = spawned("apply", "--yes", program=MORTALS_PROGRAM)
    assert ran.code == 1
    assert "read-only" in ran.err
    assert (here / "directory.ldif").read_bytes() == plain()
    [run] = delegation("history", "--format", "json").json["runs"]
    assert run["status"] == "failed"
    assert not run["unsettled"]
    (here / "directory.ldif").chmod(0o644)
    assert delegation("apply", "--yes").code == 0


def test_an_export_in_a_folder_that_takes_no_file_is_1(here: Path) -> None:
    """The new file can't be written beside the old one, which therefore stays."""
    place = here / "exports"
    place.mkdir()
    (place / "directory.ldif").write_bytes(plain())
    place.chmod(0o555)
    try:
        ran = spawned(
            "--directory", "ldif:exports/directory.ldif", "apply", "--yes", program=MORTALS_PROGRAM
        )
    finally:
        place.chmod(0o755)
    assert ran.code == 1
    assert "nothing was written" in ran.err
    assert tree(place) == {"directory.ldif": plain()}


def test_somebody_who_writes_at_the_same_time_loses_nothing(here: Path) -> None:
    """Between our last look and our write: the write is not made."""
    body = (
        "data = self._path.read_bytes()\n"
        "self._path.write_bytes(data.replace(b'HOST/HV01', b'HOST/hv01'))\n"
        "real = super().write(changes)\n"
        "outcomes = []\n"
        "from delegation.directory import filing\n"
        "def swap(path, seen, content, _swap=filing.swap):\n"
        "    path.write_bytes(path.read_bytes() + b'# mine\\n\\n')\n"
        "    return _swap(path, seen, content)\n"
        "filing.swap = swap\n"
        "return real"
    )
    ran = spawned("apply", "--yes", program=sabotaged(body))
    assert ran.code == 1
    assert "somebody else changed the file" in ran.err
    raw = (here / "directory.ldif").read_bytes()
    assert raw.endswith(b"# mine\n\n")
    assert holdings(raw) == holdings(plain())


# The state folder


def _file(here: Path) -> None:
    (here / ".delegation").write_text("precious", encoding="utf-8")


def _garbage(here: Path) -> None:
    (here / ".delegation" / "journal.sqlite").write_bytes(b"garbage " * 4096)


def _newer(here: Path) -> None:
    _sql(here, "PRAGMA user_version = 99")


def _somebody_elses(here: Path) -> None:
    (here / ".delegation" / "journal.sqlite").unlink()
    _sql(here, "CREATE TABLE photos (name TEXT)")


def _sql(here: Path, *statements: str) -> None:
    db = sqlite3.connect(here / ".delegation" / "journal.sqlite")
    for statement in statements:
        db.execute(statement)
    db.commit()
    db.close()
    (here / ".delegation" / "journal.sqlite").chmod(0o600)


def _folder(here: Path) -> None:
    (here / ".delegation" / "journal.sqlite").unlink()
    (here / ".delegation" / "journal.sqlite").mkdir()


def _cut_off(here: Path) -> None:
    path = here / ".delegation" / "journal.sqlite"
    path.write_bytes(path.read_bytes()[:6_000])


def _bad_json(here: Path) -> None:
    _sql(here, "UPDATE runs SET connection = 'x', summary = '{'")


def _bad_states(here: Path) -> None:
    _sql(here, "UPDATE changes SET before = x'00', guid = 'x', result = 'maybe'")


@pytest.mark.parametrize(
    "statement",
    [
        """UPDATE runs SET connection = '{"auth": "magic"}'""",
        """UPDATE runs SET connection = '{"port": 636}'""",
        """UPDATE runs SET connection = '{"url": 5}'""",
    ],
)
def test_a_connection_that_nobody_recorded(
    delegation: Delegation, here: Path, statement: str
) -> None:
    delegation("apply", "--yes", "--limit", "hv01")
    _sql(here, statement)
    before = tree(here)
    ran = delegation("rollback", "1", "--yes")
    assert ran.code == 1
    assert "the journal is damaged" in ran.err
    assert tree(here) == before


JOURNALS = [_garbage, _newer, _somebody_elses, _folder, _cut_off, _bad_json, _bad_states]


@pytest.mark.parametrize("breaks", JOURNALS)
def test_a_broken_journal_stops_what_needs_it(
    delegation: Delegation, here: Path, breaks: Callable[[Path], None]
) -> None:
    delegation("apply", "--yes", "--limit", "hv01")
    breaks(here)
    before = tree(here)
    for command in (["rollback", "--yes"], ["rollback", "1", "--yes"], ["history", "1"]):
        ran = delegation(*command)
        assert ran.code in {1, 2}
        assert "journal.sqlite" in ran.err
        assert lost(before, here) == []


@pytest.mark.parametrize("breaks", [_garbage, _newer, _somebody_elses, _folder])
def test_no_record_no_write(
    delegation: Delegation, here: Path, breaks: Callable[[Path], None]
) -> None:
    delegation("apply", "--yes", "--limit", "hv01")
    breaks(here)
    before = tree(here)
    ran = delegation("apply", "--yes")
    assert ran.code == 1
    assert "journal.sqlite" in ran.err
    assert lost(before, here) == []


def test_a_state_folder_that_is_a_file(delegation: Delegation, here: Path) -> None:
    _file(here)
    before = tree(here)
    for command in (["apply", "--yes"], ["rollback", "--yes"]):
        ran = delegation(*command)
        assert ran.code == 1
        assert ".delegation" in ran.err
        assert "--state" in ran.err
    assert delegation("plan").code == 3
    audit = delegation("audit")
    assert audit.code == 3
    assert "warning" in audit.err
    assert delegation("history").code in {0, 1}
    assert tree(here) == before


@pytest.mark.parametrize(("folder", "file"), [(0o500, 0o600), (0o700, 0o400), (0o000, 0o600)])
def test_a_journal_that_may_not_be_written(
    delegation: Delegation, here: Path, folder: int, file: int
) -> None:
    delegation("apply", "--yes", "--limit", "hv01")
    before = tree(here)
    state = here / ".delegation"
    for path in state.iterdir():
        path.chmod(file)
    state.chmod(folder)
    try:
        runs = [
            spawned(*command, program=MORTALS_PROGRAM)
            for command in (["apply", "--yes"], ["rollback", "--yes"])
        ]
        history = spawned("history", program=MORTALS_PROGRAM)
    finally:
        state.chmod(0o700)
    for ran in runs:
        assert ran.code == 1
        assert ".delegation" in ran.err
    if folder:
        assert history.code == 0
        assert "apply" in history.out
    else:
        assert history.code == 1
        assert "Permission denied" in history.err
    assert lost(before, here) == []


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Ran]:
    """What each command does while another process has the journal locked; all wait at once."""
    folder = tmp_path_factory.mktemp("locked")
    (folder / "inventory.yaml").write_text(INVENTORY, encoding="utf-8")
    (folder / "directory.ldif").write_bytes(plain())
    assert spawned("apply", "--yes", "--limit", "hv01", cwd=folder).code == 0
    edited(folder / "directory.ldif", hv02=["cifs/iso"])
    before = tree(folder)
    text = (
        "import sqlite3, sys\n"
        "db = sqlite3.connect('.delegation/journal.sqlite', isolation_level=None)\n"
        "db.execute('BEGIN EXCLUSIVE')\n"
        "print('locked', flush=True)\n"
        "sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", text], cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout
        assert holder.stdin
        assert holder.stdout.readline() == b"locked\n"
        commands = ["plan", "audit", "history", "apply --yes", "rollback --yes --state other"]
        with ThreadPoolExecutor() as pool:
            jobs = {name: pool.submit(spawned, *name.split(), cwd=folder) for name in commands}
        holder.stdin.close()
    after = tree(folder)
    assert [name for name in before if after[name] != before[name]] == [], "nothing is lost"
    return {name: job.result() for name, job in jobs.items()}


def test_a_locked_journal_lets_no_apply_write(locked: dict[str, Ran]) -> None:
    ran = locked["apply --yes"]
    assert ran.code == 4
    assert "journal.sqlite" in ran.err
    assert "locked" in ran.err


def test_a_locked_journal_is_a_warning_for_an_audit(locked: dict[str, Ran]) -> None:
    ran = locked["audit"]
    assert ran.code == 3
    assert "KCD001" in ran.out
    assert "warning: this audit is not in the history" in ran.err


def test_a_locked_journal_is_a_warning_for_a_plan(locked: dict[str, Ran]) -> None:
    ran = locked["plan"]
    assert "cifs/iso" in ran.out
    assert "warning: no hints from the journal" in ran.err


def test_a_locked_journal_has_no_history_to_show(locked: dict[str, Ran]) -> None:
    ran = locked["history"]
    assert ran.code in {1, 4}
    assert "locked" in ran.err


def test_other_state_folders_are_not_locked(locked: dict[str, Ran]) -> None:
    assert "no run was ever recorded" in locked["rollback --yes --state other"].err


def test_an_audit_during_an_apply_reads_and_is_recorded(delegation: Delegation, here: Path) -> None:
    """The lock of the one writer is no lock on the journal."""
    lock = sqlite3.connect(_made(here / ".delegation") / "lock", isolation_level=None)
    lock.execute("BEGIN EXCLUSIVE")
    try:
        assert delegation("audit").code == 3
        assert delegation("plan").code == 3
        assert "audit" in delegation("history").out
        busy = delegation("apply", "--yes")
        assert busy.code == 4
        assert "another apply or rollback" in busy.err
    finally:
        lock.close()
    assert delegation("apply", "--yes").code == 0


def _made(folder: Path) -> Path:
    folder.mkdir(mode=0o700)
    return folder


# Output


@pytest.mark.parametrize("command", ["plan -o", "audit --output"])
@pytest.mark.parametrize(
    "file", ["missing/out", ".", "inventory.yaml/out", "inventory.yaml", "directory.ldif"]
)
def test_output_that_cannot_be_written_is_2(
    delegation: Delegation, here: Path, command: str, file: str
) -> None:
    """Input is never written over."""
    before = tree(here)
    ran = delegation(*command.split(), file)
    assert ran.code == 2
    assert file in ran.err
    assert lost(before, here) == []


def test_output_over_the_journal_is_refused(delegation: Delegation, here: Path) -> None:
    delegation("apply", "--yes", "--limit", "hv01")
    before = tree(here)
    for command in (["plan", "-o"], ["audit", "--output"]):
        assert delegation(*command, ".delegation/journal.sqlite").code == 2
        assert (here / ".delegation" / "journal.sqlite").stat().st_mode & 0o777 == 0o600
    after = tree(here)
    undo = str(undo_file(here / ".delegation", 1).relative_to(here))
    assert after[undo] == before[undo]
    assert delegation("history").code == 0


def test_output_into_a_folder_that_takes_no_file_is_2(here: Path) -> None:
    place = here / "out"
    place.mkdir()
    place.chmod(0o555)
    for command in ("plan -o", "audit --output"):
        ran = spawned(*command.split(), "out/file", program=MORTALS_PROGRAM)
        assert ran.code == 2
        assert "out/file" in ran.err
    assert tree(place) == {}


def test_an_old_output_is_replaced_whole_or_not_at_all(delegation: Delegation, here: Path) -> None:
    (here / "plan.json").write_text("x" * 100_000, encoding="utf-8")
    assert delegation("plan", "-o", "plan.json", "--force").code == 3
    assert delegation("apply", "plan.json", "--yes").code == 0
    assert [path.name for path in here.iterdir() if path.name.startswith(".plan")] == []


def piped(command: str, tail: str) -> tuple[int, str]:
    """The program's own exit code, and its stderr, with its output piped into ``tail``."""
    line = (
        f'"{sys.executable}" -m delegation {command} | {tail} >/dev/null; exit ${{PIPESTATUS[0]}}'
    )
    done = subprocess.run(
        ["bash", "-c", line],
        env=environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    examined(Ran(done.returncode, "", done.stderr))
    return done.returncode, done.stderr


@pytest.mark.parametrize("command", ["plan -v", "audit --format json", "history"])
def test_a_reader_that_leaves_is_no_error_of_ours(
    delegation: Delegation, here: Path, command: str
) -> None:
    delegation("apply", "--yes", "--limit", "hv01")
    before = tree(here)
    code, err = piped(command, "true")
    assert code in {0, 1, 3}
    assert "BrokenPipe" not in err
    assert "error" not in err
    assert lost({k: v for k, v in before.items() if "journal" not in k}, here) == []


def test_a_reader_that_leaves_an_apply_leaves_it_whole(delegation: Delegation, here: Path) -> None:
    """Either nothing was written, or all of it, and the journal knows."""
    for tail in ("true", "head -1"):
        (here / "directory.ldif").write_bytes(plain())
        code, _ = piped("-v apply --yes", tail)
        runs = delegation("history", "--format", "json").json["runs"]
        now = held(here / "directory.ldif")
        if now == holdings(finished()):
            assert runs
            assert runs[-1]["status"] == "done"
        else:
            assert code != 0
            assert now == holdings(plain())
        assert not any(run["unsettled"] for run in runs)


def test_both_outputs_closed_is_no_half_apply(delegation: Delegation, here: Path) -> None:
    line = f'"{sys.executable}" -m delegation apply --yes 2>&1 | true; exit ${{PIPESTATUS[0]}}'
    subprocess.run(["bash", "-c", line], env=environment(), timeout=60, check=False)
    runs = delegation("history", "--format", "json").json["runs"]
    now = held(here / "directory.ldif")
    assert now in (holdings(plain()), holdings(finished()))
    assert bool(runs) is (now == holdings(finished()))
    assert not any(run["unsettled"] for run in runs)


@pytest.mark.parametrize("command", ["plan", "audit --format json"])
def test_a_full_disk_is_1_and_says_so(here: Path, command: str) -> None:
    line = f'exec "{sys.executable}" -m delegation {command} >/dev/full'
    ran = spawned(program=("bash", "-c", line))
    assert ran.code == 1
    assert "No space left on device" in ran.err


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", ">&- 2>&- <&-"])
def test_closed_streams_change_no_exit_code(here: Path, closed: str) -> None:
    for command, code in {"plan": 3, "audit": 3, "apply": 2, "apply --yes": 0, "demo": 0}.items():
        line = f'exec "{sys.executable}" -m delegation {command} {closed}'
        assert spawned(program=("bash", "-c", line)).code == code, command
    assert held(here / "directory.ldif") == holdings(finished())


def test_an_output_that_knows_no_unicode_gets_all(here: Path) -> None:
    """As in a cron job: what the output can't show is escaped."""
    edited(here / "directory.ldif", hv01=["cifs/\u6771"])
    ran = spawned("plan", changes={"PYTHONIOENCODING": "cp437"})
    assert "cifs/\\u6771" in ran.out
