"""Which processes are a lab's: those that stand in its folders. Never taken from a pid file.

Samba and a lab's hosts fork, rewrite their command lines and start sessions of their own, but none
leaves the folder that it was started in.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Container
from contextlib import suppress
from pathlib import Path


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
