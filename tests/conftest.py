"""The labs' fixtures, for every test that asks for them."""

import os
import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.lab.fixtures import fresh_hardened_lab, fresh_lab, hardened_lab, lab
from tests.lab.hosts.fixtures import host_processes, hosts, many_hosts, wording
from tests.lab.hosts.host_wording import HostWording

__all__ = [
    "fresh_hardened_lab",
    "fresh_lab",
    "hardened_lab",
    "host_processes",
    "hosts",
    "lab",
    "many_hosts",
    "wording",
]

NEEDS_KERBEROS = (
    "lab",
    "hosts/test_link.py",
    "hosts/cim/test_cim_host.py",
    "hosts/cim/test_cim_on_hosts.py",
    "hosts/cim/test_moves_on_hosts.py",
    "hosts/cim/test_moving_on_desk.py",
    "hosts/cim/test_mutated.py",
    "kerberos/test_wallet.py",
    "story/test_central_proof.py",
    "story/test_one_dc.py",
)
"""What can't even be read without compiled Kerberos, which ``scripts/test --unit`` goes without.

That these are all is held by test_conftest.py.
"""
collect_ignore = [] if find_spec("gssapi") else [*NEEDS_KERBEROS]

os.environ["XDG_CONFIG_HOME"] = tempfile.mkdtemp(prefix="delegation-nobodys-")
"""No test reads, or writes, what is known of domains on the machine that it runs on."""

TESTS = Path(__file__).parent
LONGEST = (
    "story/test_migrate.py",
    "story/test_migrate_kill.py",
    "story/test_report.py",
    "story/test_authentication.py",
    "hosts/cim/test_moves_on_hosts.py",
    "story/test_host_settings.py",
    "story/test_watch.py",
    "story/test_kill.py",
    "story/test_hosts_probe.py",
    "story/test_report_runs.py",
    "recordings/test_recordings.py",
    "fuzz/test_ldap_mutations.py",
)
"""Files that take most of a minute or more, the longest first."""
assert all((TESTS / name).exists() for name in LONGEST)


MOST_OPEN = 400
"""Files that this process may hold after a file of tests. select() takes none above 1,023, and a
pipe that is left open is a process that was left behind."""


@pytest.fixture(scope="module", autouse=True)
def nothing_left_open() -> Iterator[None]:
    """No file of tests leaves so much open that a later one fails of it."""
    yield
    held = Path("/proc/self/fd")
    if held.exists():
        assert len(list(held.iterdir())) < MOST_OPEN


EVERYTHING = bool(os.environ.get("DELEGATION_TEST_FULL"))
"""Whether the run may take as long as it likes (``scripts/test --full``)."""
LAB_ITSELF = TESTS / "lab"
"""Tests of the lab: what its hosts say in which way is what they look at."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Every test with lab hosts runs with each of their wordings; some of them in each run.

    None has to ask for that: it says where the wording is none of its business.
    """
    if "wording" not in metafunc.fixturenames:
        return
    definition = metafunc.definition
    is_fixed = definition.get_closest_marker("one_wording") is not None
    if is_fixed or LAB_ITSELF in definition.path.parents:
        return
    if EVERYTHING or definition.get_closest_marker("every_wording") is not None:
        wordings = {one.name.lower().replace("_", "-"): one for one in HostWording}
        metafunc.parametrize("wording", wordings.values(), ids=wordings.keys(), indirect=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest comes first, so that no worker is left alone with it at the end."""
    items.sort(key=lambda item: _turn(item.path))


def _turn(file: Path) -> int:
    name = file.relative_to(TESTS).as_posix()
    if name in LONGEST:
        return LONGEST.index(name)
    folders = ("story", "lab", "hosts")
    part = file.parent.name
    return len(LONGEST) + (folders.index(part) if part in folders else len(folders))
