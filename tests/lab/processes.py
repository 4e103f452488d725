"""Which processes are a lab's: those that stand in its folders. Never taken from a pid file.

Samba and a lab's hosts fork, rewrite their command lines and start sessions of their own, but none
leaves the folder that it was started in.
"""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Container, Iterable
from contextlib import suppress
from pathlib import Path

from tests.lab.description import LabError


def standing(folders: Container[str]) -> dict[int, str]:
    """Give the living processes that stand in one of some folders, with their program's name."""
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (program := program_in(entry, folders)):
            found[int(entry.name)] = program
    return found


def program_in(process: Path, folders: Container[str]) -> str:
    """Give the program of an entry of /proc that lives and stands in one; else nothing."""
    try:
        program = (process / "exe").readlink()
        stands_in = (process / "cwd").readlink()
        state = state_of(process)
    except OSError:
        # It ended while we looked, is a zombie or a thread of the kernel, or is another user's.
        return ""
    # The kernel marks a program that was upgraded, and a folder that was removed, under it.
    here = str(stands_in).removesuffix(" (deleted)") in folders and state not in "ZX"
    return program.name.removesuffix(" (deleted)") if here else ""


def state_of(process: Path) -> str:
    """Give the letter for what an entry of /proc is doing."""
    return (process / "stat").read_text().rpartition(")")[2].split()[0]


def tell(pid: int, which: signal.Signals) -> None:
    """Signal a process, which may have ended since."""
    with suppress(ProcessLookupError):
        os.kill(pid, which)


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
