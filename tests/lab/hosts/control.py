"""The socket in a host's folder: a test asks for something, the host's process does it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from multiprocessing.connection import Client, Listener
from pathlib import Path

from tests.lab.description import LabError
from tests.lab.hosts import processes

log = logging.getLogger(__name__)

SOCKET = "control"
SECONDS = 30.0


def ask(folder: Path, request: str) -> bool:
    """Have a request carried out; False where no process is up.

    Raises:
        LabError: the process cannot carry it out, or does not answer.
    """
    pid = processes.host(folder)
    if pid is None:
        return False
    try:
        # The folder itself may have too long a path for a socket.
        link = Client(f"/proc/{pid}/cwd/{SOCKET}")
    except OSError:
        return False
    with link:
        try:
            link.send(request)
            trouble = link.recv() if link.poll(SECONDS) else "no answer"
        except (OSError, EOFError) as error:
            trouble = repr(error)
    if trouble:
        raise LabError(f"{folder.name} does not {request}: {trouble}")
    return True


def serve(requests: Mapping[str, Callable[[], None]]) -> None:
    """Carry out requests, one after the other, from now on; in the folder that one stands in."""
    Path(SOCKET).unlink(missing_ok=True)
    listener = Listener(SOCKET)
    threading.Thread(target=obey, args=(listener, requests), daemon=True).start()


def obey(listener: Listener, requests: Mapping[str, Callable[[], None]]) -> None:
    """Carry out requests for ever."""
    while True:
        try:
            with listener.accept() as link:
                link.send(trouble_with(requests[link.recv()]))
        except (OSError, EOFError) as error:
            log.info("who asked is gone: %s", error)


def trouble_with(request: Callable[[], None]) -> str:
    """Carry out a request, and give what is wrong with it; nothing if it is done."""
    try:
        request()
    except Exception as error:
        log.exception("the test's request")
        return repr(error)
    return ""
