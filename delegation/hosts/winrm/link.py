"""pypsrp's WS-Man over our own connection: deadlines, no retries, one thread, errors in words."""

import logging
import threading
from contextlib import AbstractContextManager
from typing import Any

from pypsrp.wsman import WSMan

from delegation.hosts.places import Account, Place
from delegation.hosts.winrm import answers
from delegation.hosts.winrm.logon import Logon
from delegation.hosts.winrm.wire import Http, Line

ENVELOPE = 512_000
"""MaxEnvelopeSize: what an answer may be at most; Windows' own limit unless somebody lowers it."""
ANSWER_SECONDS = 60
"""How long the host may take for one answer (WS-Man's OperationTimeout): the most that WinRM takes
unless told otherwise (MaxTimeoutms). A host with hundreds of machines needs some of it."""
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
            max_envelope_size=ENVELOPE,
            operation_timeout=ANSWER_SECONDS,
        )
        self._line = line
        self._logon = logon
        self.transport.session = Http(line, logon)

    def invoke(self, *request: Any, **_: Any) -> Any:  # noqa: ANN401 - pypsrp's signature
        try:
            with self._line.within(self.operation_timeout + GRACE_SECONDS):
                return super().invoke(*request)
        finally:
            self._line.settled = self._logon.done


class HostLink:
    """One connection to one host, for the one thread that made it."""

    def __init__(self, place: Place, account: Account) -> None:
        self.place = place
        self.account = account
        self.line = Line(place)
        self.wsman = Wsman(place, self.line, Logon(place, account, lambda: self.line.certificate))
        self._thread = threading.get_ident()

    def asking(self, seconds: float) -> AbstractContextManager[None]:
        """For what is asked in here: errors in words, and an end in ``seconds`` at the latest."""
        if self._thread != threading.get_ident():
            raise AssertionError("a connection is for the one thread that opened it")
        return answers.translated(self.place, self.account, self.line, seconds)

    def hang_up(self) -> None:
        self.wsman.close()
        self.line.hang_up()
