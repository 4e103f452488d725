"""What ``migrate watch`` makes of what a target tells; the target itself is in tests/story."""

import json
from dataclasses import replace

import pytest

from delegation.cli.migrate import traffic
from delegation.cli.options import Options
from delegation.migrations.smb.target_view import TargetView, growth_rates, news_of_looks
from delegation.migrations.smb.traffic import MigrationShare, OpenFile, SmbSession, Traffic

GB = 1 << 30
SHARE = MigrationShare("HV01.7$", "HV01", "C:\\$VSM$\\HV01.7$")
SESSION = SmbSession("10.0.0.1", "vmadmin", 75, 2, 1)
QUIET = Traffic(sessions=(SESSION,))


def disk(size: int | None, name: str = "web01.vhdx") -> OpenFile:
    return OpenFile(f"{SHARE.path}\\{name}", "vmadmin", size)


BUSY = Traffic((SHARE,), (SESSION, SESSION), (disk(3 * GB),), ("nothing",))


def test_the_data_of_a_look() -> None:
    data = TargetView("hv02", BUSY).to_json()
    assert data["host"] == "hv02"
    assert data["shares"] == [{"name": "HV01.7$", "source": "HV01", "path": SHARE.path}]
    assert data["sessions"][0]["opens"] == 1
    assert data["files"] == [{"path": disk(0).path, "user": "vmadmin", "bytes": 3 * GB}]
    assert json.loads(json.dumps(data)) == data


def test_what_may_be_our_own_session_is_marked(capsys: pytest.CaptureFixture[str]) -> None:
    seen = Traffic(sessions=(replace(SESSION, perhaps_ours=True), SESSION))
    traffic.show(TargetView("hv02", seen), Options())
    assert "vmadmin (perhaps this look)" in capsys.readouterr().out
    assert list(news_of_looks([(0.0, seen)])) == [
        "sessions of vmadmin (perhaps this look) from 10.0.0.1: 1",
        "sessions of vmadmin from 10.0.0.1: 1",
    ]
    assert [one["perhaps_this_look"] for one in TargetView("hv02", seen).to_json()["sessions"]] == [
        True,
        False,
    ]


def test_one_look_in_tables(capsys: pytest.CaptureFixture[str]) -> None:
    traffic.show(TargetView("hv02", BUSY), Options())
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["HV01.7$", "HV01", SHARE.path] in rows
    assert ["10.0.0.1", "vmadmin", "1", "min", "15", "s", "2", "s", "1"] in rows
    assert [disk(0).path, "vmadmin", "3.0", "GB"] in rows
    assert ["not", "told:", "nothing"] in rows
    traffic.show(TargetView("hv02", Traffic()), Options())
    assert "no share" in capsys.readouterr().out


def test_what_grows_has_a_rate() -> None:
    before = (10.0, Traffic(files=(disk(GB), disk(5, "new.vhdx"), disk(None, "x.vhdx"))))
    after = (12.0, Traffic(files=(disk(3 * GB), disk(4, "new.vhdx"), disk(9, "x.vhdx"))))
    assert growth_rates(before, after) == {disk(0).path: GB, disk(0, "new.vhdx").path: 0.0}
    assert growth_rates(after, after) == {}


def test_only_changes_are_told() -> None:
    grown = Traffic((SHARE,), (SESSION, SESSION), (disk(4 * GB),))
    looks: list[Traffic | str] = [
        QUIET,
        QUIET,
        BUSY,
        BUSY,
        grown,
        "no answer",
        "no answer",
        grown,
        QUIET,
    ]
    told = list(news_of_looks((float(n), look) for n, look in enumerate(looks)))
    file = disk(0).path
    assert told == [
        "sessions of vmadmin from 10.0.0.1: 1",
        "share HV01.7$ of HV01",
        "sessions of vmadmin from 10.0.0.1: 2",
        f"file {file}: 3.0 GB",
        "not told: nothing",
        f"file {file}: 4.0 GB",
        "not told: nothing: gone",
        "no answer",
        "it answers again",
        "sessions of vmadmin from 10.0.0.1: 1",
        "share HV01.7$ of HV01: gone",
        f"file {file}: gone",
    ]


def test_on_a_terminal_each_look_takes_the_place_of_the_one_before(
    capsys: pytest.CaptureFixture[str],
) -> None:
    nasty = OpenFile("C:\\x\x1b[31m\u202e.vhdx", "[bold]vm", 7)
    looks: list[tuple[float, Traffic | str]] = [
        (0.0, QUIET),
        (1.0, "no answer"),
        (2.0, BUSY),
        (3.0, Traffic(files=(nasty,))),
    ]
    traffic.live("hv02", iter(looks), colours=False)
    shown = capsys.readouterr().out
    assert "C:\\x\\x1b[31m\\u202e.vhdx" in shown
    assert "[bold]vm" in shown
