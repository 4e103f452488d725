"""Talk to a host's process beside the wire, on the socket in its folder."""

from __future__ import annotations

import json
import socket
from pathlib import Path

from tests.lab.description import LabError
from tests.lab.hosts import processes

SECONDS = 30.0


def ask(folder: Path, request: str) -> bool:
    """Have a request carried out; False where no process is up.

    Raises:
        LabError: the process cannot carry it out, or does not answer.
    """
    pid = processes.host(folder)
    if pid is None:
        return False
    with socket.socket(socket.AF_UNIX) as link:
        link.settimeout(SECONDS)
        try:
            # The folder itself may have too long a path for a socket.
            link.connect(f"/proc/{pid}/cwd/control")
        except OSError:
            return False
        try:
            link.sendall(f"{request}\n".encode())
            text = link.makefile().readline()
        except OSError as error:
            raise LabError(f"{folder.name} does not {request}: {error}") from error
    answer = json.loads(text or '{"error": "it ended"}')
    if "error" in answer:
        raise LabError(f"{folder.name} does not {request}: {answer['error']}")
    return True
