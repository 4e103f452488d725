"""What the lab is: where it lives, what is in its domain. Fixed facts, no input or output.

A lab is a folder. All else follows from it: the loopback addresses, so that two labs (a test run's
and a person's, or those of two checkouts) run side by side, and the paths of all that it keeps.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

DOMAIN: Final = "corp.example"
REALM: Final = "CORP.EXAMPLE"
NETBIOS_DOMAIN: Final = "CORP"
BASE_DN: Final = "DC=corp,DC=example"
HOSTS_DN: Final = f"OU=Hyper-V,{BASE_DN}"
USERS_DN: Final = f"CN=Users,{BASE_DN}"
DC_NAME: Final = "dc1"

MESH: Final = tuple(f"hv{number:02}" for number in range(1, 65))
SPARE: Final = ("hv65", "hv66")
"""Hosts outside any mesh: a pair with one of them is refused throughout."""
HOSTS: Final = MESH + SPARE
FILE_SERVER: Final = "sofs01"

MIGRATION: Final = "Microsoft Virtual System Migration Service"

# Bits of userAccountControl (MS-ADTS 2.2.16).
ACCOUNTDISABLE: Final = 0x2
NORMAL_ACCOUNT: Final = 0x200
WORKSTATION_TRUST_ACCOUNT: Final = 0x1000
TRUSTED_FOR_DELEGATION: Final = 0x80000
NOT_DELEGATED: Final = 0x100000
TRUSTED_TO_AUTH_FOR_DELEGATION: Final = 0x1000000

ADMINISTRATOR: Final = "Administrator"
OPERATOR: Final = "vmadmin"
PROTECTED_OPERATOR: Final = "vmprotected"
"""Flagged NOT_DELEGATED."""
WRITER: Final = "svc-delegation"
"""May write both properties of the hosts, and has SeEnableDelegationPrivilege."""
WRITER_WITHOUT_PRIVILEGE: Final = "svc-nopriv"
"""The same without the privilege."""
READER: Final = "auditor"
"""Any user of the domain."""
ACCOUNTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        ADMINISTRATOR: "Lab-Administrator-1",
        OPERATOR: "Lab-Operator-1",
        PROTECTED_OPERATOR: "Lab-Protected-1",
        WRITER: "Lab-Delegation-1",
        WRITER_WITHOUT_PRIVILEGE: "Lab-Nopriv-1",
        READER: "Lab-Auditor-1",
    }
)
"""The accounts' passwords. They are no secrets: the domain exists on a loopback address only."""
USER_PASSWORD: Final = "Lab-User-1"
"""The password of users that tests add."""


class LabError(Exception):
    """The lab itself is at fault, not what is tested; the message says what to do."""


@dataclass(frozen=True)
class Lab:
    """One lab, described by its folder.

    ``durable``: its DC waits for the disk at every write, as one does that matters. Otherwise a
    lab that loses power is restored from its snapshot.

    ``hardened``: its DC is Debian 13's Samba, which demands channel binding inside TLS and knows
    resource-based delegation and Protected Users; else it is the host's.

    ``dc_name``: another than the first DC's for one that has joined it (``joined``).
    """

    folder: Path
    durable: bool = False
    hardened: bool = False
    dc_name: str = DC_NAME

    def __post_init__(self) -> None:
        # Processes are known by the folder that they stand in, which the kernel tells resolved.
        object.__setattr__(self, "folder", self.folder.resolve())

    @classmethod
    def named(cls, name: str, *, hardened: bool = False) -> Lab:
        """Give the lab of this checkout called ``name``: a test run's ``test``, or ``person``."""
        return cls(Path(__file__).parents[2] / ".lab" / name, hardened=hardened)

    @property
    def name(self) -> str:
        """The last part of the folder."""
        return self.folder.name

    def address_at(self, last: int) -> str:
        """Give an address of the lab's own 256; they are never 127.0.0.x."""
        digest = hashlib.sha256(str(self.folder).encode()).digest()
        return f"127.{digest[0] % 254 + 1}.{digest[1]}.{last}"

    @property
    def address(self) -> str:
        """The DC's loopback address."""
        return self.address_at(10)

    @property
    def front_addresses(self) -> tuple[str, ...]:
        """The addresses for ``front``; the certificates hold them as well."""
        return tuple(self.address_at(last) for last in range(20, 30))

    def host_address(self, host: str) -> str:
        """Give the address set aside for a host's own endpoints (SMB, WinRM): ``.101`` is hv01."""
        return self.address_at(100 + int(host.removeprefix("hv")))

    @property
    def domain(self) -> str:
        """The domain's DNS name."""
        return DOMAIN

    @property
    def realm(self) -> str:
        """The Kerberos realm."""
        return REALM

    @property
    def base_dn(self) -> str:
        """The domain's naming context."""
        return BASE_DN

    @property
    def hosts_dn(self) -> str:
        """The organizational unit of the Hyper-V hosts."""
        return HOSTS_DN

    @property
    def dc_fqdn(self) -> str:
        """The DC's DNS name. Only the lab's own DNS server, port 53 of ``address``, knows it."""
        return f"{self.dc_name}.{DOMAIN}"

    @property
    def ldap_url(self) -> str:
        """LDAP with StartTLS or sealing; a simple bind in plain text is refused."""
        return f"ldap://{self.address}"

    @property
    def ldaps_url(self) -> str:
        """LDAP over TLS; the certificate holds this address."""
        return f"ldaps://{self.address}"

    @property
    def tls(self) -> Path:
        """The folder of certificates and keys."""
        return self.folder / "tls"

    @property
    def ca_file(self) -> Path:
        """The authority that issued the DC's certificate."""
        return self.tls / "ca.pem"

    @property
    def other_ca_file(self) -> Path:
        """An authority that has nothing to do with the DC."""
        return self.tls / "other-ca.pem"

    @property
    def known_domains(self) -> Path:
        """The list that lets its passwords go; beside the folder, in which inventories lie."""
        return self.folder.with_name(f"{self.name}.known-domains")

    @property
    def krb5_conf(self) -> Path:
        """The lab's own Kerberos configuration, for KRB5_CONFIG."""
        return self.folder / "krb5.conf"

    @property
    def keytabs(self) -> Path:
        """The folder of keytabs."""
        return self.folder / "keytabs"

    def keytab(self, name: str) -> Path:
        """Give the keytab of a computer (``hv01``) or of one of ``accounts``."""
        return self.keytabs / f"{name}.keytab"

    @property
    def accounts(self) -> Mapping[str, str]:
        """Account name to password."""
        return ACCOUNTS

    @property
    def log(self) -> Path:
        """The DC's log."""
        return self.folder / "samba.log"

    def principal(self, account: str) -> str:
        """Give an account's user principal name, which a DC takes for a simple bind."""
        return f"{account}@{DOMAIN}"

    def fqdn(self, host: str) -> str:
        """Give a computer's DNS name."""
        return f"{host}.{DOMAIN}"

    def computer_dn(self, host: str) -> str:
        """Give a computer's distinguished name, in capitals as a domain join leaves it."""
        parent = f"CN=Computers,{BASE_DN}" if host == FILE_SERVER else HOSTS_DN
        return f"CN={host.upper()},{parent}"


def migration_values(target: str) -> tuple[str, str]:
    """Give the migration values towards a target, short and FQDN."""
    return (f"{MIGRATION}/{target}", f"{MIGRATION}/{target}.{DOMAIN}")


def cifs_values(target: str) -> tuple[str, str]:
    """Give the storage values towards a target, short and FQDN."""
    return (f"cifs/{target}", f"cifs/{target}.{DOMAIN}")


def escaped(service_principal_name: str) -> str:
    r"""Give the form in which Samba's KDC looks up a service class with spaces (``Hyper-V\ …``)."""
    return service_principal_name.replace(" ", "\\ ")
