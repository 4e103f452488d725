"""A target -> looks at it, for as long as somebody wants them."""

import time
from collections.abc import Callable, Iterator
from contextlib import closing

from delegation.errors import HostUnreachable
from delegation.migrations.smb.smb_watch import SmbWatch
from delegation.migrations.smb.traffic import Traffic

SECONDS = 2.0
"""Between two looks."""


def one_look(connect: Callable[[], SmbWatch]) -> Traffic:
    """Raises HostError."""
    with closing(connect()) as watched:
        return watched.look()


def looks(connect: Callable[[], SmbWatch]) -> Iterator[tuple[float, Traffic | str]]:
    """Looks without an end, each with its time; or why there is none now.

    A host that can't be reached any more is tried again, but not one that was never reached.
    """
    watched: SmbWatch | None = connect()
    while True:
        try:
            if watched is None:
                watched = connect()
            yield time.monotonic(), watched.look()
        except HostUnreachable as exc:
            if watched is not None:
                watched.close()
            watched = None
            yield time.monotonic(), exc.what
        time.sleep(SECONDS)
