"""A machine as its host tells it -> why no host could take it, and what to do."""

from collections.abc import Iterator
from dataclasses import replace

from delegation.hosts.machines import MachineActivity, MachineState, VirtualMachine
from delegation.migrations.moves.surveyed import told_disk
from delegation.migrations.moves.terms import Liberties
from delegation.migrations.moves.volumes import is_share, server_of, volume_of
from delegation.migrations.schedule.obstacles import size

MIGRATING = "it is being migrated already"


def is_worth_measuring(machine: VirtualMachine, liberties: Liberties) -> bool:
    """Whether its size matters: it may move; or it is on a share, where that much can be told."""
    unmeasured = replace(liberties, assume_full=False)
    by_itself = replace(machine, disks=tuple(d for d in machine.disks if not is_share(d.path)))
    return why_immovable(by_itself, unmeasured) is None


def why_immovable(machine: VirtualMachine, liberties: Liberties) -> tuple[str, str] | None:
    """Why no host could take this machine now, and what to do: the first thing first."""
    return next(_obstacles(machine, liberties), None)


def _obstacles(machine: VirtualMachine, liberties: Liberties) -> Iterator[tuple[str, str]]:
    if machine.migrating:
        yield MIGRATING, "wait for the end of that"
    # A backup or a merge of disks ends by itself, whatever state the machine is in for it.
    is_at_rest = machine.activity is not MachineActivity.BUSY
    if machine.state is MachineState.OTHER and is_at_rest:
        status = ", ".join(map(str, machine.status)) or "none told"
        why = f"its state does not allow it (OperationalStatus: {status})"
        yield why, "look at it on its host"
    if machine.is_chained and not liberties.with_checkpoints:
        merge = "delete its checkpoints, or merge its disks, and wait for the end of that"
        unseen = "--with-checkpoints moves it all the same, which was never seen on Windows"
        yield _chain_in_words(machine), f"{merge}; {unseen}"
    yield from _on_shares(machine)
    if liberties.assume_full and machine.disk is None:
        why = "how large its disks are is not told, and what is not told fits nowhere"
        yield why, "move it without --assume-full, once you know that it fits"


def _chain_in_words(machine: VirtualMachine) -> str:
    if machine.checkpoints:
        count = machine.checkpoints
        return f"it has {count} checkpoint{'s' if count > 1 else ''}"
    return "its disks hold differences to other files"


def _on_shares(machine: VirtualMachine) -> Iterator[tuple[str, str]]:
    """Disks on a share, where they would stay, beside others or all of them.

    How a request lists a disk that stays is not known. All that are listed move, which would take
    the one on the share away from there; that Windows does that was never seen, either.
    """
    on_shares = [disk for disk in machine.disks if is_share(disk.path)]
    if not on_shares:
        return
    shares = ", ".join(sorted({volume_of(disk.path) for disk in on_shares}))
    servers = sorted({server_of(disk.path) for disk in on_shares})
    if len(on_shares) < len(machine.disks):
        yield (
            f"some of its disks are on a share ({shares}), and others are not",
            "bring all of its disks to its host first: Move-VMStorage there",
        )
    fix = "bring its disks to its host first (Move-VMStorage there), or move it by hand"
    if machine.disk is None:
        values = " and ".join(f"cifs/{server}" for server in servers)
        yield (
            f"its disks are on a share ({shares}), and how large they are is not told",
            (
                f"{fix}; to tell that, its host needs {values} among what it may delegate to "
                "(file_servers)"
            ),
        )
    told = size(told_disk(machine))
    why = (
        f"its disks are on a share ({shares}, {told}): that Windows takes them along was never seen"
    )
    yield why, fix
