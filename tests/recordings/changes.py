"""Plans of an export of a directory, and what is written to it, recorded and undone."""

import json

from tests.cli.program import sabotaged
from tests.cli.world import INVENTORY, ROOT, account, directory, edited, finished, forms, plain
from tests.recordings.desk import Desk, Story

PLANS = ROOT / "tests" / "cases" / "plans"


def three_hosts(desk: Desk) -> None:
    """An inventory of three hosts, and a directory in which they may delegate nothing yet."""
    desk.write("inventory.yaml", INVENTORY)
    desk.write("directory.ldif", plain())


def plan(desk: Desk) -> None:
    three_hosts(desk)
    desk("check")
    desk("check", "--format", "json")
    desk("plan")
    desk("plan", "-v")
    desk("plan", "--format", "json")
    desk("plan", "--limit", "hv[01-02]")
    desk("plan", "--limit", "hv09")
    desk("plan", "--limit", "hv[")
    desk("plan", "-o", "plan.json")
    desk("plan", "show", "plan.json")
    desk.shows("plan.json")
    desk("plan", "-o", "inventory.yaml")
    desk("plan", "-o", "nowhere/plan.json")
    desk("--directory", "ldif:other.ldif", "plan")
    desk("--directory", "http://dc1", "plan")
    desk.write("directory.ldif", b"this is no LDIF\n")
    desk("plan")
    desk.write("directory.ldif", finished())
    desk("plan")


def apply(desk: Desk) -> None:
    three_hosts(desk)
    desk("apply")
    desk("apply", "--yes", "--expect", "sha256:0000")
    desk("apply", "--yes", "--expect", f"sha256:{'0' * 64}")
    desk("apply", "--yes", "--limit", "hv01", "--ticket", "CHG-1")
    desk("plan", "-o", "plan.json")
    digest = json.loads(desk.read("plan.json"))["digest"]
    desk("apply", "plan.json", "--limit", "hv02", "--yes")
    desk("apply", "plan.json", "--ticket", "CHG-2", "--yes")
    desk.shows("directory.ldif")
    desk("apply", "plan.json", "--yes")
    desk("apply", "--yes", "--expect", digest)
    desk("apply", "--yes")
    desk("apply", "nowhere.json", "--yes")
    desk.write("broken.json", "{")
    desk("apply", "broken.json", "--yes")
    desk("history")
    desk("history", "--format", "json")
    desk("history", "2")
    desk("history", "2", "-v")
    desk("history", "2", "--format", "json")
    desk("history", "9")


def rollback(desk: Desk) -> None:
    three_hosts(desk)
    desk("rollback", "--yes")
    desk("apply", "--yes")
    desk("rollback")
    desk("rollback", "9", "--yes")
    desk.note("somebody takes a value from hv01, and gives it another")
    edited(desk.folder / "directory.ldif", hv01=[*forms("hv02"), "cifs/nas01"])
    desk("rollback", "--yes")
    desk.note("its owner takes it away")
    edited(desk.folder / "directory.ldif", hv01=[])
    desk("apply", "--yes")
    desk.note("somebody takes a value from hv01, and an apply repairs it")
    edited(desk.folder / "directory.ldif", hv01=forms("hv02"))
    desk("apply", "--yes")
    desk("rollback", "3", "--yes")
    desk("rollback", "3", "--yes", "-v")
    desk("rollback", "4", "--yes", "--ticket", "CHG-3")
    desk("apply", "--yes")
    desk.note("the inventory is lost")
    (desk.folder / "inventory.yaml").unlink()
    desk("rollback", "6", "--yes")
    desk("rollback", "3", "--yes")
    desk("rollback", "3", "--yes")
    desk("rollback", "--yes")
    desk("history")
    for run in range(1, 9):
        desk("history", str(run), "-v")
    desk.shows("directory.ldif")


def cases(desk: Desk) -> None:
    """The cases of plans, several of them refused, and how an apply ends in each."""
    for case in sorted(PLANS.iterdir()):
        desk.note(case.name)
        desk.write("inventory.yaml", (case / "inventory.yaml").read_bytes())
        desk.write("directory.ldif", (case / "directory.ldif").read_bytes())
        place = ("--directory", "ldif:directory.ldif", "--state", case.name)
        desk(*place, "check")
        desk(*place, "plan", "-v")
        desk(*place, "apply", "--yes")
        desk(*place, "apply", "--yes", "--allow", "removals", "--allow", "flag-change")
        desk(*place, "audit")
        desk(*place, "rollback", "--yes")


def answers(desk: Desk) -> None:
    """Somebody is at a terminal, and is asked."""
    three_hosts(desk)
    desk.answered("n", "apply")
    desk.answered("", "apply")
    desk.answered("y", "apply")
    desk.answered("no", "rollback")
    desk.answered("yes", "rollback")
    desk("history")


def unsettled(desk: Desk) -> None:
    """The program dies while it writes; what follows finds out what became of that."""
    three_hosts(desk)
    dies = "os.kill(os.getpid(), 9)\n"
    before = sabotaged(dies)
    after = sabotaged(f"list(super().write(changes))\n{dies}")
    for program in (before, after):
        desk.killed(program, "apply", "--yes", "--limit", "hv01")
        desk("history")
        desk("history", "1")
        desk("plan")
        desk("apply", "--yes", "--limit", "hv[01-02]")
        desk("history")
        desk("rollback", "--yes")
    desk.killed(after, "apply", "--yes")
    desk("rollback", "--yes")
    desk("history")


def in_doubt(desk: Desk) -> None:
    """A killed apply, and somebody else's change after it, of which nobody can tell afterwards."""
    three_hosts(desk)
    after = sabotaged("list(super().write(changes))\nos.kill(os.getpid(), 9)\n")
    desk.killed(after, "apply", "--yes")
    export = desk.folder / "directory.ldif"
    made = desk.read("directory.ldif")
    desk.note("a colleague takes one value from hv01, all towards hv03 from hv02; hv03 is deleted")
    [deleted] = [record for record in made.split("\n\n") if "CN=HV03" in record]
    desk.write("directory.ldif", made.replace(f"{deleted}\n\n", ""))
    edited(
        export,
        hv01=[value for value in forms("hv02", "hv03") if value != "cifs/hv02"],
        hv02=[*forms("hv01")],
    )
    desk("audit")
    desk("rollback", "--yes")
    desk("history")
    desk("history", "1")
    desk("history", "1", "--format", "json")
    desk("report", "markdown", "1")
    desk("rollback", "1", "--yes", "--on", "dc2")
    desk("settle", "1", "--host", "hv[01-02]", "--as", "made")
    desk("settle", "1", "--host", "hv09", "--as", "made")
    desk("settle", "1", "--host", "hv01", "--as", "made", "--yes")
    desk.answered("n", "settle", "1", "--host", "hv[02-03]", "--as", "made")
    desk("settle", "1", "--host", "hv02", "--as", "made", "--yes", "--ticket", "CHG-5")
    desk("rollback", "--yes")
    desk("rollback", "--yes")
    desk.note("hv03 is restored")
    desk.write("directory.ldif", desk.read("directory.ldif") + f"\n{deleted}\n")
    desk("rollback", "--yes")
    desk("settle", "1", "--host", "hv03", "--as", "not-made", "--yes")
    desk("history")
    desk("history", "1")
    desk("history", "3")
    desk("history", "3", "--format", "json")
    desk("report", "markdown", "3")
    desk.shows("directory.ldif")


def missing_accounts(desk: Desk) -> None:
    three_hosts(desk)
    desk.write(
        "directory.ldif",
        directory(account("HV01"), account("HV02"), account("HV02", unit="Other")),
    )
    for words in ("check", "plan", "plan --limit hv01", "apply --yes", "audit"):
        desk(*words.split())


STORIES: dict[str, Story] = {
    "plan": plan,
    "apply": apply,
    "rollback": rollback,
    "answers": answers,
    "unsettled": unsettled,
    "in-doubt": in_doubt,
    "plan-cases": cases,
    "accounts-missing": missing_accounts,
}
