"""The domain controller's processes: start them, wait until they answer, end them.

A process is the DC's if it runs Samba's program *and* stands in the lab's folder.
"""

from __future__ import annotations

import signal
import socket
import time
from collections.abc import Callable, Iterable
from enum import Enum

from tests.lab.configuration import configure
from tests.lab.description import Lab, LabError
from tests.lab.procfs import standing, tell
from tests.lab.programs import log_tail, run, run_samba
from tests.lab.systems import stands

PROGRAMS = ("samba", "winbindd")
PORTS = (53, 88, 135, 389, 636)
START_SECONDS = 30.0
STOP_SECONDS = 5.0


class Status(Enum):
    """What the lab's DC is doing."""

    RUNNING = "running"
    STOPPED = "stopped"
    BROKEN = "broken"
    """Processes are left, but they do not answer."""


def status(lab: Lab) -> Status:
    """Ask the DC itself."""
    if not processes(lab):
        return Status.STOPPED
    return Status.RUNNING if answers(lab) else Status.BROKEN


def launch(lab: Lab) -> None:
    """Start the DC and wait until LDAPS and KDC answer; harmless if it runs.

    Raises:
        LabError: it does not come up; the message ends with the tail of its log.
    """
    match status(lab):
        case Status.RUNNING:
            return
        case Status.BROKEN:
            end(lab, signal.SIGKILL)
        case Status.STOPPED:
            pass
    refuse_strangers(lab)
    # As a daemon it is nobody's child: it outlives us, and leaves us no zombie. Its workers are
    # there before a connection is, which would else wait for one to start and open the databases.
    command = ["samba", "--daemon", "--model=prefork", f"--configfile={configure(lab)}"]
    started = run_samba(lab, command)
    if not until(lambda: not processes(lab) or answers(lab), START_SECONDS) or not processes(lab):
        end(lab, signal.SIGKILL)
        raise LabError(f"the lab's DC does not come up: {started.stderr}{log_tail(lab)}")


def end(lab: Lab, how: signal.Signals) -> None:
    """Signal every process of the lab and wait until none is left; kill what ignores the signal.

    Raises:
        LabError: processes are left even so.
    """
    # Each time anew: a process may have forked while we looked.
    if until(lambda: not signalled(lab, how), STOP_SECONDS):
        return
    if not until(lambda: not signalled(lab, signal.SIGKILL), STOP_SECONDS):
        raise LabError(f"the DC of {lab.folder} does not die: processes {processes(lab)}")


def signalled(lab: Lab, how: signal.Signals) -> list[int]:
    """Signal the lab's processes, and list those that were left to signal."""
    left = processes(lab)
    for pid in left:
        tell(pid, how)
    return left


def processes(lab: Lab) -> list[int]:
    """List the lab's living processes."""
    return [pid for pid, program in standing(stands(lab)).items() if program in PROGRAMS]


PATIENCE = 5.0
"""Seconds that the sockets of a killed DC may take to go."""


def refuse_strangers(lab: Lab) -> None:
    """Raise LabError if a stranger listens where the DC will: his answers would pass for ours."""
    until(lambda: taken_port(lab.address, PORTS) is None, PATIENCE)
    if taken := taken_port(lab.address, PORTS):
        port, error = taken
        raise LabError(
            f"{lab.address}:{port} is taken by a process that is not this lab's "
            f"({error.strerror}); `ss -ltnp` shows which: end it, or use another lab"
        ) from error


def taken_port(address: str, ports: Iterable[int]) -> tuple[int, OSError] | None:
    """Give a port that somebody listens on, and what the system says of it.

    Raises:
        LabError: who runs the lab may listen on none of its ports.
    """
    for port in ports:
        with socket.socket() as probe:
            # The connections of a moment ago do not count.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((address, port))
            except PermissionError as error:
                raise LabError(f"port {port} needs root: run the lab as root") from error
            except OSError as error:
                return port, error
    return None


def answers(lab: Lab) -> bool:
    """Tell whether both LDAPS, with a certificate that verifies, and the KDC answer."""
    root = ["ldapsearch", "-x", "-H", lab.ldaps_url, "-s", "base", "-b", "", "-o", "nettimeout=5"]
    ticket = ["kinit", "-c", "MEMORY:", "-k", "-t", str(lab.keytab("hv01")), f"HV01$@{lab.realm}"]
    # Whatever a test did to HV01, a refusal is an answer too.
    return (
        run(lab, root).returncode == 0 and "Cannot contact any KDC" not in run(lab, ticket).stderr
    )


def until(condition: Callable[[], bool], seconds: float) -> bool:
    """Wait for a condition; False when it did not come true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True
