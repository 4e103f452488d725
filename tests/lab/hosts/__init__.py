"""Lab Hyper-V hosts: each its own process, on its own loopback address, with real files and SMB.

No part of them is Hyper-V. What a migration needs of the domain is real: the tickets, the share,
the bytes.
"""

from tests.lab.hosts.hostlab import HostLab
from tests.lab.hosts.labhost import LabHost

__all__ = ["HostLab", "LabHost"]
