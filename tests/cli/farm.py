"""Three Hyper-V hosts in the folder of an admin, for the program as ``hosts_program`` starts it."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.cli.program import SECONDS, Ran, environment, forked
from tests.cli.world import finished
from tests.hosts.settings_cases import WINDOWS

INVENTORY = """\
domain: corp.example
directory:
  url: ldif:directory.ldif
defaults:
  live_migration:
    enabled: true
    authentication: Kerberos
    migrations: 4
    networks: [10.20.0.0/24]
hosts:
  hv[01-03]:
"""
MODULE = "tests.cli.hosts_program"
PROGRAM = (sys.executable, "-m", MODULE)
CHANGES = {
    "network 10.20.0.0/24": (None, "any priority"),
    "any_network": (True, False),
    "migrations": (2, 4),
    "authentication": ("CredSSP", "Kerberos"),
    "enabled": (False, True),
}
"""What a host as Windows is installed is to change, in turn."""

AFTER = {
    **WINDOWS,
    "enabled": True,
    "authentication": "Kerberos",
    "migrations": 4,
    "any_network": False,
    "network 10.20.0.0/24": 0,
}


class Farm:
    """Three hosts in the folder of an admin."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, *arguments: str, changes: Mapping[str, str] | None = None) -> Ran:
        return forked(MODULE, "hosts", *arguments, cwd=self.folder, changes=changes)

    def delegation(self, *arguments: str) -> Ran:
        return forked(MODULE, *arguments, cwd=self.folder)

    @property
    def _data(self) -> dict[str, Any]:
        data: dict[str, Any] = json.loads((self.folder / "hosts.json").read_text())
        return data

    def _save(self, data: Mapping[str, Any]) -> None:
        (self.folder / "hosts.json").write_text(json.dumps(data))

    def inventory(self, text: str) -> None:
        (self.folder / "inventory.yaml").write_text(text, encoding="utf-8")

    def has(self, label: str, **values: object) -> None:
        """Somebody sets this on a host."""
        data = self._data
        data[label]["settings"] |= values
        self._save(data)

    def lacks(self, label: str, setting: str) -> None:
        """Somebody deletes this from a host."""
        data = self._data
        del data[label]["settings"][setting]
        self._save(data)

    def trouble(self, label: str, **trouble: str) -> None:
        data = self._data
        data[label]["trouble"] = trouble
        self._save(data)

    def later(self, seconds: float) -> None:
        """What is run from now on takes it to be so much later than it is."""
        (self.folder / "later").write_text(str(seconds))

    def clustered(self, label: str) -> None:
        data = self._data
        data[label]["clustered"] = True
        self._save(data)

    def called(self, label: str, name: str) -> None:
        """Another computer answers by that host's name."""
        self._save({**self._data, label: {**self._data[label], "called": name}})

    def gives_no_rights(self, label: str) -> None:
        """To whoever asks over CIM."""
        self._save({**self._data, label: {**self._data[label], "no_rights": True}})

    def settings(self) -> dict[str, dict[str, Any]]:
        return {label: h["settings"] for label, h in self._data.items() if label != "made"}

    def made(self) -> list[str]:
        made: list[str] = self._data.get("made", [])
        return made

    @contextmanager
    def started(self, *arguments: str) -> "Iterator[subprocess.Popen[str]]":
        """A command under way; at the end of the block it has ended, or is ended."""
        process = subprocess.Popen(
            [*PROGRAM, "hosts", *arguments],
            cwd=self.folder,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=_may_be_interrupted,  # noqa: PLW1509 - no threads here
        )
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()
            process.communicate(timeout=SECONDS)

    def wait_until_made(self, count: int) -> None:
        """Until so many settings have been made."""
        end = time.monotonic() + SECONDS
        while len(self.made()) < count:
            assert time.monotonic() < end, self.made()
            time.sleep(0.02)

    def runs(self) -> list[dict[str, Any]]:
        runs: list[dict[str, Any]] = self.delegation("history", "--format", "json").json["runs"]
        return runs

    def became(self, run: int) -> dict[str, str | None]:
        changes = self.delegation("history", str(run), "--format", "json").json["changes"]
        return {f"{c['host']} {c['setting']}": c["result"] for c in changes}

    @classmethod
    def made_in(cls, folder: Path) -> "Farm":
        """As Windows is installed, in a directory where the mesh is in place."""
        farm = cls(folder)
        folder.mkdir()
        farm.inventory(INVENTORY)
        (folder / "directory.ldif").write_bytes(finished())
        farm._save({f"hv0{n}": {"settings": {**WINDOWS}} for n in (1, 2, 3)})
        return farm


def windows(*labels: str) -> dict[str, Mapping[str, Any]]:
    return dict.fromkeys(labels, WINDOWS)


def _may_be_interrupted() -> None:
    """Also where a test run in the background ignores Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
