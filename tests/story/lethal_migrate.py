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
from delegation.migrations import runner
from delegation.migrations.lifecycle import Migration


class LethalRunner(runner.Runner):
    seconds = 0.0

    def run(self) -> tuple[Migration, ...]:
        timer = threading.Timer(self.seconds, os.kill, (os.getpid(), signal.SIGKILL))
        timer.daemon = True
        timer.start()
        return super().run()


if __name__ == "__main__":
    LethalRunner.seconds = float(sys.argv.pop())
    runner.Runner = LethalRunner  # type: ignore[misc]
    cli.main()
