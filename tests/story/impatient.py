"""The program with little patience for a host: it waits some seconds for an answer, not a minute.

``python -m tests.story.impatient -i FILE hosts show`` is that command.
"""

from __future__ import annotations

import sys

from delegation import cli
from delegation.hosts.winrm import link

if __name__ == "__main__":
    link.ANSWER_SECONDS, link.GRACE_SECONDS = 2, 2.0
    sys.exit(cli.run(sys.argv[1:]))
