"""What is made to be kept: reports, exports, and the units of a scheduled audit."""

from tests.cli.world import INVENTORY, edited, forms
from tests.recordings.audits import risky
from tests.recordings.changes import three_hosts
from tests.recordings.desk import Desk, Story

KINDS = ("html", "markdown", "json", "csv")


def reports(kind: str) -> Story:
    def story(desk: Desk) -> None:
        three_hosts(desk)
        desk("report", kind)
        desk("report", kind, "plan", "-o", "plan.txt")
        desk.shows("plan.txt")
        desk("apply", "--yes", "--ticket", "CHG-1")
        edited(desk.folder / "directory.ldif", hv01=[*forms("hv02"), "cifs/nas01"])
        desk("report", kind, "audit", "--limit", "hv01")
        desk("report", kind, "1")
        desk("audit")
        desk("report", kind, "2", "-o", "run-2.txt")
        desk.shows("run-2.txt")
        desk.write("directory.ldif", risky())
        desk("report", kind, "audit", "--as", "boss")
        desk("report", kind, "9")
        desk("report", kind, "1", "--limit", "hv01")
        desk("report", kind, "-o", "directory.ldif")

    return story


def templates(desk: Desk) -> None:
    three_hosts(desk)
    desk.write(
        "ours.j2", "{{ inventory.domain }} has:\n{% for one in hosts %}{{ one }}\n{% endfor %}"
    )
    desk.write("wrong.j2", "{% for one in %}")
    for form in ("html", "markdown"):
        desk("report", form, "--template", "ours.j2")
        desk("report", form, "--template", "wrong.j2")
        desk("report", form, "--template", "nowhere.j2")
    desk("export", "ldif", "-o", "-", "--template", "wrong.j2")


def exports(kind: str) -> Story:
    suffix = {"ldif": ".ldif", "powershell": ".ps1"}[kind]

    def story(desk: Desk) -> None:
        three_hosts(desk)
        desk("export", kind)
        made = sorted(p.name for p in desk.folder.glob(f"plan-*{suffix}"))
        desk.shows(*made)
        desk("export", kind, "--limit", "hv01", "-o", f"change{suffix}")
        desk.shows(f"change{suffix}", f"change-undo{suffix}")
        desk("export", kind, "-o", "-", "--undo", f"undo{suffix}")
        desk("export", kind, "-o", "inventory.yaml")
        desk("export", kind, "--undo", "-")
        desk.write("directory.ldif", risky())
        desk("export", kind, "-o", "-")
        desk.write("inventory.yaml", f"{INVENTORY}policy: {{foreign: remove}}\n")
        desk("export", kind, "-o", "-")
        desk("export", kind, "-o", "-", "--allow", "removals", "--allow", "flag-change")

    return story


LDAPS = """\
domain: corp.example
directory: {url: 'ldaps://dc1.corp.example', ca_file: ca.pem, auth: simple, user: auditor}
hosts: {'hv[01-03]': }
"""


def schedules(desk: Desk) -> None:
    three_hosts(desk)
    there = ("--program", "/opt/delegation/bin/delegation", "--folder", "/srv/audit")
    windows = ("--program", r"C:\delegation\delegation.exe", "--folder", r"C:\audit")
    desk("schedule", "systemd", *there)
    desk("schedule", "systemd", *there, "--calendar", "Mon..Fri 06:00", "--user", "audit")
    desk("schedule", "cron", *there)
    desk("schedule", "cron", *there, "--at", "06:10", "--fail-on", "high", "--as", "vmadmin")
    desk("schedule", "task-scheduler", *windows)
    desk("schedule", "task-scheduler", *windows, "--user", "CORP\\svc$", "--at", "06:00")
    desk("schedule", "systemd", *there, "-o", "units", "--name", "nightly")
    (desk.folder / "units").mkdir(exist_ok=True)
    desk("schedule", "systemd", *there, "-o", "units", "--name", "nightly")
    for path in sorted((desk.folder / "units").iterdir()):
        desk.shows(f"units/{path.name}")
    desk("schedule", "task-scheduler", *windows, "-o", "audit.xml")
    desk.write("inventory.yaml", LDAPS)
    desk("schedule", "systemd", *there)
    desk("--password-file", "/etc/secret", "schedule", "systemd", *there)
    desk("--password-file", "/etc/secret", "schedule", "cron", *there)
    desk("schedule", "task-scheduler", *windows)
    desk("schedule", "cron", *there, "--calendar", "never")


STORIES: dict[str, Story] = {
    **{f"report-{kind}": reports(kind) for kind in KINDS},
    "report-templates": templates,
    "export-ldif": exports("ldif"),
    "export-powershell": exports("powershell"),
    "schedule": schedules,
}
