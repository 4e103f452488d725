"""A migration run that dies: the shipped program in a world that kills it, so many seconds on.

``python -m tests.story.lethal_migrate -i FILE migrate resume 2.5`` is that command, and SIGKILL
2.5 seconds after the run has begun, or has been taken up again. What is on record outlives it by a
clock that is FASTER: a request whose answer was lost is settled in seconds there, not in minutes.
"""

from __future__ import annotations

import os
import signal
import sys
import threading

from delegation import cli
from delegation.hosts.cim.cim_client import Cim
from delegation.hosts.cim.cim_link import SealedWire
from delegation.hosts.places import Account, Place
from delegation.wiring import World

FASTER = 30.0


class HastyWire(SealedWire):
    def clock(self) -> float:
        return super().clock() * FASTER


class LethalWorld(World):
    """Whose clock, once a run asks it for the first time, is that of a bomb."""

    left = 0.0
    _is_lit = False

    def seconds(self) -> float:
        if not self._is_lit:
            self._is_lit = True
            timer = threading.Timer(self.left, os.kill, (os.getpid(), signal.SIGKILL))
            timer.daemon = True
            timer.start()
        return super().seconds()

    def host_wmi(self, place: Place, account: Account) -> Cim:
        return Cim(HastyWire(place, account))


if __name__ == "__main__":
    LethalWorld.left = float(sys.argv.pop())
    sys.exit(cli.run(sys.argv[1:], LethalWorld))
