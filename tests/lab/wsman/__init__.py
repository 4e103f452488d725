"""WinRM as a Windows host offers it, for the lab: WS-Man and PSRP behind Kerberos.

Nothing of the product is in it; the clients of the tests are the product's or any other.
"""

from tests.lab.wsman.endpoint import Endpoint
from tests.lab.wsman.faults import Cut, Fault, Faults, Hang, Refuse
from tests.lab.wsman.runtime import Cmdlet, CmdletError, PipelineStopped, Runtime
from tests.lab.wsman.shells import Shells

__all__ = [
    "Cmdlet",
    "CmdletError",
    "Cut",
    "Endpoint",
    "Fault",
    "Faults",
    "Hang",
    "PipelineStopped",
    "Refuse",
    "Runtime",
    "Shells",
]
