"""A name or an id, and hosts as read -> the one machine that is meant, or why there is none."""

from collections import defaultdict
from typing import NamedTuple

from delegation.hosts.machines import VirtualMachine
from delegation.migrations.moves.asked import AskedMove
from delegation.migrations.moves.surveyed import Surveyed


class FoundMachine(NamedTuple):
    """A machine, and the host that has it."""

    host: str
    machine: VirtualMachine


class NotFound(NamedTuple):
    """Why a name means no machine, or no single one; and what to do."""

    why: str
    fix: str


class MachineIndex:
    """Every machine of the hosts that were read, by its name in any case, and by its id."""

    def __init__(self, surveyed: Surveyed) -> None:
        self._unread = surveyed.unread
        self._located: dict[str, list[FoundMachine]] = defaultdict(list)
        for host, hosted in surveyed.hosts.items():
            for machine in hosted.machines:
                for name in {machine.name.casefold(), str(machine.id)}:
                    self._located[name].append(FoundMachine(host, machine))

    def has(self, host: str, machine: VirtualMachine) -> bool:
        """Whether the host has a machine of this one's id."""
        return any(located.host == host for located in self._located[str(machine.id)])

    def find(self, asked: AskedMove) -> FoundMachine | NotFound:
        """The one machine that is meant."""
        everywhere = self._located.get(asked.machine.casefold(), [])
        if asked.source is None:
            return self._only(everywhere) if everywhere else self._nowhere()
        at_source = [located for located in everywhere if located.host == asked.source]
        if at_source:
            return self._only(at_source)
        if asked.source in self._unread:
            why = f"{asked.source} was not read: {self._unread[asked.source]}"
            return NotFound(why, f"see why: delegation hosts show {asked.source}")
        # A list may be older than a move that was made since: then the machine is at its target.
        # Had its source not been read, one of the same name there could be another.
        at_target = [located for located in everywhere if located.host == asked.target]
        if len(at_target) == 1:
            return at_target[0]
        if everywhere:
            hosts = ", ".join(located.host for located in everywhere)
            return NotFound(f"it is not on {asked.source}, but on {hosts}", "correct its source")
        return NotFound(f"it is not on {asked.source}", _LOOK_FOR_IT)

    @staticmethod
    def _only(found: list[FoundMachine]) -> FoundMachine | NotFound:
        if len(found) == 1:
            return found[0]
        places = ", ".join(f"{located.machine.id} on {located.host}" for located in found)
        hosts = {located.host for located in found}
        is_one_a_host = len(hosts) == len(found)
        fix = "name its source, or use its id" if is_one_a_host else "name it by its id"
        return NotFound(f"several machines are called so: {places}", fix)

    def _nowhere(self) -> NotFound:
        not_read = f"; not read: {', '.join(self._unread)}" if self._unread else ""
        return NotFound(f"no host that was read has it{not_read}", _LOOK_FOR_IT)


_LOOK_FOR_IT = "correct its name, or look for it: Get-VM"
