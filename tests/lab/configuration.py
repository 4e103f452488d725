"""The DC's configuration files, written anew at each start for the place where the lab is."""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.lab.description import NETBIOS_DOMAIN, Lab

LONGEST_FOLDER = 55
"""Unix sockets below the folder need up to 50 more of the 107 characters that the kernel takes."""


def state(lab: Lab) -> Path:
    """Give the folder of the DC's state, by a short way where the path is too long for sockets.

    The short way is a link below the system's temporary folder, recorded in ``short-path``.
    """
    if len(str(lab.folder)) <= LONGEST_FOLDER:
        return lab.folder / "dc"
    record = lab.folder / "short-path"
    if record.exists():
        link = Path(record.read_text().strip())
        if link.is_symlink() and link.readlink() == lab.folder:
            return link / "dc"
    link = Path(tempfile.mkdtemp(prefix="lab-")) / "lab"
    link.symlink_to(lab.folder)
    record.write_text(f"{link}\n")
    return link / "dc"


def configure(lab: Lab) -> Path:
    """Write smb.conf and krb5.conf, make the folders they name, and give smb.conf's path.

    Strong authentication stays at Samba's default: required. No service listens that the tests do
    not need, and none elsewhere than on the lab's address.
    """
    folder = state(lab)
    for name in (
        "private",
        "lock",
        "state",
        "cache",
        "pid",
        "ncalrpc",
        "sockets/winbindd",
        "sysvol",
    ):
        (folder / name).mkdir(parents=True, exist_ok=True)
    path = folder / "smb.conf"
    path.write_text(f"""\
[global]
    netbios name = {lab.dc_name.upper()}
    workgroup = {NETBIOS_DOMAIN}
    realm = {lab.realm}
    server role = active directory domain controller
    server services = rpc, ldap, cldap, kdc, dns, winbindd
    prefork children = 1
    prefork children:ldap = 4
    interfaces = {lab.address}/8
    bind interfaces only = yes
    disable netbios = yes
    dns forwarder =
    private dir = {folder}/private
    lock directory = {folder}/lock
    state directory = {folder}/state
    cache directory = {folder}/cache
    pid directory = {folder}/pid
    ncalrpc dir = {folder}/ncalrpc
    winbindd socket directory = {folder}/sockets/winbindd
    ntp signd socket directory = {folder}/sockets
    log file = {lab.log}
    log level = 1 auth_audit:2 dsdb_audit:1
    max log size = 10000
    tls enabled = yes
    tls certfile = {lab.tls}/dc.pem
    tls keyfile = {lab.tls}/dc.key
    tls cafile = {lab.ca_file}
    ldb:nosync = {"no" if lab.durable else "yes"}
[sysvol]
    path = {folder}/sysvol
[netlogon]
    path = {folder}/sysvol/{lab.domain}/scripts
""")
    lab.krb5_conf.write_text(f"""\
[libdefaults]
    default_realm = {lab.realm}
    dns_lookup_realm = false
    dns_lookup_kdc = false
    dns_canonicalize_hostname = false
    rdns = false
    # Without it no S4U ticket can be passed on.
    forwardable = true
    udp_preference_limit = 1
[realms]
    {lab.realm} = {{
        kdc = {lab.address}
        admin_server = {lab.address}
    }}
[domain_realm]
    {lab.domain} = {lab.realm}
    .{lab.domain} = {lab.realm}
""")
    return path
