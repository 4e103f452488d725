"""The Hyper-V hosts of one lab: start them, end them, kill them, have them as new."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path

from tests.lab import certificates, dc, programs
from tests.lab.description import Lab, LabError
from tests.lab.hosts import control, ports, processes
from tests.lab.hosts.host_wording import HostWording
from tests.lab.hosts.labhost import LabHost
from tests.lab.procfs import tell

PORTS = (ports.SMB, ports.HTTP, ports.HTTPS, ports.MIGRATION)
START_SECONDS = 60.0
STOP_SECONDS = 20.0


class HostLab:
    """Some hosts of a lab whose DC runs; their folders are below ``hosts`` in the lab's."""

    wording = HostWording.ENGLISH

    def __init__(self, lab: Lab, names: Sequence[str]) -> None:
        if lab.hardened:
            raise LabError("lab hosts are members of a lab whose DC is this system's Samba")
        self.lab, self.names = lab, tuple(names)

    def host(self, name: str) -> LabHost:
        """Give one host, for a look and a hand beside the wire."""
        if name not in self.names:
            raise LabError(f"{name} is none of {', '.join(self.names)}")
        return LabHost(self.lab, name)

    def chosen(self, names: Sequence[str]) -> list[LabHost]:
        """Give some hosts; no names are all of them."""
        return [self.host(name) for name in names or self.names]

    def start(self, *names: str) -> None:
        """Start hosts as they were left, and wait until they are up; harmless if they run.

        Raises:
            LabError: one does not come up; the message ends with the end of its log.
        """
        new = [host for host in self.chosen(names) if not host.running()]
        for host in new:
            certificates.issue_host(self.lab, host.name)
            refuse_strangers(host)
            launch(host)
        for host in self.chosen(names):
            up = dc.until(partial(settled, host), START_SECONDS)
            if not up or not host.running():
                raise LabError(f"the lab host {host.name} does not come up:\n{host.log()}")

    def stop(self, *names: str) -> None:
        """End hosts in order: what moves is rolled back."""
        hosts = self.chosen(names)
        for host in hosts:
            if (pid := processes.host(host.folder)) is not None:
                host.thaw()
                tell(pid, signal.SIGTERM)
        for host in hosts:
            dc.until(partial(gone, host), STOP_SECONDS)
        self.kill(*names)

    def kill(self, *names: str) -> None:
        """Let hosts die at once, as in a power cut, with all that they serve."""
        for host in self.chosen(names):
            if not processes.end(host.folder):
                raise LabError(f"the processes of {host.name} do not die")

    def ready(self, *names: str) -> None:
        """Set all that migrations need of hosts: enabled, Kerberos, any network."""
        for host in self.chosen(names):
            host.ready()

    def speak(self, wording: HostWording) -> None:
        """Let all hosts say what goes wrong like this, until they are reset."""
        self.wording = wording
        for host in self.chosen(()):
            host.set(language=wording.language, numbers=wording.numbers)

    def reset(self, *names: str) -> None:
        """Have hosts as new and running, whatever was done to them."""
        hosts = self.chosen(names)
        if hosts:
            with ThreadPoolExecutor(len(hosts)) as pool:
                renewed = list(pool.map(self.renew, hosts))
            down = [host.name for host, up in zip(hosts, renewed, strict=True) if not up]
            if down:
                self.start(*down)

    def renew(self, host: LabHost) -> bool:
        """Let a host be as new: by itself, or, where it is down then, by what is left of it."""
        if (pid := processes.host(host.folder)) is not None:
            if processes.frozen(pid):
                host.thaw()
            with suppress(LabError):
                if control.ask(host.folder, "reset"):
                    return True
        self.kill(host.name)
        host.store.renew()
        host.volume.clear()
        return False

    def remove(self) -> None:
        """Kill the hosts and remove their folders."""
        self.kill()
        for host in self.chosen(()):
            shutil.rmtree(host.folder)


def is_up(host: LabHost) -> bool:
    """Tell whether a host answers."""
    return control.ask(host.folder, "ping")


def settled(host: LabHost) -> bool:
    """Tell whether a host is up, or will not be."""
    return is_up(host) or gone(host)


def gone(host: LabHost) -> bool:
    """Tell whether a host's process has ended."""
    return not host.running()


def launch(host: LabHost) -> None:
    """Start a host's process as nobody's child: it outlives us, and leaves us no zombie.

    It is noted before it becomes Python: what runs is known at once.
    """
    top = Path(__file__).parents[3]
    noted = ["setsid", "--fork", "sh", "-c", f'echo $$ > {processes.NOTE} && exec "$0" "$@"']
    command = [*noted, sys.executable, "-P", "-m", "tests.lab.hosts"]
    with (host.folder / "host.log").open("wb") as log:
        subprocess.run(
            [*command, str(host.lab.folder), host.name],
            cwd=host.folder,
            env=programs.environment(host.lab) | {"PYTHONPATH": str(top)},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            check=True,
        )
    dc.until(host.running, STOP_SECONDS)


def refuse_strangers(host: LabHost) -> None:
    """Raise LabError if somebody else listens where the host will."""
    processes.end(host.folder)
    if taken := dc.taken_port(host.address, PORTS):
        port, error = taken
        raise LabError(
            f"{host.address}:{port}, of lab host {host.name}, is taken ({error.strerror})"
        ) from error
