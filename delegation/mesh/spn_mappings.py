"""sPNMappings -> for which services one registered name stands: cifs/hv02 is HOST/hv02's.

A KDC looks for the very name first. Only where nobody has registered it, the name of the class that
stands for the service counts (MS-DRSR 4.1.4.2.14, MS-ADA3 attribute sPNMappings).
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from delegation import names

HOST_ALIASES = frozenset(
    """
    alerter appmgmt browser cifs cisvc clipsrv dcom dhcp dmserver dns
    dnscache eventlog eventsystem fax http ias iisadmin mcsvc messenger msdtc
    msiserver netdde netddedsm netlogon netman nmagent oakley plugplay policyagent protectedstorage
    rasman remoteaccess replicator rpc rpclocator rpcss rsvp samss scardsvr scesrv
    schedule scm seclogon snmp spooler tapisrv time trksvr trkwks ups
    w3svc wins www
    """.split()  # noqa: SIM905 - a list of words, one a line, is harder to read
)
"""Services for which HOST stands where they are not registered themselves.

The default of sPNMappings on CN=Directory Service,CN=Windows NT,CN=Services in the configuration
(MS-ADA3, attribute sPNMappings).
"""


class SpnMappings(NamedTuple):
    """The class that stands for a service, by the service (casefolded).

    ``is_read``: as the forest has it, where an administrator may have changed it; else the default
    that it is delivered with, assumed.
    """

    classes: Mapping[str, str]
    is_read: bool = False

    @classmethod
    def of(cls, values: Iterable[str]) -> "SpnMappings":
        """From the values of sPNMappings: ``host=alerter,appmgmt,cifs``; the first one counts."""
        classes: dict[str, str] = {}
        for value in values:
            standing, _, services = value.partition("=")
            name = standing.strip()
            spelled = "HOST" if name.casefold() == "host" else name
            for service in services.split(","):
                if name and service.strip():
                    classes.setdefault(service.strip().casefold(), spelled)
        return cls(classes, is_read=True)

    def alias(self, spn: str) -> str | None:
        """``HOST/hv02`` of ``cifs/hv02``; None where no class stands for its service."""
        parsed = names.ServicePrincipalName.parse(spn)
        if parsed is None:
            return None
        standing = self.classes.get(parsed.service.casefold())
        return f"{standing}/{parsed.host}" if standing else None


ASSUMED = SpnMappings(dict.fromkeys(HOST_ALIASES, "HOST"))
"""What a forest begins with; for where its own can't be read."""
