"""The domain's life: provision once, keep it as a snapshot, and come back to it in two ways.

- ``restore`` ends the DC, copies the snapshot of its databases over and starts it: half a second.
- ``reset`` leaves the DC running, compares the users, groups, computers and units that were written
  meanwhile with what was recorded at the first start, and writes what differs: for between tests.
  It does not look at passwords, DNS records, the schema and the configuration.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.lab import certificates, dc, description, pristine
from tests.lab.configuration import configure
from tests.lab.description import Lab, LabError
from tests.lab.programs import PACKAGES, run_samba

SYSTEM_PYTHON = "/usr/bin/python3"
"""Samba's bindings are a package of the system and exist for its Python only."""
MAKERS = ("description.py", "configuration.py", "certificates.py", "provision.py", "pristine.py")
"""The sources that decide what a snapshot holds."""


def start(lab: Lab) -> None:
    """Bring the DC up as it was left; harmless if it runs.

    Where there is no snapshot, or one that another version of the lab made, it is made first.

    Raises:
        LabError: the DC does not come up.
    """
    with guarded(lab):
        if not is_current(lab):
            make(lab)
        if not (lab.folder / "dc").exists():
            copy_snapshot(lab)
        dc.launch(lab)


def restore(lab: Lab) -> None:
    """Bring the DC up as new.

    Raises:
        LabError: the DC does not come up.
    """
    with guarded(lab):
        if not is_current(lab):
            make(lab)
            return
        dc.end(lab, signal.SIGKILL)
        copy_snapshot(lab)
        dc.launch(lab)


def stop(lab: Lab) -> None:
    """End the DC's processes, and no others; harmless if there are none."""
    with guarded(lab):
        dc.end(lab, signal.SIGTERM)


def kill(lab: Lab) -> None:
    """Let the DC die at once, as in a power cut; ``start`` finds what it had written."""
    dc.end(lab, signal.SIGKILL)


def reset(lab: Lab) -> None:
    """Put all objects back to pristine with the DC running, whatever was done to them.

    Starts the DC if it does not run, and restores it where writing is not enough, for instance
    because an object is gone.

    Raises:
        LabError: the DC does not come up.
    """
    try:
        is_back = pristine.put_back(lab, record(lab))
    except LabError:
        # It does not answer. To look for its processes first would take as long as all the rest.
        start(lab)
        is_back = pristine.put_back(lab, record(lab))
    if not is_back:
        restore(lab)


def make(lab: Lab) -> None:
    """Provision the domain and keep it as a snapshot; ends with the DC running."""
    dc.end(lab, signal.SIGKILL)
    for name in ("dc", "pristine", "tls", "keytabs"):
        shutil.rmtree(lab.folder / name, ignore_errors=True)
    lab.keytabs.mkdir(mode=0o700)
    certificates.issue(lab)
    provision(lab)
    snapshot = lab.folder / "pristine"
    snapshot.mkdir()
    (lab.folder / "dc").rename(snapshot / "dc")
    copy_snapshot(lab)
    dc.launch(lab)
    pristine.record(pristine.present(lab), record(lab))
    # Last: a provision that was interrupted does not count.
    stamp(lab).write_text(key(lab))


def provision(lab: Lab) -> None:
    """Make the databases, in the system's Python; raise LabError if that fails."""
    wanted = {
        "configuration": str(configure(lab)),
        "keytabs": str(lab.keytabs),
        "address": lab.address,
        "dc": lab.dc_name,
        "domain": lab.domain,
        "realm": lab.realm,
        "netbios_domain": description.NETBIOS_DOMAIN,
        "base_dn": lab.base_dn,
        "hosts_dn": lab.hosts_dn,
        "hosts": description.HOSTS,
        "addresses": {host: lab.host_address(host) for host in description.HOSTS},
        "file_server": description.FILE_SERVER,
        "computer_flags": description.WORKSTATION_TRUST_ACCOUNT,
        "migration": description.MIGRATION,
        "administrator": description.ADMINISTRATOR,
        "accounts": dict(lab.accounts),
        "flags": {description.PROTECTED_OPERATOR: description.NOT_DELEGATED},
        "writers": [description.WRITER, description.WRITER_WITHOUT_PRIVILEGE],
        "privileged": [description.WRITER],
    }
    program = Path(__file__).with_name("provision.py")
    command = [SYSTEM_PYTHON, "-I", str(program)]
    done = run_samba(lab, command, json.dumps(wanted), program.parent)
    if done.returncode != 0:
        raise LabError(
            f"provisioning fails; is everything of {PACKAGES} installed? "
            f"`./scripts/lab packages` does it\n{done.stdout[-2000:]}{done.stderr[-4000:]}"
        )


def copy_snapshot(lab: Lab) -> None:
    """Put a copy of the snapshot where the DC works."""
    shutil.rmtree(lab.folder / "dc", ignore_errors=True)
    shutil.copytree(lab.folder / "pristine" / "dc", lab.folder / "dc", symlinks=True)
    lab.log.unlink(missing_ok=True)


def is_current(lab: Lab) -> bool:
    """Tell whether there is a whole snapshot, made by this code for this Samba and this place."""
    return stamp(lab).exists() and stamp(lab).read_text() == key(lab)


def key(lab: Lab) -> str:
    """Give a digest of all that a snapshot depends on."""
    digest = hashlib.sha256(f"{lab.folder} {lab.durable}".encode())
    digest.update(run_samba(lab, ["samba", "--version"]).stdout.encode())
    for name in MAKERS:
        digest.update(Path(__file__).with_name(name).read_bytes())
    return digest.hexdigest()


def stamp(lab: Lab) -> Path:
    """Give the file that holds a whole snapshot's ``key``."""
    return lab.folder / "pristine" / "key"


def record(lab: Lab) -> Path:
    """Give the file in which all objects are written down as they were at the first start."""
    return lab.folder / "pristine" / "objects.json"


@contextmanager
def guarded(lab: Lab) -> Iterator[None]:
    """Let one process at a time provision, start or stop a lab; a second one waits."""
    lab.folder.mkdir(parents=True, exist_ok=True)
    with (lab.folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
