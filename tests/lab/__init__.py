"""A test lab: a real Active Directory domain controller (Samba) on its own loopback address."""

from tests.lab.dc import Status, status
from tests.lab.description import HOSTS, MESH, SPARE, Lab, LabError
from tests.lab.domain import kill, reset, restore, start, stop

__all__ = [
    "HOSTS",
    "MESH",
    "SPARE",
    "Lab",
    "LabError",
    "Status",
    "kill",
    "reset",
    "restore",
    "start",
    "status",
    "stop",
]
