"""Whose Samba a lab runs: the host's own, or that of a Debian 13 unpacked below ``.lab``.

A hardened DC needs Samba 4.21 or newer. Where the host's is older, the lab's Samba programs run in
a Debian 13 that ``./scripts/lab packages`` unpacks, in a mount namespace of their own: nothing
stays mounted when they end. In it, the lab's folder lies where it lies outside.
"""

from __future__ import annotations

import re
import subprocess
from functools import cache
from pathlib import Path

from tests.lab.description import Lab, LabError

UNPACKED = Path(__file__).parents[2] / ".lab" / "trixie"
"""One for all labs of a checkout."""
STAMP = "unpacked"
"""The file in it that is written last."""
HARDENED = (4, 21)
"""The first Samba that a hardened lab takes for its DC."""

ENTER = """\
root=$1 folder=$2
shift 2
if [ -n "$root" ]; then
    mount --rbind /dev "$root/dev"
    mount --rbind /proc "$root/proc"
fi
while [ "$1" != -- ]; do
    if [ -n "$root" ]; then
        mkdir -p "$root$1"
        mount --bind "$1" "$root$1"
    fi
    shift
done
shift
if [ -e "$folder/resolv.conf" ]; then
    mount --bind "$folder/resolv.conf" "$root/etc/resolv.conf"
fi
exec chroot "${root:-/}" sh -c 'cd "$0" && exec "$@"' "$folder" "$@"
"""
"""Mounts what a command is to see, in a namespace that is its own already, and becomes it."""


def root(lab: Lab) -> Path | None:
    """Give the folder in which the lab's Samba is installed; None if it is the host's.

    Raises:
        LabError: there is no Samba that can be a hardened DC.
    """
    if not lab.hardened:
        return None
    if (UNPACKED / STAMP).exists():
        return UNPACKED
    if host_version() >= HARDENED:
        return None
    raise LabError(
        "the hardened lab needs Samba {}.{} or newer: `./scripts/lab packages`, as root, "
        "unpacks Debian 13's".format(*HARDENED)
    )


def inside(lab: Lab, command: list[str], *folders: Path) -> list[str]:
    """Give the command that runs one of Samba's programs.

    It sees ``folders`` as well as the lab's, and asks the DNS servers of the lab's ``resolv.conf``
    where there is one.
    """
    system = root(lab)
    if system is None and not resolver(lab).exists():
        return command
    seen = [str(folder) for folder in (lab.folder, *folders)]
    enter = ["unshare", "--mount", "--propagation", "private", "sh", "-ec", ENTER, "sh"]
    return [*enter, str(system or ""), str(lab.folder), *seen, "--", *command]


def resolver(lab: Lab) -> Path:
    """Give the file that names other DNS servers than the host's, for Samba's programs only."""
    return lab.folder / "resolv.conf"


def stands(lab: Lab) -> frozenset[str]:
    """Give the paths by which the kernel tells of a process that stands in the lab's folder."""
    system = UNPACKED if lab.hardened else Path("/")
    return frozenset({str(lab.folder), str(system / lab.folder.relative_to("/"))})


@cache
def host_version() -> tuple[int, int]:
    """Give the version of the host's Samba; 0.0 where there is none."""
    try:
        text = subprocess.run(["samba", "--version"], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return 0, 0
    found = re.search(r"(\d+)\.(\d+)", text.stdout)
    return (int(found[1]), int(found[2])) if found else (0, 0)
