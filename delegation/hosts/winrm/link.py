"""pypsrp's WS-Man over our own connection: deadlines, no retries, one thread, errors in words."""

import logging
import threading
from contextlib import AbstractContextManager
from typing import Any

from pypsrp.wsman import NAMESPACES, WSMan

from delegation.hosts.places import Account, Place
from delegation.hosts.winrm import answers
from delegation.hosts.winrm.logon import Logon
from delegation.hosts.winrm.wire import Http, Line

ANSWER_SECONDS = 20
"""How long the host may take for one answer: WS-Man's OperationTimeout."""
GRACE_SECONDS = 10.0
"""How much later an answer may come; then the host hangs."""

for _library in ("pypsrp", "urllib3", "spnego"):
    # What they log is told by their exceptions too; unhandled, it would land on the terminal.
    logging.getLogger(_library).addHandler(logging.NullHandler())


class Wsman(WSMan):
    """pypsrp's, with our deadlines, and each request sent once."""

    def __init__(self, place: Place, line: Line, logon: Logon) -> None:
        super().__init__(
            place.host,
            port=place.at,
            ssl=place.https,
            auth="kerberos",
            encryption="auto" if place.https else "always",
            operation_timeout=ANSWER_SECONDS,
        )
        self._line = line
        self._logon = logon
        self.transport.session = Http(line, logon)
        self.only: str | None = None
        """The one shell that ``enumerate`` shows: those of others are none of our business."""
        self.fault: int | None = None
        """The code of the last request's fault."""
        self.done = False
        """Whether the last Receive said that nothing more comes of its command."""

    def invoke(self, *request: Any, **_: Any) -> Any:  # noqa: ANN401 - pypsrp's signature
        """``request`` ends with OperationTimeout where it is not the usual one."""
        timeout = request[5] if len(request) > 5 else None
        self.fault = None
        try:
            with self._line.within((timeout or self.operation_timeout) + GRACE_SECONDS):
                return super().invoke(*request)
        except answers.Fault as exc:
            self.fault = exc.code if isinstance(exc.code, int) else None
            raise
        finally:
            self._line.settled = self._logon.done

    def receive(self, *args: Any, **settings: Any) -> Any:  # noqa: ANN401
        self.done = False
        found = super().receive(*args, **settings)
        state = found.find("rsp:ReceiveResponse/rsp:CommandState", NAMESPACES)
        self.done = state is not None and state.get("State", "").endswith("/Done")
        return found

    def enumerate(self, *args: Any, **settings: Any) -> Any:  # noqa: ANN401
        found = super().enumerate(*args, **settings)
        for items in found.iterfind(".//wsman:Items", NAMESPACES):
            for shell in items.findall("rsp:Shell", NAMESPACES):
                if shell.findtext("rsp:ShellId", "", NAMESPACES).upper() != self.only:
                    items.remove(shell)
        return found


class HostLink:
    """One connection to one host, for the one thread that made it."""

    def __init__(self, place: Place, account: Account) -> None:
        self.place = place
        self.account = account
        self.line = Line(place)
        self.wsman = Wsman(place, self.line, Logon(place, account, lambda: self.line.certificate))
        self._thread = threading.get_ident()

    def asking(
        self, what: str = "WinRM", seconds: float = float("inf")
    ) -> AbstractContextManager[None]:
        """For what is asked in here: errors in words, and an end in ``seconds`` at the latest."""
        if self._thread != threading.get_ident():
            raise AssertionError("a session is for the one thread that opened it")
        return answers.translated(self.place, self.account, self.line, what, seconds)

    def hang_up(self) -> None:
        self.wsman.close()
        self.line.hang_up()
