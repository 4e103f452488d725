"""What a migration shows on its target, made by hand: a share as VMMS makes one, and disks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from delegation.hosts.places import Account, Place
from delegation.migrations.smb import smb_session
from tests.lab.description import ACCOUNTS, OPERATOR
from tests.lab.hosts import LabHost
from tests.lab.hosts import smbd as servers

SHARE = "HV01.3341302342$"
OPERATORS = Account(OPERATOR, None, ACCOUNTS[OPERATOR])


def place(host: LabHost, *, name: str | None = None, address: str | None = None) -> Place:
    return Place(f"{name or host.name}.corp.example", address or host.address)


@contextmanager
def migrating(host: LabHost, *disks: str) -> Iterator[Callable[[str, int], None]]:
    """Disks being written through such a share; gives what writes so many bytes more."""
    staging = host.volume.file("C:\\$VSM$") / SHARE
    staging.mkdir(parents=True)
    servers.add_share(host, SHARE, staging, OPERATOR)
    source = smb_session.connected(place(host), OPERATORS, 10.0)
    tree = source.connectTree(SHARE)
    files = {disk: source.createFile(tree, disk) for disk in disks}
    written = dict.fromkeys(disks, 0)

    def write(disk: str, count: int) -> None:
        source.writeFile(tree, files[disk], b"x" * count, offset=written[disk])
        written[disk] += count

    try:
        yield write
    finally:
        with suppress(Exception):
            source.close()
        servers.remove_share(host, SHARE)
