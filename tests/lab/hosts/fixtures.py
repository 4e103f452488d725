"""Lab hosts as pytest fixtures: ``hosts`` (hv01 to hv04) and ``many_hosts`` (hv01 to hv08)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.lab.description import MESH, Lab
from tests.lab.hosts.host_wording import HostWording
from tests.lab.hosts.hostlab import HostLab


@pytest.fixture(scope="session")
def host_processes(lab: Lab) -> Iterator[HostLab]:
    """The hosts that tests may use, started where a test first asks for them; ended at the end."""
    hosts = HostLab(lab, MESH[:8])
    hosts.kill()
    try:
        yield hosts
    finally:
        hosts.kill()


@pytest.fixture
def wording(request: pytest.FixtureRequest) -> HostWording:
    """How the hosts of this test say what went wrong."""
    return getattr(request, "param", HostWording.ENGLISH)


@pytest.fixture
def hosts(fresh_lab: Lab, host_processes: HostLab, wording: HostWording) -> HostLab:
    """Four hosts, as new and running, in a domain that is as new: nothing is set, no VM there."""
    return renewed(fresh_lab, host_processes, 4, wording)


@pytest.fixture
def many_hosts(fresh_lab: Lab, host_processes: HostLab, wording: HostWording) -> HostLab:
    """Eight hosts; like ``hosts`` in all else."""
    return renewed(fresh_lab, host_processes, 8, wording)


def renewed(lab: Lab, processes: HostLab, number: int, wording: HostWording) -> HostLab:
    """Have the first hosts as new."""
    chosen = HostLab(lab, processes.names[:number])
    chosen.reset()
    if wording is not HostWording.ENGLISH:
        chosen.speak(wording)
    return chosen
