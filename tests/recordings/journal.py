"""A journal that 0.1.0 wrote (``journal_0_1``): it is read, shown, reported and undone."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from tests.cli.farm import Farm
from tests.recordings.desk import Desk, Story
from tests.recordings.hosts import PROGRAM

LEFT = Path(__file__).with_name("journal_0_1")
RUNS = tuple(map(str, range(1, 10)))
MIGRATIONS = ("8", "9")


def unpacked(desk: Desk) -> None:
    """The folder as it was left, as if it had always been where the desk is."""
    for path in LEFT.iterdir():
        if path.is_file():
            desk.write(path.name, path.read_bytes())
    state = desk.folder / ".delegation"
    shutil.copytree(LEFT / "state", state)
    with closing(sqlite3.connect(state / "journal.sqlite")) as db, db:
        for column in ("directory", "connection"):
            db.execute(
                f"UPDATE runs SET {column} = replace({column}, '/recorded', ?)",  # noqa: S608
                (str(desk.folder.resolve()),),
            )


def history(desk: Desk) -> None:
    unpacked(desk)
    desk("history")
    desk("history", "--format", "json")
    for run in RUNS:
        desk("history", run, "-v")
    for run in RUNS:
        desk("history", run, "--format", "json")
    desk("history", "10")
    desk.note("without the inventory")
    (desk.folder / "inventory.yaml").unlink()
    desk("history")


def reports(desk: Desk) -> None:
    unpacked(desk)
    for run in RUNS:
        desk("report", "markdown", run)
    for run in ("3", "4", "6", *MIGRATIONS):
        for kind in ("html", "json", "csv"):
            desk("report", kind, run)


def undone(desk: Desk) -> None:
    """What can be undone of it is; what can't be says why."""
    unpacked(desk)
    for words in ("plan", "audit --new-only", "rollback 2 --yes", "rollback 4 --yes"):
        desk(*words.split())
    for words in ("rollback --yes", "rollback 1 --yes", "rollback 8 --yes", "history"):
        desk(*words.split())
    desk("history", "11", "-v")
    for words in ("plan", "rollback --yes"):
        desk.program(PROGRAM, "hosts", *words.split())
    desk.note("some minutes later")
    hosts = Farm(desk.folder)
    hosts.later(150)
    for words in ("rollback --yes", "rollback --yes"):
        desk.program(PROGRAM, "hosts", *words.split())
    desk.note("what was set since is set back by hand")
    hosts.has("hv01", migrations=4, any_network=False)
    hosts.has("hv02", migrations=4)
    for words in ("rollback", "rollback --yes", "rollback --yes"):
        desk.program(PROGRAM, "hosts", *words.split())
    desk("history")
    for run in ("4", "7"):
        desk("history", run)
    desk.shows("directory.ldif")


def migrations(desk: Desk) -> None:
    unpacked(desk)
    for run in MIGRATIONS:
        for form in ("text", "json", "markdown"):
            desk("migrate", "status", run, "--format", form)
    desk("migrate", "status")
    desk("migrate", "status", "1")
    desk("migrate", "abort", "web03")
    desk("migrate", "abort", "web77")
    desk("migrate", "abort", "web06")
    desk("migrate", "status")
    desk("migrate", "abort")
    desk("migrate", "status")
    desk("migrate", "resume", "8")
    desk("migrate", "resume", "3")
    desk("history", "9")


STORIES: dict[str, Story] = {
    "journal-history": history,
    "journal-reports": reports,
    "journal-undone": undone,
    "journal-migrations": migrations,
}
