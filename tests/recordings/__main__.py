"""``python -m tests.recordings --write [NAME ...]`` records what the commands give now.

Whatever differs afterwards is a change of the recording, in a commit that says why. Without
``--write`` the differences are shown. ``--lab`` is about the stories that need the lab, which are
left out otherwise.
"""

import os
import subprocess
import sys

from tests.cli.world import ROOT
from tests.recordings import recording
from tests.recordings.desk import told


def main(words: list[str]) -> int:
    options = {word for word in words if word.startswith("--")}
    names = [word for word in words if not word.startswith("--")] or list(recording.STORIES)
    if options - {"--write", "--lab"} or {*names} - recording.STORIES.keys():
        sys.stderr.write(f"{__doc__}\nThe names: {' '.join(recording.STORIES)}\n")
        return 2
    write = "--write" in options
    if "--lab" in options:
        return _lab(write=write)
    differs = False
    for name in names:
        given = told(recording.STORIES[name])
        difference = recording.compared(name, given)
        sys.stdout.write(difference)
        differs |= bool(difference)
        if write:
            recording.write(name, given)
    return int(differs and not write)


def _lab(*, write: bool) -> int:
    """The tests have the lab; they write where they are told to."""
    command = [sys.executable, "-m", "pytest", "-q", "-m", "lab", "tests/recordings"]
    told_to = {recording.WRITE: "1"} if write else {}
    return subprocess.run(command, cwd=ROOT, env={**os.environ, **told_to}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
