"""The program some minutes later than it is: when no host makes any more what was lost.

``python -m tests.story.minutes_later -i FILE hosts apply`` is that command.
"""

from __future__ import annotations

import sys
from datetime import datetime, timedelta

from delegation import cli
from delegation.wiring import World


class LaterWorld(World):
    def now(self) -> datetime:
        return super().now() + timedelta(minutes=5)


if __name__ == "__main__":
    sys.exit(cli.run(sys.argv[1:], LaterWorld))
