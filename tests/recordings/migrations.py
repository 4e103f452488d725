"""Migrations up to the first move, on hosts that are a file (``tests.cli.migrate_program``)."""

import json

from tests.cli.test_migrate_plan import GB, INVENTORY, LIST, vm
from tests.cli.world import ROOT, finished
from tests.recordings.desk import Desk, Story

PROGRAM = "tests.cli.migrate_program"
CASES = ROOT / "tests" / "cases" / "moves"
HOSTS = {
    "hv01": {"machines": [vm("web01"), vm("web02"), vm("dc1", memory=4 * GB)]},
    "hv02": {"machines": [vm("dc2")]},
    "hv03": {},
}


def three_hosts(desk: Desk) -> None:
    desk.write("inventory.yaml", INVENTORY)
    desk.write("directory.ldif", finished())
    desk.write("moves.yaml", LIST)
    desk.write("machines.json", json.dumps(HOSTS))


def typed(desk: Desk, *lines: str) -> None:
    for line in lines:
        desk.program(PROGRAM, "migrate", *line.split())


def plans(desk: Desk) -> None:
    three_hosts(desk)
    typed(
        desk,
        "plan moves.yaml",
        "plan moves.yaml --format json",
        "plan --drain hv01",
        "plan --drain hv01 --format json",
        "plan --drain hv01 -o drain.yaml",
        "plan --drain hv01 -o drain.csv",
        "plan --drain hv[01-03]",
        "plan --drain hv09",
        "plan --drain hv03",
        "plan",
        "plan nowhere.yaml",
    )
    desk.shows("drain.yaml")
    typed(
        desk,
        "plan drain.yaml",
        "drain hv01",
        "drain hv01 -o again.yaml",
        f"drain hv01 --yes --expect sha256:{'0' * 64}",
        "run moves.yaml",
        f"run moves.yaml --yes --expect sha256:{'0' * 64}",
        "run moves.yaml --yes",
        "status",
        "resume",
        "abort",
        "watch hv09",
    )


def lists(desk: Desk) -> None:
    """Lists of moves that are wrong, or have little to do."""
    three_hosts(desk)
    for path in sorted(CASES.iterdir()):
        if not path.name.endswith(".txt"):
            desk.write(path.name, path.read_bytes())
            typed(desk, f"plan {path.name}")
    for text in (
        "moves: [{vm: dc2, target: hv02}]",
        "moves: [{vm: nobody, target: hv02}]",
        "moves: [{vm: dc1, target: hv02}]",
        "moves: []",
    ):
        desk.write("moves.yaml", text)
        typed(desk, "plan moves.yaml", "run moves.yaml --yes")


def trouble(desk: Desk) -> None:
    three_hosts(desk)
    hosts = {
        "hv01": {
            "machines": [vm("web01"), vm("web02", activity="migrating"), vm("sql", checkpoints=2)]
        },
        "hv02": {"disk": 3 * GB, "machines": [vm("web01")]},
        "hv03": {"trouble": "no answer"},
    }
    desk.write("machines.json", json.dumps(hosts))
    typed(desk, "plan moves.yaml", "plan --drain hv01", "drain hv02 --yes", "run moves.yaml --yes")


STORIES: dict[str, Story] = {
    "migrate-plan": plans,
    "migrate-lists": lists,
    "migrate-trouble": trouble,
}
