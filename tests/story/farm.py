"""Hosts that machines are moved between: what is asked for, and what has to hold afterwards."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace

from delegation.changes.journal import Journal
from delegation.migrations.lifecycle import Migration
from delegation.migrations.record import recorded
from delegation.wiring import KINDS
from tests.lab import dc
from tests.lab.description import OPERATOR
from tests.lab.hosts import HostLab
from tests.lab.hosts.host_wording import HostWording
from tests.lab.hosts.state import MIB, HostState
from tests.story import verdicts
from tests.story.workstation import Answer, Running, Workstation

INVENTORY = """\
remoting: {user: vmadmin}
hosts: {'hv[01-04]': }
"""
SECONDS = 180.0
SLOW = 256 * 1024
"""Bytes a second of each migration: one of a MiB is under way for some seconds."""


@dataclass
class Farm:
    """Hosts in a mesh, and who moves machines between them."""

    desk: Workstation
    hosts: HostLab
    files: dict[str, list[str]] = field(default_factory=dict)
    """The digests of every machine's disks, by its name."""
    staged: dict[str, list[str]] = field(default_factory=dict)
    """Machines of which somebody else has staged one on a host, by its label."""

    @property
    def wording(self) -> HostWording:
        """How its hosts say what goes wrong."""
        return self.hosts.wording

    @classmethod
    def ready(cls, desk: Workstation, hosts: HostLab) -> Farm:
        """All that migrations need is set, and the mesh is applied."""
        desk.inventory(INVENTORY, dns_servers=f"[{desk.lab.address}]")
        for name in hosts.names:
            hosts.host(name).ready()
        applied = desk.run("apply", "--yes")
        assert applied.code == 0, applied.text
        own = {
            "KRB5_CONFIG": str(desk.lab.krb5_conf),
            "KRB5CCNAME": f"FILE:{desk.folder / 'nobody'}",
            "DELEGATION_HOSTS_PASSWORD": desk.lab.accounts[OPERATOR],
        }
        return cls(replace(desk, variables=own), hosts)

    # What is there

    def add(self, host: str, *names: str, size: int = MIB) -> None:
        """Add machines, each a little smaller than the one before: so they are started in turn."""
        for number, name in enumerate(names):
            self.hosts.host(host).add_vm(name, disk_bytes=size - 4096 * number)
            self.files[name] = self._digests(host, name)

    def stage(self, source: str, name: str, target: str) -> None:
        """Somebody else stages a machine of that host on another one."""
        machine = self.hosts.host(source).vms()[name]
        with self.hosts.host(target).store.change() as state:
            state.planned.append(machine)
        self.staged.setdefault(target, []).append(name)

    def slow(self, *labels: str, speed: int = SLOW) -> None:
        """Let migrations from these hosts take their time."""
        for label in labels or self.hosts.names:
            self.hosts.host(label).speed(speed)

    def hurry(self) -> None:
        """What had to be seen under way has been: let the rest go as fast as it can."""
        self.slow(speed=HostState().speed)

    def where(self) -> dict[str, str]:
        """The one host of each machine; fails where one is on none or on several."""
        found: dict[str, str] = {}
        for label in self.hosts.names:
            for name in self.hosts.host(label).vms():
                assert name not in found, f"{name} is on {found[name]} and on {label}"
                found[name] = label
        assert found.keys() == self.files.keys(), "machines are lost"
        return found

    def _digests(self, host: str, name: str) -> list[str]:
        found = self.hosts.host(host)
        files = found.disk_files()
        return sorted(files[disk] for disk in found.vms()[name].disks)

    def check(self) -> None:
        """Every machine is on one host with its own files, and nothing else is anywhere.

        And what is on record of runs is so, and says no more than the hosts told.
        """
        for name, label in self.where().items():
            assert self._digests(label, name) == self.files[name], name
        for label in self.hosts.names:
            host = self.hosts.host(label)
            own = {disk.casefold() for machine in host.vms().values() for disk in machine.disks}
            assert {path.casefold() for path in host.disk_files()} == own, label
            assert (host.shares(), host.staging()) == ([], []), label
            assert (host.state.outgoing, host.state.incoming) == ([], []), label
            planned = [one.name for one in host.state.planned]
            assert planned == self.staged.get(label, []), label
        self._check_record()

    def _check_record(self) -> None:
        if not self.desk.state.exists():
            return
        with closing(Journal.readable(self.desk.state, KINDS)) as journal:
            runs = [run.id for run in journal.runs() if run.kind == "migrate"]
            newest: dict[str, Migration] = {}
            for run in runs:
                newest |= {move.name: move for move in recorded.migrations(journal, run)}
                verdicts.check_causes(recorded.steps(journal, run), self.wording)
        verdicts.check_places(newest, self.where())

    def copying(self, source: str) -> list[str]:
        """The machines that the host is in the middle of sending."""
        state = self.hosts.host(source).state
        names = {one.id: one.name for one in state.present()}
        return [names[one.machine_id] for one in state.outgoing if one.copied > 0]

    def stays(self, **where: str) -> dict[str, str]:
        """Machines that stay there after trouble that passes, where no number says that it does."""
        return {} if self.wording.numbers else where

    # What is asked for

    def moves(self, targets: Mapping[str, str]) -> str:
        """Write a list; its name."""
        lines = [f"  - {{vm: {name}, target: {target}}}\n" for name, target in targets.items()]
        (self.desk.folder / "moves.yaml").write_text("moves:\n" + "".join(lines))
        return "moves.yaml"

    def run(self, *words: str) -> Answer:
        return self.desk.run("migrate", *words)

    def start(self, *words: str) -> Running:
        return self.desk.start("migrate", *words)

    def record(self, run: int = 2) -> dict[str, Migration]:
        """The queue, as it is on record now. The first run is the apply."""
        with closing(Journal.readable(self.desk.state, KINDS)) as journal:
            return {move.name: move for move in recorded.migrations(journal, run)}

    def states(self, run: int = 2) -> dict[str, str]:
        return {name: str(move.state) for name, move in self.record(run).items()}

    def starts(self, run: int = 2) -> list[recorded.RecordedStep]:
        with closing(Journal.readable(self.desk.state, KINDS)) as journal:
            return [one for one in recorded.steps(journal, run) if one.step == "intended"]


def wait(condition: Callable[[], object], seconds: float = SECONDS) -> None:
    assert dc.until(lambda: bool(condition()), seconds), "it does not come"
