import base64
import os
import stat
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from uuid import uuid4

import pytest

from delegation.changes.outcomes import Result
from delegation.changes.plan import Change, Target
from delegation.directory.offline import OfflineDirectory
from delegation.errors import ExportError
from delegation.mesh.snapshot import resolve
from delegation.mesh.state import Delegation, DelegationChange, DelegationOutcome
from tests.directory import text_editor
from tests.directory.contract import (
    ENABLED,
    TRANSITION,
    DirectoryContract,
    assert_refused,
    assert_same,
    change,
    one,
    write,
)
from tests.directory.text_editor import FileWorld

CASES = Path(__file__).parent.parent / "cases" / "ldif"
SAMPLES = sorted(CASES.iterdir())
STYLES = {
    "ldapsearch": text_editor.LDAPSEARCH,
    "ldapsearch-LLL": text_editor.LDAPSEARCH_LLL,
    "ldifde": text_editor.LDIFDE,
    "ldifde-u": text_editor.LDIFDE_U,
    "utf-8-mark": text_editor.NOTEPAD,
    "utf-16-be": text_editor.BIG_ENDIAN,
}


class TestOffline(DirectoryContract):
    @pytest.fixture(params=STYLES)
    def world(self, request: pytest.FixtureRequest, tmp_path: Path) -> FileWorld:
        return FileWorld(tmp_path / "export.ldif", STYLES[request.param])


@pytest.fixture
def world(tmp_path: Path) -> FileWorld:
    return FileWorld(tmp_path / "export.ldif", text_editor.LDAPSEARCH_LLL)


class TestStricterThanSamba:
    def test_a_value_is_there_in_any_case(self, world: FileWorld) -> None:
        world.create("ct01", values=["CIFS/CT02"])
        asked = change(one(world, "ct01"), add=["cifs/ct02"])
        assert_refused(write(world, asked)[0], 20, "attributeOrValueExists")
        assert_same(world.look("ct01"), ["CIFS/CT02"])

    def test_a_value_is_deleted_in_any_case(self, world: FileWorld) -> None:
        world.create("ct01", values=["cifs/ct02"])
        asked = change(one(world, "ct01"), remove=["cifs/ct02"])
        world.remove("ct01", "cifs/ct02")
        world.add("ct01", "CIFS/CT02")
        assert write(world, asked)[0].result is Result.APPLIED
        assert_same(world.look("ct01"), [])

    def test_one_of_two_twins_can_be_deleted(self, world: FileWorld) -> None:
        world.create("ct01", values=["CIFS/CT02", "cifs/ct02"])
        asked = change(one(world, "ct01"), remove=["cifs/ct02"])
        assert write(world, asked)[0].result is Result.APPLIED
        assert_same(world.look("ct01"), ["CIFS/CT02"])

    def test_two_added_values_may_not_be_twins(self, world: FileWorld) -> None:
        world.create("ct01")
        asked = change(one(world, "ct01"), add=["cifs/ct02", "CIFS/ct02"])
        assert_refused(write(world, asked)[0], 20, "attributeOrValueExists")

    def test_the_old_flags_are_asked_even_where_the_new_ones_are_there(
        self, world: FileWorld
    ) -> None:
        world.create("ct01")
        asked = change(one(world, "ct01"), uac=TRANSITION)
        world.set_uac("ct01", TRANSITION)
        assert_refused(write(world, asked)[0], 16, "noSuchAttribute")

    def test_more_values_than_an_object_takes(self, world: FileWorld) -> None:
        values = [f"cifs/ct{number:04}" for number in range(1200)]
        world.create("ct01", values=values[:-1])
        world.create("ct02")
        full = change(one(world, "ct01"), add=["cifs/other", "cifs/another"])
        fits = change(one(world, "ct02"), add=values)
        refused, made = write(world, full, fits)
        assert (refused.result, refused.stops) == (Result.FAILED, False)
        assert "adminLimitExceeded (11)" in refused.reason
        assert_same(world.look("ct01"), values[:-1])
        assert made.result is Result.APPLIED

    def test_too_many_values_may_become_fewer(self, world: FileWorld) -> None:
        values = [f"cifs/ct{number:04}" for number in range(1300)]
        world.create("ct01", values=values)
        asked = change(one(world, "ct01"), remove=values[:10])
        assert write(world, asked)[0].result is Result.APPLIED


class TestBatch:
    def test_two_changes_of_one_object_follow_each_other(self, world: FileWorld) -> None:
        world.create("ct01")
        first = change(one(world, "ct01"), add=["cifs/ct02"], uac=TRANSITION)
        second = Change(first.target, first.after, Delegation(("cifs/ct03",), TRANSITION))
        third = Change(first.target, first.before, first.after)
        results = [outcome.result for outcome in write(world, first, second, third)]
        assert results == [Result.APPLIED, Result.APPLIED, Result.REFUSED]
        assert_same(world.look("ct01"), ["cifs/ct03"], TRANSITION)

    def test_the_file_is_replaced_once(self, world: FileWorld) -> None:
        for name in ("ct01", "ct02"):
            world.create(name)
        before = world.path.stat().st_ino
        changes = [change(one(world, name), add=["cifs/ct09"]) for name in ("ct01", "ct02")]
        outcomes = world.writer.write(changes)
        assert next(outcomes).result is Result.APPLIED
        after = world.path.stat().st_ino
        assert before != after
        assert next(outcomes).result is Result.APPLIED
        assert world.path.stat().st_ino == after

    def test_nothing_to_write_leaves_the_file_alone(self, world: FileWorld) -> None:
        world.create("ct01")
        before = world.path.stat()
        computer = one(world, "ct01")
        gone = Change(
            Target("ct77", "CN=ct77", uuid4()), Delegation((), ENABLED), Delegation((), ENABLED)
        )
        results = [outcome.result for outcome in write(world, change(computer), gone)]
        assert results == [Result.APPLIED, Result.REFUSED]
        assert world.path.stat() == before

    def test_a_file_that_is_gone_fails_all_of_them(self, world: FileWorld) -> None:
        world.create("ct01")
        asked = change(one(world, "ct01"), add=["cifs/ct02"])
        world.path.unlink()
        (outcome,) = write(world, asked)
        assert (outcome.result, outcome.stops) == (Result.FAILED, True)
        assert "export.ldif" in outcome.reason

    def test_a_file_that_broke_fails_all_of_them(self, world: FileWorld) -> None:
        world.create("ct01")
        asked = change(one(world, "ct01"), add=["cifs/ct02"])
        world.path.write_bytes(world.path.read_bytes()[:-20])
        (outcome,) = write(world, asked)
        assert (outcome.result, outcome.stops) == (Result.FAILED, True)

    def test_no_room_on_the_disk_leaves_the_file_as_it_was(self, world: FileWorld) -> None:
        world.create("ct01")
        before = world.path.read_bytes()
        script = """
import resource, sys
from delegation.directory.offline import OfflineDirectory
from delegation.changes.plan import Change, Target
from delegation.mesh.state import Delegation
edge = OfflineDirectory(sys.argv[1], "corp.example")
(c,) = (c for c in edge.find(["ct01"]) if c.name == "ct01")
resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
old = Delegation.of(c)
change = Change(Target(c.name, c.dn, c.guid), old, Delegation(("cifs/ct02",), c.uac))
print([(o.result.value, o.stops, "nothing was written" in o.reason) for o in edge.write([change])])
"""
        run = subprocess.run(
            [sys.executable, "-c", script, str(world.path)],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "PYTHONPATH": str(Path.cwd())},
        )
        assert run.stdout == "[('failed', True, True)]\n"
        assert world.path.read_bytes() == before
        assert list(world.path.parent.iterdir()) == [world.path]


class TestFile:
    def test_a_link_stays_and_its_file_is_changed(self, world: FileWorld) -> None:
        world.create("ct01")
        link = world.path.with_name("link.ldif")
        link.symlink_to(world.path.name)
        edge = OfflineDirectory(link, "corp.example")
        asked = change(one(world, "ct01"), add=["cifs/ct02"])
        assert [outcome.result for outcome in edge.write([asked])] == [Result.APPLIED]
        assert link.is_symlink()
        assert_same(world.look("ct01"), ["cifs/ct02"])

    def test_permissions_stay(self, world: FileWorld) -> None:
        world.create("ct01")
        world.path.chmod(0o640)
        assert write(world, change(one(world, "ct01"), add=["cifs/ct02"]))[0].reason == ""
        assert stat.S_IMODE(world.path.stat().st_mode) == 0o640

    def test_it_names_itself(self, world: FileWorld) -> None:
        directory = world.writer.directory
        assert directory.url == f"ldif:{world.path}"
        assert (directory.domain, directory.base_dn) == ("corp.example", "DC=corp,DC=example")
        assert directory.dc == "export.ldif"

    @pytest.mark.parametrize("name", ["nowhere.ldif", ".", "nul\0byte"])
    def test_what_is_no_file(self, tmp_path: Path, name: str) -> None:
        with pytest.raises(ExportError) as refused:
            OfflineDirectory(tmp_path / name, "corp.example").find([])
        assert str(tmp_path) in refused.value.what
        assert refused.value.fix

    def test_an_export_of_another_domain(self, world: FileWorld) -> None:
        with pytest.raises(ExportError, match=r"none of its 1 objects .* corp\.test"):
            OfflineDirectory(world.path, "corp.test").find([])

    def test_a_record_in_another_domain_is_found_there(self, world: FileWorld) -> None:
        world.create("ct01")
        text = world.path.read_text()
        world.path.write_text(text.replace("CN=ct01,OU=Hyper-V,", "CN=ct01,DC=emea,"))
        edge = world.writer
        snapshot = resolve(edge.directory, ["ct01"], edge.find(["ct01"]))
        assert snapshot.elsewhere == {"ct01": "CN=ct01,DC=emea,DC=corp,DC=example"}

    def test_users_who_hold_a_managed_name_come_along(self, world: FileWorld) -> None:
        user = "dn: CN=svc,DC=corp,DC=example\nobjectClass: user\nsAMAccountName: svc\n"
        text = world.path.read_text()
        world.path.write_text(
            f"{text}{user}userAccountControl: 512\nservicePrincipalName: CIFS/ct02\n"
        )
        assert [computer.name for computer in world.writer.find([])] == ["DC1", "svc"]

    def test_a_user_is_not_found_by_a_computers_name(self, world: FileWorld) -> None:
        world.create("ct01", spns=["cifs/ct02"])
        text = world.path.read_text()
        user = "sAMAccountName: CT02\nuserAccountControl: 512\nservicePrincipalName: cifs/x\n"
        world.path.write_text(f"{text}dn: CN=u,DC=corp,DC=example\n{user}")
        edge = world.writer
        snapshot = resolve(edge.directory, ["ct02"], edge.find(["ct02"]))
        assert snapshot.missing == ("ct02",)
        assert [a.account for a in snapshot.holders("cifs/X")] == ["CT02"]

    def test_other_users_need_not_be_whole(self, world: FileWorld) -> None:
        text = world.path.read_text()
        world.path.write_text(f"{text}dn: CN=u,DC=corp,DC=example\nsAMAccountName: u\n")
        assert [computer.name for computer in world.writer.find(["u"])] == ["DC1"]

    def test_deleted_objects_are_passed_over(self, world: FileWorld) -> None:
        world.create("ct01")
        text = world.path.read_text()
        account = "sAMAccountName: ct01$"
        world.path.write_text(text.replace(account, f"isDeleted: TRUE\n{account}"))
        assert [computer.name for computer in world.writer.find(["ct01"])] == ["DC1"]


def broken(world: FileWorld, old: str, new: str) -> str:
    world.create("ct01", values=["cifs/ct02"])
    text = world.path.read_text()
    assert old in text
    world.path.write_text(text.replace(old, new))
    with pytest.raises(ExportError) as refused:
        world.writer.find(["ct01"])
    assert refused.value.what.startswith(f"{world.path}:")
    assert refused.value.fix
    return refused.value.what.removeprefix(f"{world.path}:")


class TestUntrustworthy:
    @pytest.mark.parametrize(
        ("old", "new", "said"),
        [
            ("Control: 4096\n", "Control: many\n", "11: CN=ct01,"),
            ("userAccountControl: 4096\n", "", "11: CN=ct01,"),
            ("sAMAccountName: ct01$\n", "", "11: CN=ct01,"),
            ("DelegateTo: cifs", "DelegateTo;range=0-1499: cifs", "only a part"),
            ("sAMAccountName: ct01$\n", "sAMAccountName: ct01$\nsAMAccountName: x$\n", "2 values"),
            ("DelegateTo: cifs/ct02", "DelegateTo:: /w==", "not UTF-8"),
            ("objectGUID:: ", "objectGUID:: AAAA", "objectGUID"),
            ("CN=ct01,OU=Hyper-V", "cn=DC1, OU=hyper-v", "11: cn=DC1, OU=hyper-v"),
        ],
    )
    def test_a_record(self, world: FileWorld, old: str, new: str, said: str) -> None:
        assert said in broken(world, old, new)

    def test_two_objects_with_one_guid(self, world: FileWorld) -> None:
        world.create("ct01")
        first, second = (
            next(line for line in record if "GUID" in line) for record in world.records()
        )
        assert "11: CN=ct01" in broken(world, second, first)

    @pytest.mark.parametrize(
        "tail", ["dn: CN=a,DC=b\n", "dn: CN=a,DC=b\ncn: a\n", "dn: CN=a,DC=b\nobjectClass: user\n"]
    )
    def test_a_last_record_that_is_not_whole(self, world: FileWorld, tail: str) -> None:
        world.path.write_text(world.path.read_text() + tail)
        with pytest.raises(ExportError, match="cut off"):
            world.writer.find([])
        world.path.write_text(world.path.read_text() + "\n")
        assert world.writer.find([])

    def test_without_guids_the_name_is_the_identity(self, world: FileWorld) -> None:
        world.create("ct01")
        lines = [line for line in world.path.read_text().splitlines() if "GUID" not in line]
        world.path.write_text("\n".join(lines) + "\n\n")
        guid = one(world, "ct01").guid
        world.path.write_text(world.path.read_text().replace("OU=Hyper-V", "ou=HYPER-v"))
        assert one(world, "ct01").guid == guid
        assert write(world, change(one(world, "ct01"), add=["cifs/ct02"]))[0].reason == ""


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.name)
class TestSamples:
    def edge(self, sample: Path, folder: Path) -> OfflineDirectory:
        copy = folder / sample.name
        copy.write_bytes(sample.read_bytes())
        return OfflineDirectory(copy, "corp.example")

    def test_all_exporters_tell_the_same(self, sample: Path, tmp_path: Path) -> None:
        computers = self.edge(sample, tmp_path).find([])
        first = self.edge(SAMPLES[0], tmp_path).find([])
        assert computers == first
        assert [computer.name for computer in computers] == ["DC1", "HV01", "HV02", "HV03"]
        assert [len(computer.values) for computer in computers] == [0, 8, 9, 0]

    def swapped(self, edge: OfflineDirectory) -> list[DelegationChange]:
        """Takes every second value out, puts others in, and flips the flag."""
        return [
            change(
                computer,
                remove=computer.values[::2],
                add=[
                    f"Microsoft Virtual System Migration Service/hv{number}{domain}"
                    for number in range(10, 14)
                    for domain in ("", ".corp.example")
                ],
                uac=computer.uac ^ 0x1000000,
            )
            for computer in edge.find([])
        ]

    def test_a_change_and_its_reverse_give_the_same_bytes(
        self, sample: Path, tmp_path: Path
    ) -> None:
        edge = self.edge(sample, tmp_path)
        changes = self.swapped(edge)
        assert all_applied(edge.write(changes))
        changed = (tmp_path / sample.name).read_bytes()
        assert changed != sample.read_bytes()
        after = {computer.guid: computer for computer in edge.find([])}
        for asked in changes:
            assert after[asked.target.guid].values == asked.after.values
            assert after[asked.target.guid].uac == asked.after.uac
        assert all_applied(edge.write([asked.reversed() for asked in changes]))
        assert (tmp_path / sample.name).read_bytes() == sample.read_bytes()

    def test_only_lines_that_changed_change(self, sample: Path, tmp_path: Path) -> None:
        edge = self.edge(sample, tmp_path)
        changes = self.swapped(edge)
        assert all_applied(edge.write(changes))
        untouched = [
            line
            for line in sample.read_bytes().splitlines()
            if b"elegat" not in line.replace(b"\0", b"")
            and b"AccountControl" not in line.replace(b"\0", b"")
            and b"Migration" not in line.replace(b"\0", b"")
        ]
        changed = iter((tmp_path / sample.name).read_bytes().splitlines())
        assert all(line in changed for line in untouched)

    def test_emptied_and_filled_again(self, sample: Path, tmp_path: Path) -> None:
        edge = self.edge(sample, tmp_path)
        (hv02,) = (computer for computer in edge.find([]) if computer.name == "HV02")
        asked = change(hv02, remove=hv02.values)
        assert all_applied(edge.write([asked]))
        assert b"HTTP/portal" not in (tmp_path / sample.name).read_bytes().replace(b"\0", b"")
        assert all_applied(edge.write([asked.reversed()]))
        assert (tmp_path / sample.name).read_bytes() == sample.read_bytes()

    def test_where_it_is_cut_off_nothing_else_is_read(self, sample: Path, tmp_path: Path) -> None:
        """Cut anywhere, a file is refused, or each account in it is as it was, but for the last.

        Its last values are what a cut between two lines can hide: a limit of the format.
        """
        raw = sample.read_bytes()
        whole = {computer.guid: computer for computer in self.edge(sample, tmp_path).find([])}
        cut = tmp_path / "cut.ldif"
        step = 2 if sample.name == "ldifde-u.ldf" else 1
        refused = 0
        for length in range(0, len(raw), step):
            cut.write_bytes(raw[:length])
            try:
                seen = OfflineDirectory(cut, "corp.example").find([])
            except ExportError:
                refused += 1
                continue
            assert [c.guid for c in seen] == list(whole)[: len(seen)]
            assert all(c == whole[c.guid] for c in seen[:-1])
            if seen:
                original = whole[seen[-1].guid]
                assert (seen[-1].dn, seen[-1].uac) == (original.dn, original.uac)
                assert seen[-1].values == original.values[: len(seen[-1].values)]
        assert refused > 0.95 * len(raw) / step


def all_applied(outcomes: Iterable[DelegationOutcome]) -> bool:
    return {outcome.result for outcome in outcomes} == {Result.APPLIED}


def test_a_value_in_needless_base64_comes_back_as_text(world: FileWorld) -> None:
    """A limit: nothing remembers how a line was written once it is gone."""
    world.create("ct01", values=["cifs/ct02", "cifs/ct03"])
    text = world.path.read_text()
    odd = f"DelegateTo:: {base64.b64encode(b'cifs/ct03').decode()}"
    world.path.write_text(text.replace("DelegateTo: cifs/ct03", odd))
    asked = change(one(world, "ct01"), remove=["cifs/ct03"])
    assert all_applied(world.writer.write([asked]))
    assert all_applied(world.writer.write([asked.reversed()]))
    assert world.path.read_text() == text


class TestInspecting:
    """What an export tells about people and rights: little, and it says so."""

    def test_computers_by_pattern(self, world: FileWorld) -> None:
        for name in ("HV01", "HV02", "DB[1"):
            world.create(name)
        assert {c.name for c in world.writer.computers("hv*")} == {"HV01", "HV02"}
        assert {c.name for c in world.writer.computers("db[*")} == {"DB[1"}
        assert {c.name for c in world.writer.computers("hv?1")} == set()

    def test_the_holder_of_a_name(self, world: FileWorld) -> None:
        world.create("DB1", spns=["MSSQLSvc/db1"])
        assert "DB1" in {c.name for c in world.writer.find([], ["mssqlsvc/DB1"])}
        assert "DB1" not in {c.name for c in world.writer.find([], ["mssqlsvc/db2"])}

    def test_what_only_a_domain_controller_tells(self, world: FileWorld) -> None:
        world.create("HV01")
        hv01 = one(world, "HV01")
        assert world.writer.people("hv01$") == [hv01]
        assert world.writer.people("vmadmin") == []
        assert world.writer.token(hv01) is None
        assert world.writer.own_token() is None
        assert world.writer.writable([hv01.guid]) is None
