"""Tickets that many connections share."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import spnego
from gssapi.raw import GSSError
from spnego.exceptions import SpnegoError

from delegation.kerberos import wallet
from delegation.kerberos.refusals import Attempt
from delegation.kerberos.wallet import SHORTEST_LIFE, Wallet

ATTEMPT = Attempt("hv01.corp.example", "corp.example", "vmadmin")
SECONDS = 30.0


class Ticket:
    """Credentials as gssapi has them."""

    def __init__(self, lifetime: float) -> None:
        self.lifetime = lifetime


class Kdc:
    """Whoever is asked for a ticket; it answers when it may."""

    def __init__(self, answer: Callable[[], Any]) -> None:
        self.answer = answer
        self.asked: list[spnego.Credential] = []
        self.open = threading.Event()
        self.open.set()

    def __call__(self, credential: spnego.Credential) -> Any:
        self.asked.append(credential)
        assert self.open.wait(SECONDS)
        return self.answer()


@pytest.fixture
def kdc(monkeypatch: pytest.MonkeyPatch) -> Kdc:
    made = Kdc(lambda: Ticket(36_000))
    monkeypatch.setattr(wallet, "_acquired", made)
    return made


def test_one_ticket_for_many_hosts(kdc: Kdc) -> None:
    held = Wallet()
    first = held.credentials(ATTEMPT, "secret")
    other = Attempt("hv02.corp.example", "corp.example", "vmadmin")
    assert held.credentials(other, "secret") is first
    assert len(kdc.asked) == 1


@pytest.mark.parametrize(
    ("attempt", "password"),
    [
        (Attempt("hv01.corp.example", "corp.example", "auditor"), "secret"),
        (Attempt("hv01.lab.example", "lab.example", "vmadmin"), "secret"),
        (ATTEMPT, "another"),
    ],
)
def test_another_account_or_password_has_its_own(kdc: Kdc, attempt: Attempt, password: str) -> None:
    held = Wallet()
    assert held.credentials(ATTEMPT, "secret") is not held.credentials(attempt, password)
    assert len(kdc.asked) == 2


@pytest.mark.parametrize(("life", "asked"), [(SHORTEST_LIFE - 1, 2), (SHORTEST_LIFE, 1), (0, 2)])
def test_one_that_is_nearly_spent_is_replaced(kdc: Kdc, life: float, asked: int) -> None:
    kdc.answer = lambda: Ticket(life)
    held = Wallet()
    held.credentials(ATTEMPT, "secret")
    held.credentials(ATTEMPT, "secret")
    assert len(kdc.asked) == asked


def test_a_ticket_in_the_cache_is_looked_up_each_time(kdc: Kdc) -> None:
    held = Wallet()
    held.credentials(ATTEMPT, None)
    held.credentials(ATTEMPT, None)
    assert len(kdc.asked) == 2
    assert all(isinstance(one, spnego.CredentialCache) for one in kdc.asked)


def test_threads_share_one_answer_be_it_an_error(kdc: Kdc) -> None:
    """Where no KDC answers, the last host of many fails as soon as the first."""
    held, begun = Wallet(), threading.Barrier(8 + 1)
    kdc.open.clear()

    def fail() -> Any:
        raise OSError("no KDC")

    kdc.answer = fail

    def ask() -> str:
        begun.wait(SECONDS)
        try:
            held.credentials(ATTEMPT, "secret")
        except OSError as exc:
            return str(exc)
        return "granted"

    with ThreadPoolExecutor(8) as pool:
        answers = [pool.submit(ask) for _ in range(8)]
        begun.wait(SECONDS)
        kdc.open.set()
        assert {one.result(SECONDS) for one in answers} == {"no KDC"}
    kdc.answer = lambda: Ticket(36_000)
    assert held.credentials(ATTEMPT, "secret").lifetime == 36_000, "asked again"


def kerberos_error(number: int) -> GSSError:
    """One of the protocol's errors (RFC 4120, 7.5.9), as MIT and gssapi give it."""
    failure = 13 << 16
    return GSSError(failure, number - 1765328384 + 2**32)


@pytest.mark.parametrize(
    ("number", "asked"), [(24, 1), (31, 1), (18, 2), (37, 2), (156, 2)], ids=str
)
def test_a_wrong_password_alone_is_not_tried_again(kdc: Kdc, number: int, asked: int) -> None:
    """A KDC counts those, and locks the account; what else fails may be mended meanwhile."""

    def refuse() -> Any:
        raise SpnegoError(base_error=kerberos_error(number))

    kdc.answer = refuse
    held = Wallet()
    for host in ("hv01.corp.example", "hv02.corp.example"):
        with pytest.raises(SpnegoError):
            held.credentials(Attempt(host, "corp.example", "vmadmin"), "wrong")
    assert len(kdc.asked) == asked
    with pytest.raises(SpnegoError):
        held.credentials(ATTEMPT, "another")
    assert len(kdc.asked) == asked + 1
