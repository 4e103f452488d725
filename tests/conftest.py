"""The labs' fixtures, for every test that asks for them."""

from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.lab.fixtures import fresh_hardened_lab, fresh_lab, hardened_lab, lab
from tests.lab.hosts.fixtures import host_processes, hosts, many_hosts

__all__ = [
    "fresh_hardened_lab",
    "fresh_lab",
    "hardened_lab",
    "host_processes",
    "hosts",
    "lab",
    "many_hosts",
]

# For scripts/test --unit alone, which installs no compiled Kerberos: what can't even be read, or
# does nothing, without it.
collect_ignore = (
    []
    if find_spec("gssapi")
    else [
        "lab",
        "hosts/test_host.py",
        "hosts/test_remoting.py",
        "kerberos/test_wallet.py",
        "story/test_central_proof.py",
    ]
)

LONGEST = ("migrate", "report", "host", "watch")
"""Files of stories, by the first word of their names, that take minutes."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest comes first, so that no worker is left alone with it at the end."""
    items.sort(key=lambda item: _turn(item.path))


def _turn(file: Path) -> int:
    part = file.parent.name
    if part == "story":
        return 0 if file.stem.removeprefix("test_").startswith(LONGEST) else 1
    return 2 if part in {"lab", "hosts"} else 3
