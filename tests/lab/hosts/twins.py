r"""Let the KDC decide on a migration value, which Samba looks up in its escaped form (``kdc.py``).

While a host asks for one service, and only if the real value is on its object, the escaped twin of
that one value stands there too. A keeper, a process of its own, adds and removes it: when the host
dies in between, the keeper's input ends, and it removes what it added. Each host has its own
keeper and its own object, so hosts do not wait for each other.
"""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.lab import admin, kdc, ldif, programs
from tests.lab.description import ADMINISTRATOR, Lab, LabError, escaped
from tests.lab.independent import DELEGATION, LdapError, search

NO_SUCH_ATTRIBUTE = 16
NO_SUCH_OBJECT = 32
DROP = "-"
"""A request to remove the twin; any other is the value whose twin is wanted."""


class NoDirectory(LabError):
    """The directory cannot be asked, or changed: no domain controller answers."""


class Twins:
    """A host's side: its keeper, which begins when it is first needed."""

    def __init__(self, lab: Lab, name: str) -> None:
        self.lab, self.name = lab, name
        self.lock = threading.Lock()
        self.keeper: subprocess.Popen[str] | None = None

    def begin(self) -> subprocess.Popen[str]:
        """Start a keeper."""
        # It stands in the lab's folder, not in the host's: whoever kills the host leaves it alive.
        return subprocess.Popen(
            [sys.executable, "-m", "tests.lab.hosts.twins", str(self.lab.folder), self.name],
            cwd=self.lab.folder,
            env=programs.environment(self.lab) | {"PYTHONPATH": str(Path(__file__).parents[3])},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    @contextmanager
    def stand_in(self, value: str) -> Iterator[None]:
        """Have the twin of a value on the host's object, if the value is there, for a moment."""
        with self.lock:
            self.ask(value)
            try:
                yield
            finally:
                self.ask(DROP)

    def ask(self, request: str) -> None:
        """Put one request, and wait until it is done; raise LabError if it cannot be."""
        keeper = self.keeper = self.keeper or self.begin()
        if keeper.stdin is None or keeper.stdout is None:
            raise LabError("the keeper of twins has no pipes")
        keeper.stdin.write(f"{request}\n")
        keeper.stdin.flush()
        if (answer := keeper.stdout.readline().strip()) != "done":
            text = f"the twin of a migration value of {self.name}: {answer or 'no keeper'}"
            raise NoDirectory(text) if "Can't contact" in answer else LabError(text)


class Keeper:
    """The keeper's side; it keeps one twin at most."""

    def __init__(self, lab: Lab, name: str) -> None:
        self.lab, self.name = lab, name
        self.kept: tuple[str, str] | None = None

    def serve(self) -> None:
        """Carry out the requests of standard input; at its end, leave nothing behind."""
        try:
            for line in sys.stdin:
                sys.stdout.write(f"{self.answer(line.strip())}\n")
                sys.stdout.flush()
        finally:
            self.drop()

    def answer(self, request: str) -> str:
        """Carry out one request."""
        try:
            self.drop()
            if request != DROP:
                self.add(request)
        except (LabError, LdapError) as error:
            return " ".join(str(error).split())
        return "done"

    def add(self, value: str) -> None:
        """Add a value's twin, if the value is there; one that was left behind goes."""
        wanted = f"(sAMAccountName={self.name}$)"
        for entry in search(self.lab, wanted, DELEGATION, account=ADMINISTRATOR):
            values = entry.texts(DELEGATION)
            left = [one for one in values if kdc.is_twin(one)]
            there = value.casefold() in {one.casefold() for one in values}
            twins = [escaped(value)] if there else []
            steps = [("delete", DELEGATION, left), ("add", DELEGATION, twins)]
            if twins:
                self.kept = (entry.dn, twins[0])
            if left or twins:
                admin.modify(
                    self.lab, ldif.modification(entry.dn, *(step for step in steps if step[2]))
                )

    def drop(self) -> None:
        """Remove the twin that is kept."""
        if self.kept:
            dn, twin = self.kept
            try:
                admin.modify(self.lab, ldif.modification(dn, ("delete", DELEGATION, [twin])))
            except LdapError as error:
                # A reset of the lab was faster.
                if error.result not in (NO_SUCH_ATTRIBUTE, NO_SUCH_OBJECT):
                    raise
            self.kept = None


if __name__ == "__main__":
    Keeper(Lab(Path(sys.argv[1])), sys.argv[2]).serve()
