"""The same against the lab's domain controller over LDAPS, and on lab hosts with real WinRM."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from tests.cli.program import Ran
from tests.lab.description import OPERATOR, READER, WRITER
from tests.lab.hosts import HostLab
from tests.recordings.desk import VARIABLES, Desk
from tests.recordings.neutral import GAP
from tests.story.farm import Farm
from tests.story.workstation import Workstation

RANDOM = {
    r"\b127(\.\d+){2}(?=\.\d)": "<lab>",
    r"sha256:[0-9a-f]{64}": "sha256:<digest>",
    r"S-1-5-21(-[0-9]+){3}-": "S-1-5-21-<domain>-",
    r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}": "<guid>",
    r"\b\d+(\.\d+)? (s|min|ms)\b( \d+ s\b)?": "<duration>",
    r"(?<=\"seconds\": )[\d.]+": '"<seconds>"',
    r"(?<=\"(?:ends|took)\": )[\d.]+": '"<seconds>"',
}
"""What is made of dice and of the machine's speed: objects' GUIDs, and digests over them."""


@dataclass(frozen=True)
class LabDesk:
    """``typed("plan", "-v")`` types it at the workstation, and records what it gave."""

    workstation: Workstation
    record: Desk

    def __call__(self, *lines: str) -> None:
        for line in lines:
            answer = self.workstation.run(*line.split())
            ran = Ran(answer.code, answer.out, answer.err)
            self.record.typed("delegation", line.split(), ran)


def told(story: Callable[[LabDesk], None], workstation: Workstation) -> str:
    lab = workstation.lab
    own = {lab.ldaps_url: "ldaps://<dc>", lab.address: "<address>", str(lab.folder): "<lab>"}
    record = Desk(workstation.folder, own)
    variables = {**VARIABLES, **workstation.variables}
    story(LabDesk(replace(workstation, variables=variables), record))
    text = record.transcript
    for pattern, mark in RANDOM.items():
        text = re.sub(pattern, mark, text)
    return GAP.sub("  ", text)


def directory(typed: LabDesk) -> None:
    desk = typed.workstation
    desk.inventory("hosts: {'hv[01-03]': }")
    typed("check", "plan", "plan -v --limit hv01", "plan -o plan.json")
    digest = json.loads((desk.folder / "plan.json").read_text())["digest"]
    typed(
        f"apply --yes --expect {digest} --limit hv01",
        "apply plan.json --yes --ticket CHG-1",
        "apply --yes",
        "plan",
        "audit",
        "check --as vmadmin",
        "explain hv01 hv02 --as vmadmin",
        "report markdown",
        "export ldif",
        "rollback --yes --ticket CHG-2",
        "rollback --yes",
        "history",
        "history 1",
        "history 1 --format json",
        "history 2 -v",
        f"init --domain corp.example --auth simple --user {WRITER} --ca-file {desk.lab.ca_file}"
        " --all-hosts -o farm.yaml",
    )
    typed.record.shows("farm.yaml")
    desk.inventory("hosts: {'hv[01-02]': , nobody: }")
    typed("check", "plan", "audit")


def refused(typed: LabDesk) -> None:
    """An account that may only read, a wrong password, and a server that is not there."""
    desk = typed.workstation
    reader = replace(desk, account=READER)
    reader.inventory("hosts: {'hv[01-03]': }")
    LabDesk(reader, typed.record)("check", "plan", "apply --yes", "history")
    wrong = {**desk.variables, "DELEGATION_PASSWORD": "wrong"}
    LabDesk(replace(reader, variables=wrong), typed.record)("plan")
    desk.inventory("hosts: {'hv[01-03]': }", ca_file=str(desk.lab.other_ca_file))
    typed("plan")
    nowhere = f"ldaps://{desk.lab.address_at(250)}"
    LabDesk(replace(desk, url=nowhere), typed.record)("plan")


DIRECTORY: dict[str, Callable[[LabDesk], None]] = {
    "lab-directory": directory,
    "lab-refused": refused,
}


def on_hosts(workstation: Workstation, hosts: HostLab) -> str:
    """Settings and migrations of real hosts, one after another: so that there is one order."""
    farm = Farm.ready(replace(workstation, variables=VARIABLES), hosts)
    farm.add("hv01", "web01", "web02")

    def story(typed: LabDesk) -> None:
        typed("hosts show", "hosts plan", "explain hv01 hv02 --hosts --vm web01")
        farm.moves({"web01": "hv02"})
        typed(
            "migrate plan moves.yaml",
            "migrate plan --drain hv01",
            "migrate run moves.yaml --yes --ticket CHG-7",
            "migrate run moves.yaml --yes",
            "migrate drain hv02 --yes",
            "migrate status",
            "migrate resume",
            "migrate abort",
            "migrate watch hv02 --once",
            "migrate watch hv02 --format json",
            "history",
            "history 2",
            "report markdown 2",
        )
        declared = "defaults: {live_migration: {enabled: true, migrations: 3}}\n"
        farm.desk.inventory(
            f"remoting: {{user: {OPERATOR}}}\n{declared}hosts: {{'hv[01-02]': }}\n",
            dns_servers=f"[{farm.desk.lab.address}]",
        )
        typed("hosts plan", "hosts apply --yes", "hosts rollback --yes", "history 5")
        hosts.kill("hv02")
        typed("hosts show", "hosts plan", "migrate plan --drain hv01")

    return told(story, farm.desk)


ON_HOSTS = "lab-hosts"
NAMES = (*DIRECTORY, ON_HOSTS)
