"""The SMB server of a lab host: a domain member's smbd with a dedicated keytab, Kerberos only.

It has not joined. The host's key is in its keytab, and the lab DC's own winbindd takes tickets
apart for it, at the socket where smbd looks in a mount namespace of its own. In that, a passwd of
its own names the users it knows: the host's operators, who are administrators to its RPC server,
and ``nobody``, who is everybody else.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.lab import configuration, dc, programs
from tests.lab.description import NETBIOS_DOMAIN, LabError
from tests.lab.hosts import ports, processes
from tests.lab.hosts.host import Host

START_SECONDS = 20.0
BUILTIN = {"S-1-5-32-544": "root", "S-1-5-32-545": "users", "S-1-5-32-546": "nogroup"}
ADMINISTRATORS = "S-1-5-32-544"
FIRST_UID = 200000
FOLDERS = {
    "lock directory": "lock",
    "state directory": "state",
    "cache directory": "cache",
    "private dir": "private",
    "pid directory": "pid",
    "ncalrpc dir": "ncalrpc",
}

ENTER = """\
mount -t tmpfs tmpfs /run
mkdir /run/lab
mount --bind "$1" /run/lab
ln -s /run/lab/dc/sockets /run/samba
mount --bind "$2/passwd" /etc/passwd
exec smbd "--configfile=$2/smb.conf" --foreground --no-process-group
"""
"""By way of the lab's folder: a DC that is restored has its sockets in a new folder there."""


def folder(host: Host) -> Path:
    """Give the folder of smbd's files, by a way that is short enough for its sockets."""
    return configuration.state(host.lab).parent / "hosts" / host.name / "samba"


def configure(host: Host, operators: list[str]) -> None:
    """Write all that smbd reads, with the host's operators."""
    here = folder(host)
    for each in FOLDERS.values():
        (here / each).mkdir(parents=True, exist_ok=True)
    paths = "\n".join(f"    {option} = {here}/{each}" for option, each in FOLDERS.items())
    (here / "smb.conf").write_text(f"""\
[global]
    netbios name = {host.short}
    workgroup = {NETBIOS_DOMAIN}
    realm = {host.lab.realm}
    server role = member server
    interfaces = {host.address}/8
    bind interfaces only = yes
    smb ports = {ports.SMB}
    disable netbios = yes
    kerberos method = dedicated keytab
    dedicated keytab file = {host.keytab}
    username map = {here}/users
    idmap config * : backend = tdb
    idmap config * : range = 100000-199999
    registry shares = yes
    load printers = no
    disable spoolss = yes
    server min protocol = SMB2_10
    restrict anonymous = 2
    log file = {here}/smbd.log
    log level = 1
    max log size = 10000
{paths}
""")
    if not (here / "state" / "group_mapping.tdb").exists():
        for sid, group in BUILTIN.items():
            net(host, "groupmap", "add", f"sid={sid}", f"unixgroup={group}", "type=builtin")
    admit(host, operators)


def admit(host: Host, operators: list[str]) -> None:
    """Let exactly these users administer the SMB server; it reads what is written here itself."""
    here = folder(host)
    known = here / "uids"
    uids = dict(line.split(":") for line in known.read_text().split()) if known.exists() else {}
    for operator in operators:
        if operator.casefold() not in uids:
            uid = str(FIRST_UID + len(uids))
            net(host, "groupmap", "addmem", ADMINISTRATORS, f"S-1-22-1-{uid}")
            uids[operator.casefold()] = uid
    known.write_text("".join(f"{user}:{uid}\n" for user, uid in uids.items()))
    users = {user: uids[user.casefold()] for user in operators}
    accounts = {"root": "0", "nobody": "65534"} | users
    # In place: the file that smbd sees is this one, not its name.
    with (here / "passwd").open("w") as passwd:
        passwd.writelines(f"{user}:x:{uid}:65534::/:/bin/false\n" for user, uid in accounts.items())
    mapped = "".join(f"!{user} = {NETBIOS_DOMAIN}\\{user}\n" for user in users)
    (here / "users").write_text(f"{mapped}nobody = *\n")


def launch(host: Host) -> subprocess.Popen[bytes]:
    """Start it, as a child that dies with the calling process, and wait until it listens.

    Raises:
        LabError: it does not come up; the message ends with the end of its log.
    """
    here = folder(host)
    # Death of the caller kills unshare, and that kills the first process of the namespace.
    command = ["setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "--pid", "--fork"]
    command += ["--kill-child", "--propagation", "private", "sh", "-ec", ENTER, "sh"]
    with (here / "start.log").open("wb") as log:
        started = subprocess.Popen(
            [*command, str(host.lab.folder), str(here)],
            cwd=host.folder,
            env=programs.environment(host.lab),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )

    def listens() -> bool:
        return processes.listens(host.address, ports.SMB)

    dc.until(lambda: started.poll() is not None or listens(), START_SECONDS)
    if started.poll() is not None or not listens():
        text = "".join(
            file.read_text(errors="replace")[-2000:]
            for file in (here / "start.log", here / "smbd.log")
            if file.exists()
        )
        raise LabError(f"the SMB server of {host.name} does not come up: {text}")
    return started


def add_share(host: Host, share: str, path: Path, user: str) -> None:
    """Add a share of a folder for one user, whose files are the host's own."""
    options = {
        "path": path,
        "comment": f"Migration of {user}",
        "read only": "no",
        "valid users": user,
        "force user": "root",
    }
    lines = "".join(f"    {option} = {value}\n" for option, value in options.items())
    net(host, "conf", "import", "/dev/stdin", share, text=f"[{share}]\n{lines}")


def remove_share(host: Host, share: str) -> None:
    """Remove a share; harmless if it is gone."""
    done = run_net(host, "conf", "delshare", share)
    if done.returncode != 0 and "SBC_ERR_NO_SUCH_SERVICE" not in done.stderr:
        raise LabError(f"the share {share} of {host.name} stays: {done.stdout}{done.stderr}")


def shares(host: Host) -> list[str]:
    """List the shares."""
    return net(host, "conf", "listshares").split()


def net(host: Host, *arguments: str, text: str = "") -> str:
    """Run Samba's ``net`` on the host's configuration; raise LabError if it fails."""
    done = run_net(host, *arguments, text=text)
    if done.returncode != 0:
        raise LabError(f"net {arguments} at {host.name}: {done.stdout}{done.stderr}")
    return done.stdout


def run_net(host: Host, *arguments: str, text: str = "") -> subprocess.CompletedProcess[str]:
    """Run Samba's ``net`` on the host's configuration."""
    configured = f"--configfile={folder(host)}/smb.conf"
    return programs.run(host.lab, ["net", configured, *arguments], text)
