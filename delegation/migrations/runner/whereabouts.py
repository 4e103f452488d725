"""What the two hosts of a migration say of its VM -> where it is."""

from collections.abc import Iterable, Mapping
from enum import Enum
from uuid import UUID

from delegation.errors import HostError
from delegation.hosts.hosted import Hosted
from delegation.hosts.machines import MachineActivity, VirtualMachine
from delegation.migrations.lifecycle import Migration

Answer = Hosted | HostError
"""What came of looking at a host."""

Sighting = VirtualMachine | HostError | None
"""What a host said of one machine; None: it is not there."""


class Whereabouts(Enum):
    """Where a VM is, as far as its two hosts settle that; the last five don't."""

    SOURCE = "on its source"
    TARGET = "on its target"
    MIGRATING = "on the way"
    BUSY = "on its source, and busy there"
    BOTH = "on both"
    NEITHER = "on neither"
    SILENT = "not told"


def sighting(answer: Answer, machine: UUID) -> Sighting:
    """What a host's answer says of the VM with this id."""
    if isinstance(answer, HostError):
        return answer
    return next((vm for vm in answer.machines if vm.id == machine), None)


def sightings(looks: Mapping[str, Answer], move: Migration) -> dict[str, Sighting]:
    """What both hosts of a migration said of its machine, by label, its source's first."""
    return {host: sighting(looks[host], move.machine) for host in (move.at, move.to)}


def place(looks: Mapping[str, Answer], move: Migration) -> Whereabouts:
    """Where a migration's machine is, by what both of its hosts said."""
    return locate(*sightings(looks, move).values())


def locate(source: Sighting, target: Sighting) -> Whereabouts:
    """Where it is. SOURCE and TARGET take the word of both hosts, and that neither moves it."""
    vms = [seen for seen in (source, target) if isinstance(seen, VirtualMachine)]
    if any(vm.migrating for vm in vms):
        return Whereabouts.MIGRATING
    if isinstance(source, HostError) or isinstance(target, HostError):
        return Whereabouts.SILENT
    if target is None and source is not None and source.activity is MachineActivity.BUSY:
        return Whereabouts.BUSY
    return {
        (True, False): Whereabouts.SOURCE,
        (False, True): Whereabouts.TARGET,
        (True, True): Whereabouts.BOTH,
        (False, False): Whereabouts.NEITHER,
    }[source is not None, target is not None]


def why_unsettled(where: Whereabouts, sightings: Mapping[str, Sighting]) -> str:
    """Why a VM's place settles nothing; ``sightings`` by label, its source's first."""
    hosts = " and ".join(sightings)
    match where:
        case Whereabouts.SILENT:
            return _silence(sightings)[0]
        case Whereabouts.BOTH:
            return f"{hosts} both say that they have it"
        case Whereabouts.NEITHER:
            return f"neither {hosts.replace(' and ', ' nor ')} has it"
        case Whereabouts.MIGRATING:
            return "it is migrating, and nothing is heard of its end"
        case Whereabouts.BUSY:
            source, *_ = sightings
            return f"{source} is busy with it: a backup, a checkpoint or a merge of disks"
    return f"it is {where.value}"


def what_to_do(where: Whereabouts, sightings: Mapping[str, Sighting]) -> str:
    """About a place that settles nothing; empty where there is only to wait."""
    match where:
        case Whereabouts.SILENT:
            return _silence(sightings)[1]
        case Whereabouts.BOTH:
            return (
                "look at it on both hosts, and never start both: one of the two is a leftover, to "
                "be removed there by hand"
            )
        case Whereabouts.NEITHER:
            return (
                "somebody has removed it, or moved it on: look for it on the other hosts, and take "
                "it out of the list"
            )
    return ""


def _silence(sightings: Mapping[str, Sighting]) -> tuple[str, str]:
    """Why hosts told nothing, and what to do."""
    return errors_in_words(seen for seen in sightings.values() if isinstance(seen, HostError))


def errors_in_words(errors: Iterable[HostError]) -> tuple[str, str]:
    """What is wrong with hosts that can't be asked, and what to do: what is alike once."""
    listed = list(errors)
    whats = dict.fromkeys(error.what for error in listed)
    fixes = dict.fromkeys(error.fix for error in listed if error.fix)
    return "; ".join(whats), "; ".join(fixes)
