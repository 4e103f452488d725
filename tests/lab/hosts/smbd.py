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
from tests.lab.description import NETBIOS_DOMAIN, Lab, LabError
from tests.lab.hosts import ports, processes

START_SECONDS = 20.0
BUILTIN = {"S-1-5-32-544": "root", "S-1-5-32-545": "users", "S-1-5-32-546": "nogroup"}
ADMINISTRATORS = "S-1-5-32-544"
FIRST_UID = 200000
FOLDERS = ("lock", "state", "cache", "private", "pid", "ncalrpc")

ENTER = """\
mount -t tmpfs tmpfs /run
mkdir /run/lab
mount --bind "$1" /run/lab
ln -s /run/lab/dc/sockets /run/samba
mount --bind "$2/passwd" /etc/passwd
exec smbd "--configfile=$2/smb.conf" --foreground --no-process-group
"""
"""By way of the lab's folder: a DC that is restored has its sockets in a new folder there."""


def folder(lab: Lab, name: str) -> Path:
    """Give the folder of smbd's files, by a way that is short enough for its sockets."""
    return configuration.state(lab).parent / "hosts" / name / "samba"


def configure(lab: Lab, name: str, operators: list[str]) -> None:
    """Write all that smbd reads, with the host's operators."""
    here = folder(lab, name)
    for each in FOLDERS:
        (here / each).mkdir(parents=True, exist_ok=True)
    paths = "\n".join(
        f"    {option} = {here}/{each}"
        for option, each in zip(
            (
                "lock directory",
                "state directory",
                "cache directory",
                "private dir",
                "pid directory",
                "ncalrpc dir",
            ),
            FOLDERS,
            strict=True,
        )
    )
    (here / "smb.conf").write_text(f"""\
[global]
    netbios name = {name.upper()}
    workgroup = {NETBIOS_DOMAIN}
    realm = {lab.realm}
    server role = member server
    interfaces = {lab.host_address(name)}/8
    bind interfaces only = yes
    smb ports = {ports.SMB}
    disable netbios = yes
    kerberos method = dedicated keytab
    dedicated keytab file = {lab.keytab(name)}
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
            net(lab, name, "groupmap", "add", f"sid={sid}", f"unixgroup={group}", "type=builtin")
    admit(lab, name, operators)


def admit(lab: Lab, name: str, operators: list[str]) -> None:
    """Let exactly these users administer the SMB server; it reads what is written here itself."""
    here = folder(lab, name)
    known = here / "uids"
    uids = dict(line.split(":") for line in known.read_text().split()) if known.exists() else {}
    for operator in operators:
        if operator.casefold() not in uids:
            uid = str(FIRST_UID + len(uids))
            net(lab, name, "groupmap", "addmem", ADMINISTRATORS, f"S-1-22-1-{uid}")
            uids[operator.casefold()] = uid
    known.write_text("".join(f"{user}:{uid}\n" for user, uid in uids.items()))
    users = {user: uids[user.casefold()] for user in operators}
    accounts = {"root": "0", "nobody": "65534"} | users
    # In place: the file that smbd sees is this one, not its name.
    with (here / "passwd").open("w") as passwd:
        passwd.writelines(f"{user}:x:{uid}:65534::/:/bin/false\n" for user, uid in accounts.items())
    mapped = "".join(f"!{user} = {NETBIOS_DOMAIN}\\{user}\n" for user in users)
    (here / "users").write_text(f"{mapped}nobody = *\n")


def launch(lab: Lab, name: str) -> subprocess.Popen[bytes]:
    """Start it, as a child that dies with the calling process, and wait until it listens.

    Raises:
        LabError: it does not come up; the message ends with the end of its log.
    """
    here = folder(lab, name)
    # Death of the caller kills unshare, and that kills the first process of the namespace.
    command = ["setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "--pid", "--fork"]
    command += ["--kill-child", "--propagation", "private", "sh", "-ec", ENTER, "sh"]
    with (here / "start.log").open("wb") as log:
        started = subprocess.Popen(
            [*command, str(lab.folder), str(here)],
            cwd=lab.folder / "hosts" / name,
            env=programs.environment(lab),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    address = lab.host_address(name)
    dc.until(
        lambda: started.poll() is not None or processes.listens(address, ports.SMB), START_SECONDS
    )
    if started.poll() is not None or not processes.listens(address, ports.SMB):
        text = "".join(
            file.read_text(errors="replace")[-2000:]
            for file in (here / "start.log", here / "smbd.log")
            if file.exists()
        )
        raise LabError(f"the SMB server of {name} does not come up: {text}")
    return started


def add_share(lab: Lab, name: str, share: str, path: Path, user: str) -> None:
    """Add a share of a folder for one user, whose files are the host's own."""
    options = {
        "path": path,
        "comment": f"Migration of {user}",
        "read only": "no",
        "valid users": user,
        "force user": "root",
    }
    lines = "".join(f"    {option} = {value}\n" for option, value in options.items())
    net(lab, name, "conf", "import", "/dev/stdin", share, text=f"[{share}]\n{lines}")


def remove_share(lab: Lab, name: str, share: str) -> None:
    """Remove a share; harmless if it is gone."""
    done = run_net(lab, name, "conf", "delshare", share)
    if done.returncode != 0 and "SBC_ERR_NO_SUCH_SERVICE" not in done.stderr:
        raise LabError(f"the share {share} of {name} stays: {done.stdout}{done.stderr}")


def shares(lab: Lab, name: str) -> list[str]:
    """List the shares."""
    return net(lab, name, "conf", "listshares").split()


def net(lab: Lab, name: str, *arguments: str, text: str = "") -> str:
    """Run Samba's ``net`` on the host's configuration; raise LabError if it fails."""
    done = run_net(lab, name, *arguments, text=text)
    if done.returncode != 0:
        raise LabError(f"net {arguments} at {name}: {done.stdout}{done.stderr}")
    return done.stdout


def run_net(
    lab: Lab, name: str, *arguments: str, text: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run Samba's ``net`` on the host's configuration."""
    configured = f"--configfile={folder(lab, name)}/smb.conf"
    return programs.run(lab, ["net", configured, *arguments], text)
