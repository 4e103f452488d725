"""A check as a use case: the file alone where there is no directory, and no write anywhere."""

from pathlib import Path

from delegation.errors import ConnectionFailed, DelegationError
from delegation.mesh.preflight import PreflightWorld, check
from delegation.mesh.rights import RightsAnswer
from delegation.wiring import World
from tests.cli.world import MEMBER, UNCONSTRAINED, account, directory, plain
from tests.mesh.worlds import contents, world


class Nowhere(World):
    """DNS knows no domain controller."""

    def unlocated(self) -> DelegationError | None:
        return ConnectionFailed("DNS knows none", "name one", ["asked 10.0.0.1"])

    def reading(self) -> None:  # type: ignore[override]
        raise AssertionError("there is nothing to read")


def test_its_world_has_no_write() -> None:
    abilities = {name for name in dir(PreflightWorld) if not name.startswith("_")}
    remembering = {"records", "recorded_as"}
    assert abilities == {"inventory", "reading", "teller", "today", "unlocated"} | remembering


def test_what_an_apply_mends_is_no_problem(tmp_path: Path) -> None:
    where, heard = world(tmp_path, plain())
    before = contents(tmp_path)
    view = check(where)
    assert (view.was_read, view.has_high, view.found.findings) == (True, False, ())
    assert view.write.answer is RightsAnswer.UNKNOWN, "an export tells no rights"
    assert heard.events == []
    assert contents(tmp_path) == before


def test_what_is_dangerous_is(tmp_path: Path) -> None:
    records = [account("HV01", uac=MEMBER | UNCONSTRAINED), account("HV02"), account("HV03")]
    where, _ = world(tmp_path, directory(*records))
    view = check(where)
    assert view.has_high
    assert [finding.rule for finding in view.found.findings] == ["KCD005"]
    assert list(view.to_json())[-1] == "write"


def test_without_a_directory_the_file_alone_is_judged(tmp_path: Path) -> None:
    where, heard = world(tmp_path, plain(), kind=Nowhere)
    view = check(where)
    assert (view.was_read, view.has_high) == (False, False)
    assert heard.lines == [
        "no directory was looked at: DNS knows none",
        "  asked 10.0.0.1",
        "  name one",
    ]
    assert view.to_json()["dc"] is None
    assert view.write.to_json() == {"answer": "unknown", "evidence": [heard.lines[0]]}


def test_an_operator_is_looked_at(tmp_path: Path) -> None:
    where, _ = world(tmp_path, plain())
    view = check(where, ["joe"])
    assert [finding.value for finding in view.found.findings] == ["joe"]


def test_a_named_directory_is_not_looked_up_in_dns(tmp_path: Path) -> None:
    where, _ = world(tmp_path, plain())
    assert where.unlocated() is None
