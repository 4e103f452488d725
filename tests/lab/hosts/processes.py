"""Which processes are a host's: those that stand in its folder, and all that smbd forked.

A host's Python, its smbd and what holds that stand in the folder; smbd's children wander with the
share they serve, but live in a PID namespace of their own, in which smbd is the first process: they
end with it.
"""

from __future__ import annotations

import os
import signal
import socket
from pathlib import Path

from tests.lab import dc
from tests.lab.procfs import program_in, standing, state_of, tell

PYTHON, SMBD = "python", "smbd"
NOTE = "pid"
"""The file in which a host's process is noted when it is started."""
PATIENCE = 5.0


def host(folder: Path) -> int | None:
    """Give the host's own process: the one that is noted, if it stands here."""
    note = folder / NOTE
    pid = note.read_text().strip() if note.exists() else ""
    if pid.isdecimal() and program_in(Path("/proc", pid), {str(folder)}).startswith(PYTHON):
        return int(pid)
    return None


def frozen(pid: int) -> bool:
    """Tell whether a process is stopped by a signal."""
    try:
        return state_of(Path("/proc", str(pid))) == "T"
    except OSError:
        return False


def everything(folder: Path) -> list[int]:
    """List all processes of a host: what stands there, and what lives in smbd's namespace."""
    found = standing({str(folder)})
    spaces = {space(pid) for pid, program in found.items() if program == SMBD}
    spaces -= {"", space(os.getpid())}
    others = [
        int(entry.name)
        for entry in Path("/proc").iterdir()
        if spaces and entry.name.isdigit() and space(int(entry.name)) in spaces
    ]
    return sorted({*found, *others})


def space(pid: int) -> str:
    """Give the PID namespace of a process; nothing where it is gone."""
    try:
        return str(Path(f"/proc/{pid}/ns/pid").readlink())
    except OSError:
        return ""


def end(folder: Path) -> bool:
    """Kill a host's processes at once; True when none is left."""

    def ended() -> bool:
        left = standing({str(folder)})
        for pid in left:
            tell(pid, signal.SIGKILL)
        return not left

    return dc.until(ended, PATIENCE)


def listens(address: str, port: int, own_address: str = "") -> bool:
    """Tell whether somebody takes connections there, from an address of one's own."""
    with socket.socket() as probe:
        probe.settimeout(PATIENCE)
        probe.bind((own_address, 0))
        return probe.connect_ex((address, port)) == 0
