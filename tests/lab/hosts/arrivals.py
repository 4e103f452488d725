"""A target's part of migrations: what it demands, prepares, takes over, and undoes.

The order in each is such that a host that is killed anywhere finds, when it starts again, either
the migration as it began, with all that is to be removed, or the machine as its own.
"""

from __future__ import annotations

import hashlib
import os
import random
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PureWindowsPath

from tests.lab.hosts import smbd
from tests.lab.hosts.failures import (
    DISK_FULL,
    EXISTS,
    NO_CREDENTIALS,
    NO_IMAGE,
    NO_MEMORY,
    NO_PATH,
    Reason,
    disabled,
)
from tests.lab.hosts.host import Host
from tests.lab.hosts.state import HostState, Incoming, Machine
from tests.lab.hosts.volume import STAGING, NoSuchPath

KEPT_ARRIVALS = 1000


@dataclass(frozen=True)
class Incompatibility:
    """Why a machine can't come here. 33012 is Hyper-V's own number; the others are the lab's."""

    message: str
    message_id: int
    hresult: int


def staged_names(files: Sequence[str]) -> list[str]:
    """Name files in the folder of a share: by their own names, unless two are the same."""
    names: list[str] = []
    for number, file in enumerate(files):
        name = PureWindowsPath(file).name
        names.append(f"{number}-{name}" if name in names else name)
    return names


def admitted(host: Host, state: HostState) -> None:
    """Raise Reason if this host takes no migrations, or does not believe in Kerberos."""
    if not state.enabled or state.vmms != "Running":
        raise disabled(host.name)
    if state.authentication != "Kerberos":
        raise Reason(f"Host '{host.short}' does not accept Kerberos for migrations", NO_CREDENTIALS)


def unplanned(host: Host, state: HostState, machine_id: str, meant: str) -> None:
    """Raise Reason if a planned machine is in the way, or the one that is meant is not there.

    Whose it is its identifier does not tell. What real hosts do here is not known.
    """
    there = any(one.id == machine_id for one in state.planned)
    if there and meant.casefold() != machine_id.casefold():
        text = (
            f"A planned virtual machine with the identifier {machine_id} exists on '{host.short}'"
        )
        raise Reason(text, EXISTS)
    if meant and not there:
        text = f"There is no planned virtual machine {meant} on '{host.short}'"
        raise Reason(text, NO_PATH)


def judged(
    host: Host, state: HostState, machine: Machine, sizes: Sequence[int]
) -> list[Incompatibility]:
    """Say what speaks against a machine, as it would lie here, in this host's state."""
    found = []
    if machine.switch not in state.switches:
        text = f"Could not find Ethernet switch '{machine.switch}'."
        found.append(Incompatibility(text, 33012, NO_PATH))
    if machine.running and machine.memory > state.memory_free():
        text = (
            f"Not enough memory in the system to start the virtual machine {machine.name} with ram "
            f"size {machine.memory >> 20} megabytes."
        )
        found.append(Incompatibility(text, 21024, NO_MEMORY))
    if sum(sizes) > host.volume.free(state):
        text = f"There is not enough disk space on '{host.short}' for {machine.name}."
        found.append(Incompatibility(text, 21025, DISK_FULL))
    try:
        there = [disk for disk in machine.files if host.volume.file(disk).exists()]
    except NoSuchPath as error:
        text = f"The path '{error}' does not exist on '{host.short}'."
        found.append(Incompatibility(text, 21026, NO_PATH))
    else:
        found += [
            Incompatibility(f"The file '{disk}' exists on '{host.short}'.", 21027, EXISTS)
            for disk in there
        ]
    found += [
        Incompatibility(f"The file '{image}' was not found on '{host.short}'.", 21029, NO_IMAGE)
        for image in [*machine.images, *machine.floppies]
        if not present(host, image)
    ]
    if state.machine(machine.id):
        text = f"A virtual machine with the identifier {machine.id} exists on '{host.short}'."
        found.append(Incompatibility(text, 21028, EXISTS))
    return found


def present(host: Host, path: str) -> bool:
    """Tell whether a file is here."""
    try:
        return host.volume.file(path).exists()
    except NoSuchPath:
        return False


def reserved(
    host: Host, move_id: str, machine: Machine, sizes: list[int], source: str
) -> Incoming | None:
    """Take a slot, memory and disk for a migration; None while there is no slot.

    Raises:
        Reason: the machine can't come here at all.
    """
    with host.store.change() as state:
        admitted(host, state)
        if not state.slot_free():
            return None
        for one in judged(host, state, machine, sizes):
            raise Reason(one.message, one.hresult)
        share = f"{source.upper()}.{random.randrange(10**9, 2**32)}$"
        coming = Incoming(move_id, machine, source, share, sizes)
        state.incoming.append(coming)
        return coming


def opened(host: Host, coming: Incoming, user: str) -> None:
    """Make the disks' files, empty, and the share through which they are filled.

    In the share's folder below ``$VSM$`` each file has a second name: what is written there lies
    in the folder that was chosen.
    """
    staging = host.volume.file(STAGING) / coming.share
    staging.mkdir(parents=True)
    files = coming.machine.files
    for path, name in zip(files, staged_names(files), strict=True):
        file = host.volume.file(path)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
        os.link(file, staging / name)
    smbd.add_share(host, coming.share, staging, user)


def taken_over(host: Host, move_id: str, digests: Sequence[str]) -> None:
    """Make a machine this host's, if all its bytes are here.

    Raises:
        Reason: they are not, or the migration is none any more.
    """
    coming = host.state.expected(move_id)
    if coming is None:
        raise Reason("The migration is not known", EXISTS)
    for disk, size, digest in zip(coming.machine.files, coming.sizes, digests, strict=True):
        data = host.volume.file(disk).read_bytes()
        if len(data) != size or hashlib.sha256(data).hexdigest() != digest:
            raise Reason(f"The file '{disk}' did not arrive whole", NO_PATH)
    with host.store.change() as state:
        still = state.expected(move_id)
        if still is None or still.cancelled:
            raise Reason("The migration is not known", EXISTS)
        state.incoming.remove(still)
        state.machines.append(still.machine)
        state.planned = [one for one in state.planned if one.id != still.machine.id]
        state.arrived = [*state.arrived, move_id][-KEPT_ARRIVALS:]
    closed(host, coming)


def closed(host: Host, coming: Incoming) -> None:
    """Remove a migration's share and its folder; the files keep their other name."""
    smbd.remove_share(host, coming.share)
    shutil.rmtree(host.volume.file(STAGING) / coming.share, ignore_errors=True)
    host.volume.prune(host.volume.file(STAGING))


def undone(host: Host, move_id: str) -> None:
    """Undo a migration that has not arrived: no share, no file, no reservation is left."""
    with host.store.change() as state:
        coming = state.expected(move_id)
        if coming is None:
            return
        coming.cancelled = True
    closed(host, coming)
    host.volume.remove(coming.machine.files)
    with host.store.change() as state:
        state.incoming = [one for one in state.incoming if one.id != move_id]
        known = any(one.id == coming.machine.id for one in state.planned)
        if state.leaves_planned and not known:
            state.planned.append(coming.machine)
