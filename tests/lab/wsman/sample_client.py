"""A client to try the endpoint with: pypsrp's WSMan as it is; it lives ``elsewhere``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from xml.etree.ElementTree import Element

from pypsrp.wsman import SelectorSet, WSMan

from tests.lab.requests_of_others import local

V2 = "http://schemas.microsoft.com/wbem/wsman/1/wmi/root/virtualization/v2/"
SERVICE = f"{V2}Msvm_VirtualSystemMigrationService"
SETTINGS = (
    '<INSTANCE CLASSNAME="Msvm_VirtualSystemMigrationServiceSettingData">'
    '<PROPERTY NAME="InstanceID" TYPE="string"><VALUE>Microsoft:HV01</VALUE></PROPERTY></INSTANCE>'
)
"""Nothing is changed by it, and a job begins."""


class SampleClient:
    """One connection."""

    def meet(self, server: str, hostname: str, options: Mapping[str, Any]) -> None:
        """Begin anew, with a host."""
        usual: dict[str, Any] = {
            "ssl": False,
            "auth": "negotiate",
            "no_proxy": True,
            "operation_timeout": 20,
            "negotiate_hostname_override": hostname,
        }
        self.wsman: Any = WSMan(server, **usual | dict(options))

    def who(self) -> str:
        """The owner of a job that the caller has begun."""
        job = self.change()
        selectors = SelectorSet()
        selectors.add_option("InstanceID", job)
        return text(self.wsman.get(f"{V2}Msvm_ConcreteJob", selector_set=selectors), "Owner")

    def change(self) -> str:
        """Begin a job."""
        selectors = SelectorSet()
        selectors.add_option("CreationClassName", "Msvm_VirtualSystemMigrationService")
        asked = Element(f"{{{SERVICE}}}ModifyServiceSettings_INPUT")
        given = Element(f"{{{SERVICE}}}ServiceSettingData")
        given.text = SETTINGS
        asked.append(given)
        action = f"{SERVICE}/ModifyServiceSettings"
        return text(self.wsman.invoke(action, SERVICE, asked, None, selectors), "Selector")

    def tamper(self) -> None:
        """Change a bit of all that is sent from now on."""
        encryption = self.wsman.transport.encryption
        wrap = encryption.wrap_message

        def changed(message: bytes) -> tuple[str, bytes]:
            content_type, body = wrap(message)
            return content_type, body[:-40] + bytes([body[-40] ^ 1]) + body[-39:]

        encryption.wrap_message = changed


def text(answer: Element, name: str) -> str:
    """The text of the first element of a name."""
    return next((one.text or "" for one in answer.iter() if local(one) == name), "")
