"""What an administrator sees of a host's SMB server: Get-SmbShare, Get-SmbSession, open files.

By SRVSVC calls (MS-SRVS), with a ticket of the operator's, in a program of its own: MIT reads the
realm's configuration once for a process.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from impacket.dcerpc.v5 import srvs, transport
from impacket.dcerpc.v5.dtypes import NULL
from impacket.smb3structs import SMB2_DIALECT_21
from impacket.smbconnection import SMBConnection

from tests.lab.description import OPERATOR, Lab, LabError
from tests.lab.programs import run


@dataclass(frozen=True)
class View:
    """Shares with their paths, sessions as (address, user), open files by path."""

    shares: dict[str, str]
    sessions: set[tuple[str, str]]
    files: list[str]


def look(lab: Lab, host: str, user: str = OPERATOR) -> View:
    """Look at a host; raise LabError if it does not show itself to this user."""
    cache = lab.folder / f"smb-view-{os.getpid()}"
    variables = {"KRB5CCNAME": str(cache), "PYTHONPATH": str(Path(__file__).parents[3])}
    keytab = str(lab.keytab(user))
    try:
        for command in (
            ["kinit", "-k", "-t", keytab, f"{user}@{lab.realm}"],
            ["kvno", f"cifs/{lab.fqdn(host)}@{lab.realm}"],
            [sys.executable, "-m", "tests.lab.hosts.smb_view", lab.host_address(host), host, user],
        ):
            done = run(lab, command, **variables)
            if done.returncode != 0:
                raise LabError(f"{command[0]}: {done.stdout}{done.stderr}")
    finally:
        cache.unlink(missing_ok=True)
    seen = json.loads(done.stdout)
    return View(seen["shares"], {(one, name) for one, name in seen["sessions"]}, seen["files"])


def main(address: str, host: str, user: str) -> None:
    """Print what there is, as JSON."""
    name = f"{host}.corp.example"
    link = SMBConnection(name, address, preferredDialect=SMB2_DIALECT_21)
    link.kerberosLogin(user, "", "CORP.EXAMPLE", useCache=True)
    rpc = transport.SMBTransport(address, filename=r"\srvsvc", smb_connection=link).get_dce_rpc()
    rpc.connect()
    rpc.bind(srvs.MSRPC_UUID_SRVS)
    shares = srvs.hNetrShareEnum(rpc, 2)["InfoStruct"]["ShareInfo"]["Level2"]["Buffer"]
    sessions = srvs.hNetrSessionEnum(rpc, "\0", "\0", 1)["InfoStruct"]["SessionInfo"]["Level1"]
    files = srvs.hNetrFileEnum(rpc, NULL, NULL, 3)["InfoStruct"]["FileInfo"]["Level3"]["Buffer"]
    seen = {
        "shares": {text(one["shi2_netname"]): text(one["shi2_path"]) for one in shares},
        "sessions": [
            (text(one["sesi1_cname"]).strip("\\"), text(one["sesi1_username"]))
            for one in sessions["Buffer"]
        ],
        "files": [text(one["fi3_path_name"]) for one in files],
    }
    json.dump(seen, sys.stdout)


def text(value: str) -> str:
    """Give a text without the zero at its end."""
    return str(value).rstrip("\0")


if __name__ == "__main__":
    main(*sys.argv[1:])
