"""Which processes are a host's: those that stand in its folder, and all that smbd forked.

Never taken from a pid file. A host's Python, its smbd and what holds that stand in the folder;
smbd's children wander with the share they serve, but live in a PID namespace of their own, in
which smbd is the first process: they end with it.
"""

from __future__ import annotations

import os
import signal
import socket
import time
from contextlib import suppress
from pathlib import Path

PYTHON, SMBD, HOLDER = "python", "smbd", "unshare"
NOTE = "pid"
"""The file in which a host notes its process."""
PATIENCE = 5.0


def standing(folder: Path) -> dict[int, str]:
    """Give the living processes that stand in a folder, by number, with their program's name."""
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (program := program_in(entry, folder)):
            found[int(entry.name)] = program
    return found


def program_in(process: Path, folder: Path) -> str:
    """Give the program of an entry of /proc that lives and stands in a folder; else nothing."""
    try:
        program = (process / "exe").readlink()
        stands_in = (process / "cwd").readlink()
        state = (process / "stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        # It ended while we looked, is a zombie or a thread of the kernel, or is another user's.
        return ""
    here = str(stands_in).removesuffix(" (deleted)") == str(folder) and state not in "ZX"
    return program.name.removesuffix(" (deleted)") if here else ""


def frozen(pid: int) -> bool:
    """Tell whether a process is stopped by a signal."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"
    except OSError:
        return False


def host(folder: Path) -> int | None:
    """Give the host's own process.

    Its own note is where to look first; it is believed only if the process stands in the folder.
    """
    note = folder / NOTE
    hint = note.read_text() if note.exists() else ""
    if hint.isdecimal() and program_in(Path("/proc", hint), folder).startswith(PYTHON):
        return int(hint)
    found = standing(folder).items()
    return next((pid for pid, program in found if program.startswith(PYTHON)), None)


def everything(folder: Path) -> list[int]:
    """List all processes of a host: what stands there, and what lives in smbd's namespace."""
    found = standing(folder)
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


def tell(pid: int, which: signal.Signals) -> None:
    """Signal a process, which may have ended since."""
    with suppress(ProcessLookupError):
        os.kill(pid, which)


def end(folder: Path, *programs: str) -> bool:
    """Kill a host's processes at once, or those of some programs; True when none is left."""
    deadline = time.monotonic() + PATIENCE
    while True:
        left = [
            pid
            for pid, program in standing(folder).items()
            if not programs or program.startswith(programs)
        ]
        for pid in left:
            tell(pid, signal.SIGKILL)
        if not left or time.monotonic() > deadline:
            return not left
        time.sleep(0.01)


def listens(address: str, port: int, own_address: str = "") -> bool:
    """Tell whether somebody takes connections there, from an address of one's own."""
    with socket.socket() as probe:
        probe.settimeout(PATIENCE)
        probe.bind((own_address, 0))
        return probe.connect_ex((address, port)) == 0
