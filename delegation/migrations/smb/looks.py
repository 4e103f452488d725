"""A target -> looks at it, for as long as somebody wants them."""

import time
from collections.abc import Callable, Iterator
from contextlib import closing

from delegation.errors import HostUnreachable
from delegation.migrations.smb.smb_watch import SmbWatch
from delegation.migrations.smb.traffic import Traffic

BETWEEN_LOOKS = 2.0
"""Seconds."""


def one_look(connect: Callable[[], SmbWatch]) -> Traffic:
    """What the target shows just now. Raises HostError."""
    with closing(connect()) as watch:
        return watch.look()


def looks(connect: Callable[[], SmbWatch]) -> Iterator[tuple[float, Traffic | str]]:
    """Looks without an end, each with its time in seconds; or why there is none now.

    A host that can't be reached any more is tried again, but not one that was never reached: its
    name or address is wrong, more often than not. Raises HostError for that one, and for a refusal.
    """
    watch: SmbWatch | None = connect()
    while True:
        try:
            if watch is None:
                watch = connect()
            yield time.monotonic(), watch.look()
        except HostUnreachable as exc:
            if watch is not None:
                watch.close()
            watch = None
            yield time.monotonic(), exc.what
        time.sleep(BETWEEN_LOOKS)
