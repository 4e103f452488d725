"""Run programs against a lab: with its Kerberos configuration and its CA, and nobody else's."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from tests.lab import systems
from tests.lab.configuration import state
from tests.lab.description import Lab, LabError

SECONDS = 300.0
"""So late a program has surely hung, on however busy a machine."""
PACKAGES = Path(__file__).with_name("packages.txt")


def run(
    lab: Lab, command: list[str], text: str = "", **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run a command with ``text`` as its input and ``variables`` in its environment.

    Raises:
        LabError: it is not installed, or hangs.
    """
    try:
        return subprocess.run(
            command,
            cwd=lab.folder,
            input=text,
            env=environment(lab) | variables,
            capture_output=True,
            text=True,
            check=False,
            timeout=SECONDS,
        )
    except FileNotFoundError as error:
        if not lab.folder.exists():
            raise LabError(f"{lab.folder} does not exist: start the lab first") from error
        raise LabError(
            f"{command[0]} is not installed; the lab's packages are in {PACKAGES}, "
            "`./scripts/lab packages` installs them"
        ) from error
    except subprocess.TimeoutExpired as error:
        raise LabError(f"{command[0]} hangs; {log_tail(lab)}") from error


def run_samba(
    lab: Lab, command: list[str], text: str = "", *folders: Path
) -> subprocess.CompletedProcess[str]:
    """Run one of Samba's programs, of the Samba that is this lab's; raises as ``run`` does.

    It sees the lab's folder, and ``folders``.
    """
    way = state(lab).parent
    # It may lead through a link elsewhere.
    links = () if way == lab.folder else (way.parent,)
    return run(lab, systems.inside(lab, command, *links, *folders), text)


def environment(lab: Lab) -> dict[str, str]:
    """Give the environment in which LDAP and Kerberos programs know this lab and speak English."""
    return {
        "PATH": f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/bin:/sbin:/bin",
        "LC_ALL": "C.UTF-8",
        "KRB5_CONFIG": str(lab.krb5_conf),
        "LDAPTLS_CACERT": str(lab.ca_file),
        "LDAPTLS_REQCERT": "demand",
    }


def log_tail(lab: Lab, lines: int = 30) -> str:
    """Give the end of the DC's log, for an error message."""
    if not lab.log.exists():
        return f"there is no {lab.log}"
    last = lab.log.read_text(errors="replace").splitlines()[-lines:]
    return "\n".join([f"the end of {lab.log}:", *last])
