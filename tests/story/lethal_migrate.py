"""A migration run that dies: the product's own parts, killed so many seconds after they begin.

``python -m tests.story.lethal_migrate -i FILE migrate resume 2.5`` is that command, and SIGKILL
2.5 seconds after the runner took over.
"""

from __future__ import annotations

import os
import signal
import sys
import threading

from delegation import cli
from delegation.migrations.lifecycle import Migration
from delegation.migrations.runner import Runner

shipped = Runner.run


def lethal(runner: Runner) -> tuple[Migration, ...]:
    timer = threading.Timer(seconds, os.kill, (os.getpid(), signal.SIGKILL))
    timer.daemon = True
    timer.start()
    return shipped(runner)


if __name__ == "__main__":
    seconds = float(sys.argv.pop())
    Runner.run = lethal  # type: ignore[assignment, method-assign]
    cli.main()
