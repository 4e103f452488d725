"""Make the domain: run by the system's Python, which has Samba's bindings, as a program of its own.

Reads a JSON description on standard input (``domain.py`` writes it) and makes, in the folders that
its smb.conf names, the databases of a DC that has never run.
"""
# Outside Debian's Python there is no samba to look at, and inside it is untyped.
# mypy: disable-error-code="import-untyped,import-not-found,unused-ignore"

from __future__ import annotations

import json
import logging
import secrets
import sys
from pathlib import Path
from typing import Any

from samba import Ldb, enable_net_export_keytab, param, sd_utils
from samba.auth import system_session
from samba.dcerpc import security
from samba.ndr import ndr_pack, ndr_unpack
from samba.net import Net
from samba.provision import FILL_FULL, provision
from samba.provision.sambadns import ARecord
from samba.samdb import SamDB

# The schemaIDGUIDs of two attributes and a class, from MS-ADA2, MS-ADA3 and MS-ADSC.
ALLOWED_TO_DELEGATE_TO = "800d94d7-b7a1-42a1-b14d-7cae1423d07f"
USER_ACCOUNT_CONTROL = "bf967a68-0de6-11d0-a285-00aa003049e2"
COMPUTER = "bf967a86-0de6-11d0-a285-00aa003049e2"

NORMAL_ACCOUNT = 0x200
AES = 0x18

SERVER_CLASSES = ("HOST", "RestrictedKrbHost", "WSMAN", "TERMSRV")
VMMS_CLASSES = (
    "Microsoft Virtual System Migration Service",
    "Hyper-V Replica Service",
    "Microsoft Virtual Console Service",
)
"""What VMMS registers when it starts. ``cifs`` is not among them: it resolves through HOST."""


def main(wanted: dict[str, Any]) -> None:
    """Provision a forest, fill its domain, export the keytabs."""
    parameters = param.LoadParm()
    parameters.load(wanted["configuration"])
    result = provision(
        logging.getLogger("provision"),
        system_session(parameters),
        lp=parameters,
        smbconf=wanted["configuration"],
        samdb_fill=FILL_FULL,
        realm=wanted["realm"],
        domain=wanted["netbios_domain"],
        hostname=wanted["dc"],
        hostip=wanted["address"],
        adminpass=wanted["accounts"][wanted["administrator"]],
        serverrole="active directory domain controller",
        dns_backend="SAMBA_INTERNAL",
        # 2008 R2, the highest that every Samba since 4.0 has.
        dom_for_fun_level=4,
        skip_sysvolacl=True,
        batch_mode=True,
    )
    samdb: SamDB = result.samdb
    samdb.transaction_start()
    # Passwords must outlive the 42 days of a new domain: a snapshot may be older.
    samdb.modify_ldif(
        f"dn: {wanted['base_dn']}\nchangetype: modify\nreplace: maxPwdAge\nmaxPwdAge: 0\n"
    )
    register_services(samdb, wanted)
    open_resource_based(samdb, wanted, parameters)
    add_users(samdb, wanted)
    add_unit(samdb, wanted)
    for host in wanted["hosts"]:
        add_computer(samdb, wanted, host, wanted["hosts_dn"], SERVER_CLASSES + VMMS_CLASSES)
    add_computer(
        samdb, wanted, wanted["file_server"], f"CN=Computers,{wanted['base_dn']}", SERVER_CLASSES
    )
    add_addresses(samdb, wanted)
    samdb.transaction_commit()
    grant_privilege(samdb, wanted, parameters)
    export_keytabs(wanted, parameters)


def register_services(samdb: SamDB, wanted: dict[str, Any]) -> None:
    """Register the DC's own services, of which it knows but HOST until it has run for a while."""
    fqdn, short = f"{wanted['dc']}.{wanted['domain']}", wanted["dc"].upper()
    principals = [
        *(f"RestrictedKrbHost/{name}" for name in (fqdn, short)),
        *(f"ldap/{name}" for name in (fqdn, short)),
        *(f"ldap/{fqdn}/{name}" for name in (wanted["domain"], wanted["netbios_domain"])),
        f"GC/{fqdn}/{wanted['domain']}",
    ]
    values = "".join(f"servicePrincipalName: {one}\n" for one in principals)
    samdb.modify_ldif(
        f"dn: CN={short},OU=Domain Controllers,{wanted['base_dn']}\n"
        f"changetype: modify\nadd: servicePrincipalName\n{values}"
    )


def open_resource_based(samdb: SamDB, wanted: dict[str, Any], parameters: param.LoadParm) -> None:
    """Let administrators write the list of resource-based delegation, as Windows does.

    Samba takes the schema's systemOnly by its word and refuses.
    """
    parameters.set("dsdb:schema update allowed", "yes")
    attribute = "CN=ms-DS-Allowed-To-Act-On-Behalf-Of-Other-Identity"
    samdb.modify_ldif(
        f"dn: {attribute},CN=Schema,CN=Configuration,{wanted['base_dn']}\n"
        "changetype: modify\nreplace: systemOnly\nsystemOnly: FALSE\n",
        ["relax:0"],
    )
    parameters.set("dsdb:schema update allowed", "no")


def add_users(samdb: SamDB, wanted: dict[str, Any]) -> None:
    """Add all accounts but the administrator's, which exists."""
    for name, password in wanted["accounts"].items():
        if name != wanted["administrator"]:
            samdb.add(
                {
                    "dn": f"CN={name},CN=Users,{wanted['base_dn']}",
                    "objectClass": "user",
                    "sAMAccountName": name,
                    "userPrincipalName": f"{name}@{wanted['domain']}",
                    "userAccountControl": str(NORMAL_ACCOUNT | wanted["flags"].get(name, 0)),
                    "unicodePwd": quoted(password),
                }
            )


def add_unit(samdb: SamDB, wanted: dict[str, Any]) -> None:
    """Add the hosts' OU, below which the writers may write two properties of computers.

    Before the computers: they inherit its entries when they are added.
    """
    unit = wanted["hosts_dn"]
    samdb.add({"dn": unit, "objectClass": "organizationalUnit"})
    for writer in wanted["writers"]:
        for attribute in (ALLOWED_TO_DELEGATE_TO, USER_ACCOUNT_CONTROL):
            entry = f"(OA;CIIO;WP;{attribute};{COMPUTER};{sid_of(samdb, writer)})"
            sd_utils.SDUtils(samdb).dacl_add_ace(unit, entry)


def add_computer(
    samdb: SamDB, wanted: dict[str, Any], host: str, parent: str, classes: tuple[str, ...]
) -> None:
    """Add a computer as a domain join and its services leave it."""
    short, fqdn = host.upper(), f"{host}.{wanted['domain']}"
    principals = [f"{one}/{name}" for one in classes for name in (short, fqdn)]
    # In the lab only: Samba's KDC looks up a class with spaces in its escaped form.
    migration = wanted["migration"] + "/"
    twins = [one.replace(" ", "\\ ") for one in principals if one.startswith(migration)]
    samdb.add(
        {
            "dn": f"CN={short},{parent}",
            "objectClass": "computer",
            "sAMAccountName": f"{short}$",
            "dNSHostName": fqdn,
            "userAccountControl": str(wanted["computer_flags"]),
            "operatingSystem": "Windows Server 2022 Datacenter",
            "msDS-SupportedEncryptionTypes": str(AES),
            "servicePrincipalName": principals + twins,
            "unicodePwd": quoted(secrets.token_urlsafe(32)),
        }
    )


def add_addresses(samdb: SamDB, wanted: dict[str, Any]) -> None:
    """Register the hosts' addresses in DNS, as each would for itself."""
    zone = f"DC={wanted['domain']},CN=MicrosoftDNS,DC=DomainDnsZones,{wanted['base_dn']}"
    for host, address in wanted["addresses"].items():
        record = ndr_pack(ARecord(address, serial=1))
        samdb.add({"dn": f"DC={host},{zone}", "objectClass": "dnsNode", "dnsRecord": record})


def grant_privilege(samdb: SamDB, wanted: dict[str, Any], parameters: param.LoadParm) -> None:
    """Give SeEnableDelegationPrivilege, which is policy of the DC and not part of any ACL."""
    privileges = Ldb(str(Path(parameters.get("private dir")) / "privilege.ldb"), lp=parameters)
    for account in wanted["privileged"]:
        sid = sid_of(samdb, account)
        privileges.add(
            {
                "dn": f"sid={sid}",
                "objectClass": "privilege",
                # As bytes: text is stored as text here, and then matches nobody, without an error.
                "objectSid": ndr_pack(sid),
                "comment": account,
                "privilege": "SeEnableDelegationPrivilege",
            }
        )


def export_keytabs(wanted: dict[str, Any], parameters: param.LoadParm) -> None:
    """Write one keytab for each computer, as the host itself would hold it, and for each user."""
    enable_net_export_keytab()
    net = Net(None, parameters)
    principals = {host: f"{host.upper()}$" for host in (*wanted["hosts"], wanted["file_server"])}
    principals |= {account: account for account in wanted["accounts"]}
    for name, principal in principals.items():
        keytab = str(Path(wanted["keytabs"]) / f"{name}.keytab")
        net.export_keytab(keytab=keytab, principal=principal)


def sid_of(samdb: SamDB, account: str) -> security.dom_sid:
    """Look up an account's SID."""
    (entry,) = samdb.search(expression=f"(sAMAccountName={account})", attrs=["objectSid"])
    return ndr_unpack(security.dom_sid, entry["objectSid"][0])


def quoted(password: str) -> bytes:
    """Encode a password for unicodePwd (MS-ADTS 3.1.1.3.1.5)."""
    return f'"{password}"'.encode("utf-16-le")


if __name__ == "__main__":
    main(json.load(sys.stdin))
