"""No behaviour of a server is an internal error, keeps anybody beyond its deadline, or goes on."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from delegation.directory import bounded, session
from tests.fuzz import ldap_hostile, ldap_server
from tests.fuzz.ldap_client import DEADLINE, SLACK, Ended, everything
from tests.fuzz.ldap_hostile import ANYWHERE, GREETINGS, IN_SEARCHES, STAGES, Behaviour


@pytest.fixture(scope="module")
def pem(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return ldap_server.certificate(tmp_path_factory.mktemp("liar"))


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded, "ANSWER_TIMEOUT", DEADLINE)
    monkeypatch.setattr(session, "CONNECT_TIMEOUT", DEADLINE)


def at(stage: str, behaviour: Behaviour, pem: Path) -> Ended:
    spoil = ldap_hostile.at_stage(stage, behaviour)
    with ldap_server.serving(pem, spoil) as url:
        ended = everything(url, pem)
    assert not ended.error
    assert ended.seconds < DEADLINE + SLACK
    return ended


def test_an_honest_server_is_believed(pem: Path) -> None:
    with ldap_server.serving(pem, ldap_server.honest) as url:
        ended = everything(url, pem)
    assert not ended.error
    assert ended.words == "4 changes, of which [] were not made"


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("behaviour", ANYWHERE, ids=lambda one: one.__name__)
def test_at_every_stage(behaviour: Behaviour, stage: str, pem: Path) -> None:
    ended = at(stage, behaviour, pem)
    assert "of which []" not in ended.words


@pytest.mark.parametrize("behaviour", IN_SEARCHES, ids=lambda one: one.__name__)
def test_where_hosts_are_looked_for(behaviour: Behaviour, pem: Path) -> None:
    ended = at("find", behaviour, pem)
    assert "changes" not in ended.words


@pytest.mark.parametrize("greet", GREETINGS, ids=lambda one: one.__name__)
def test_while_tls_is_made(greet: Callable[[socket.socket], None], pem: Path) -> None:
    with ldap_server.serving(pem, ldap_server.honest, greet) as url:
        ended = everything(url, pem)
    assert not ended.error
    assert "TLS" in ended.words or "connection" in ended.words
    assert ended.seconds < DEADLINE + SLACK
