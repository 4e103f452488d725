"""A sample host, and clients of it, for the endpoint's own tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.lab.description import OPERATOR, Lab
from tests.lab.wsman.elsewhere import Elsewhere
from tests.lab.wsman.sample_client import SampleClient
from tests.lab.wsman.sample_host import SampleHost

HOST = "hv11"
"""Not one of ``host_processes``, which keep their addresses to the end of the run."""
OUTPUT_BYTES = 256 * 1024
"""What a pipeline of the sample host may have waiting."""
Client = Callable[..., Elsewhere]


@pytest.fixture(scope="module")
def started(lab: Lab) -> Iterator[Elsewhere]:
    addresses = (lab.host_address(HOST), lab.front_addresses[0])
    certificate = lab.tls / "dc.pem"
    arguments = (addresses, lab.fqdn(HOST), lab.keytab(HOST), certificate, OUTPUT_BYTES)
    with Elsewhere(lab, SampleHost, *arguments) as started:
        yield started


@pytest.fixture
def host(started: Elsewhere) -> Elsewhere:
    started.call("reset")
    return started


@pytest.fixture(scope="module")
def idle(lab: Lab) -> Iterator[list[Elsewhere]]:
    """Clients of the operator's between two tests: their start takes the time of a test."""
    clients: list[Elsewhere] = []
    yield clients
    for one in clients:
        one.kill()


@pytest.fixture
def client(lab: Lab, host: Elsewhere, idle: list[Elsewhere]) -> Iterator[Client]:
    """Give clients, each in its process; with its user's keytab it gets a ticket."""
    used: list[tuple[str, Elsewhere]] = []

    def start(
        user: str = OPERATOR, server: str = "", hostname: str = HOST, **options: Any
    ) -> Elsewhere:
        if user == OPERATOR and idle:
            one = idle.pop()
        else:
            keytab = f"FILE:{lab.keytab(user)}"
            one = Elsewhere(lab, SampleClient, KRB5_CLIENT_KTNAME=keytab, KRB5CCNAME="MEMORY:own")
        used.append((user, one))
        one.call("meet", server or lab.host_address(HOST), lab.fqdn(hostname), options)
        return one

    yield start
    for user, one in used:
        if user == OPERATOR and one.process.is_alive():
            idle.append(one)
        else:
            one.kill()
