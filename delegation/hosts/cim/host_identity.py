"""A connection -> which computer answers, by Hyper-V's own namespace.

Rights to that are needed anyway; root/cimv2 would tell it too, and refuses whoever is no local
administrator.
"""

from delegation.errors import CimFailed, WrongHost
from delegation.hosts.cim import wql
from delegation.hosts.cim.cim_classes import COMPUTER_SYSTEM
from delegation.hosts.cim.cim_client import Cim

_NETBIOS = 15
"""A computer's name for others is no longer than this."""


def own_name(cim: Cim) -> str:
    """The name that a host has of itself. Raises CimFailed where it tells none.

    Without rights in the namespace a query gives nothing, and no error.
    """
    found = cim.query(wql.host_itself(COMPUTER_SYSTEM))
    names = [one.text("ElementName") or one.text("Name") for one in found]
    if len(names) != 1 or not names[0]:
        raise CimFailed(
            f"{cim.host} does not tell what it is called",
            "look whether whoever logs on is in Hyper-V Administrators there, and whether the "
            "service vmms runs: without either, Hyper-V shows an empty host",
        )
    return names[0]


def recognise(cim: Cim, computer: str) -> None:
    """Raise WrongHost unless the computer called ``computer`` answers.

    A logon is by DNS name, which leads to whatever host an inventory says by mistake.
    """
    name = own_name(cim)
    if name[:_NETBIOS].casefold() != computer[:_NETBIOS].casefold():
        raise WrongHost(
            f"{cim.host} is the computer {name}, not {computer}",
            "correct the fqdn or the computer of that host in the inventory; nothing was read or "
            "changed there",
        )
