"""Tickets in memory, so that the KDC need not be asked anew for each of many hosts."""

import threading
from concurrent.futures import Future
from typing import Any

import spnego
from spnego import ContextReq

from delegation.kerberos import tickets
from delegation.kerberos.refusals import Attempt

SHORTEST_LIFE = 300.0
"""Seconds that a ticket must still be good for; else another is asked for."""


class Wallet:
    """Tickets to get tickets: the KDC is asked for one, and then for those of many hosts.

    Those of a keytab or a password are held in memory alone, by the Kerberos library.
    """

    def __init__(self) -> None:
        self._held: dict[object, Future[Any]] = {}
        self._lock = threading.Lock()

    def credentials(self, attempt: Attempt, password: str | None) -> Any:  # noqa: ANN401 - gssapi's
        """gssapi's credentials, forwardable where they are our own. None: the default ticket.

        Threads that ask at the same time share one answer, be it an error: where no KDC answers,
        none of them waits longer than one. A wrong password is not tried again, which would lock
        the account.
        """
        credential = tickets.credential(attempt, password)
        if isinstance(credential, spnego.CredentialCache):
            return _acquired(credential)
        key = attempt.user, attempt.keytab, attempt.domain, password
        # The KDC is asked outside the lock, by the thread that put the future there: the others
        # wait for that one answer, and threads that log on as somebody else wait for nobody.
        with self._lock:
            held = self._held.get(key)
            is_ours_to_ask = held is None or _is_spent(held)
            if held is None or is_ours_to_ask:
                held = self._held[key] = Future()
        if is_ours_to_ask:
            try:
                held.set_result(_acquired(credential))
            except Exception as exc:  # noqa: BLE001 - it is everybody's who waits
                held.set_exception(exc)
        return held.result()


def _is_spent(held: "Future[Any]") -> bool:
    """Whether it has failed where another try may help, or is not good for long enough."""
    if not held.done():
        return False
    if (error := held.exception()) is not None:
        return not tickets.is_wrong_password(error)
    return tickets.lifetime(held.result()) < SHORTEST_LIFE


def _acquired(credential: spnego.Credential) -> Any:  # noqa: ANN401
    """pyspnego asks for a forwardable ticket only where one may be handed over; ours are not."""
    requested = ContextReq.default | ContextReq.delegate_policy
    context: Any = spnego.client(credential, protocol="kerberos", context_req=requested)
    return context._credential  # noqa: SLF001
