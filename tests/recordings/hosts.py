"""The hosts' own settings, on hosts that are a file (``tests.cli.hosts_program``)."""

import json
import sys

from tests.cli.farm import Farm
from tests.recordings.desk import Desk, Story

PROGRAM = "tests.cli.hosts_program"


def farm(desk: Desk) -> Farm:
    """Three hosts as Windows is installed, in the folder of the desk."""
    made = Farm.made_in(desk.folder / "farm")
    desk.folder = made.folder
    return made


def settings(desk: Desk) -> None:
    hosts = farm(desk)
    for words in (
        "show",
        "show hv[01-02] --format json",
        "show hv09",
        "plan",
        "plan -v --limit hv01",
        "plan --format json",
        "plan -o settings.json",
        "apply",
    ):
        desk.program(PROGRAM, "hosts", *words.split())
    desk.shows("settings.json")
    digest = json.loads(desk.read("settings.json"))["digest"]
    for words in (
        f"apply --yes --expect sha256:{'0' * 64}",
        f"apply --yes --expect {digest} --limit hv01",
        "apply settings.json --yes --ticket CHG-1",
        "apply --yes",
        "plan",
        "rollback",
    ):
        desk.program(PROGRAM, "hosts", *words.split())
    hosts.has("hv02", migrations=9)
    desk.note("somebody sets hv02 to 9 migrations at once")
    desk.program(PROGRAM, "hosts", "rollback", "--yes")
    hosts.has("hv02", migrations=4)
    desk.program(PROGRAM, "hosts", "rollback", "--yes", "--ticket", "CHG-2")
    for words in ("rollback 1 --yes", "hosts rollback --yes", "history", "history 1"):
        desk.program(PROGRAM, *words.split())
    desk.program(PROGRAM, "history", "1", "--format", "json")
    for kind in ("html", "markdown", "json", "csv"):
        desk.program(PROGRAM, "report", kind, "1")


def answers(desk: Desk) -> None:
    farm(desk)
    program = (sys.executable, "-m", PROGRAM)
    desk.answered("n", "hosts", "apply", program=program)
    desk.answered("y", "hosts", "apply", program=program)
    desk.answered("n", "hosts", "rollback", program=program)


def trouble(desk: Desk) -> None:
    hosts = farm(desk)
    hosts.trouble("hv01", open="down")
    hosts.trouble("hv02", migrations="failed", any_network="lost")
    hosts.clustered("hv03")
    for words in ("hosts show", "hosts plan", "hosts apply --yes", "history", "history 1"):
        desk.program(PROGRAM, *words.split())
    hosts.trouble("hv01", open="refused")
    desk.program(PROGRAM, "hosts", "rollback", "--yes")
    desk.note("the program is killed on its way")
    hosts.trouble("hv01", migrations="dies")
    desk.program(PROGRAM, "hosts", "apply", "--yes", "--limit", "hv01")
    hosts.trouble("hv01")
    for words in ("history", "hosts plan --limit hv01", "hosts apply --yes --limit hv01"):
        desk.program(PROGRAM, *words.split())
    desk.note("some minutes later")
    hosts.later(150)
    desk.program(PROGRAM, "hosts", "apply", "--yes", "--limit", "hv01")
    desk.program(PROGRAM, "history")


def in_doubt(desk: Desk) -> None:
    """An answer is lost, and somebody sets the same to something else."""
    hosts = farm(desk)
    hosts.trouble("hv02", migrations="lost")
    desk.program(PROGRAM, "hosts", "apply", "--yes", "--limit", "hv02")
    hosts.trouble("hv02")
    hosts.has("hv02", migrations=9)
    for words in (
        "hosts rollback --yes",
        "history",
        "history 1",
        "report markdown 1",
        "settle 1 --host hv02 --as made --yes",
        "hosts settle 1 --host hv01 --as made --yes",
        "hosts settle 1 --host hv02 --as made",
        "hosts settle 1 --host hv02 --as not-made --yes",
        "hosts settle 1 --host hv02 --as not-made --yes",
        "hosts rollback --yes",
        "hosts rollback --yes",
        "history",
        "history 2",
    ):
        desk.program(PROGRAM, *words.split())


def not_before_the_mesh(desk: Desk) -> None:
    """Kerberos is refused where delegation is missing, unless it is allowed."""
    hosts = farm(desk)
    text = desk.read("directory.ldif").replace("cifs/hv02.corp.example", "cifs/other")
    desk.write("directory.ldif", text)
    hosts.has("hv01", enabled=True)
    for words in ("hosts plan", "hosts apply --yes"):
        desk.program(PROGRAM, *words.split())
    desk.program(PROGRAM, "hosts", "apply", "--yes", "--allow", "kerberos-before-mesh")


def probe(desk: Desk) -> None:
    """Two hosts asked over CIM; what comes of it goes into a file."""
    hosts = farm(desk)
    for words in (
        "probe hv01 hv02",
        "probe hv01 HV01$",
        "probe hv01 hv09",
        "probe hv01 hv02 -o inventory.yaml",
        "probe hv01 hv02 -o nowhere/probe.json",
    ):
        desk.program(PROGRAM, "hosts", *words.split())
    desk.shows("probe.json")
    hosts.gives_no_rights("hv01")
    hosts.called("hv02", "hv77")
    hosts.trouble("hv03", open="down")
    for words in ("probe hv01 hv02 -o told.json", "probe hv03 hv01 -o lost.json"):
        desk.program(PROGRAM, "hosts", *words.split())
    desk.shows("lost.json")


STORIES: dict[str, Story] = {
    "hosts": settings,
    "hosts-answers": answers,
    "hosts-trouble": trouble,
    "hosts-in-doubt": in_doubt,
    "hosts-before-the-mesh": not_before_the_mesh,
    "hosts-probe": probe,
}
