"""A machine as its host tells it -> why no host could take it, and what to do."""

from collections.abc import Iterator

from delegation.hosts.machines import MachineActivity, MachineState, VirtualMachine
from delegation.migrations.moves.terms import Liberties
from delegation.migrations.moves.volumes import is_share, volume_of

MIGRATING = "it is being migrated already"


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
    yield from _mixed_places(machine)
    if liberties.assume_full and machine.disk is None:
        why = "how large its disks are is not told, and what is not told fits nowhere"
        yield why, "move it without --assume-full, once you know that it fits"


def _chain_in_words(machine: VirtualMachine) -> str:
    if machine.checkpoints:
        count = machine.checkpoints
        return f"it has {count} checkpoint{'s' if count > 1 else ''}"
    return "its disks hold differences to other files"


def _mixed_places(machine: VirtualMachine) -> Iterator[tuple[str, str]]:
    """Disks that would stay on a share, beside others that move with it.

    How a request lists a disk that stays is not known. All of them are listed as moving, which
    would take the one on the share away from there.
    """
    on_shares = [disk.path for disk in machine.disks if is_share(disk.path)]
    if on_shares and len(on_shares) < len(machine.disks):
        shares = ", ".join(sorted({volume_of(path) for path in on_shares}))
        yield (
            f"some of its disks are on a share ({shares}), and others are not",
            "bring all of its disks to one kind of place first: Move-VMStorage on its host",
        )
