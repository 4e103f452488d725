"""A migration run that dies: the shipped program in a world that kills it, so many seconds on.

``python -m tests.story.lethal_migrate -i FILE migrate resume 2.5`` is that command, and SIGKILL
2.5 seconds after the run has begun, or has been taken up again.
"""

from __future__ import annotations

import os
import signal
import sys
import threading

from delegation import cli
from delegation.wiring import World


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


if __name__ == "__main__":
    LethalWorld.left = float(sys.argv.pop())
    sys.exit(cli.run(sys.argv[1:], LethalWorld))
