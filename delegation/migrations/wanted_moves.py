"""What somebody asks for, moves or hosts to be emptied -> a choice, once hosts are read."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from delegation import names
from delegation.errors import Command, UsageError, command
from delegation.hosts.machines import VirtualMachine
from delegation.inventory import Inventory
from delegation.migrations import moves
from delegation.migrations.moves import drain
from delegation.migrations.moves.asked import AskedMove
from delegation.migrations.moves.machine_index import FoundMachine, MachineIndex
from delegation.migrations.moves.movable import is_worth_measuring
from delegation.migrations.moves.placed import Unmovable
from delegation.migrations.moves.surveyed import Surveyed
from delegation.migrations.moves.terms import Terms


@dataclass(frozen=True)
class Choice:
    """What is chosen of hosts that were read.

    ``moving``: which VMs may move, each with its host, while no size is known. ``asked``: what is
    asked for, once they are, and what of it is out of the question.
    """

    moving: Callable[[Surveyed, Terms], Iterable[tuple[str, VirtualMachine]]]
    asked: Callable[[Surveyed, Terms], tuple[Sequence[AskedMove], Sequence[Unmovable]]]


class WantedMoves(Protocol):
    """What somebody asks for: a list of moves, or hosts to be emptied."""

    unmovable_words: tuple[str, str]
    """Why nothing is started where not all of it can be moved, and what to do."""
    nothing_words: str
    """What it means that there is nothing to move."""

    @property
    def shown_by(self) -> Command:
        """The command that shows the plan as it is now."""

    def choice(self, inventory: Inventory) -> Choice:
        """Judge it by the inventory, before any host is asked."""


@dataclass(frozen=True)
class ListedMoves:
    """The text of a list, and the name of its file, by which a problem is told."""

    text: bytes
    file: str
    unmovable_words = (
        "not everything can be moved; nothing was started",
        "take these out of the list, or do what is said",
    )
    nothing_words = "nothing to do: every machine is where it should be"

    @property
    def shown_by(self) -> Command:
        return command("migrate", "plan", self.file)

    def choice(self, inventory: Inventory) -> Choice:
        """Raises InventoryError with all of its problems."""
        return listed(moves.parse(self.text, self.file, inventory))


def listed(asked: Sequence[AskedMove]) -> Choice:
    """Moves that are known before any host is."""

    def moving(surveyed: Surveyed, terms: Terms) -> Iterable[tuple[str, VirtualMachine]]:
        index = MachineIndex(surveyed)
        found: dict[tuple[str, VirtualMachine], None] = {}
        for move in asked:
            there = index.find(move)
            if isinstance(there, FoundMachine) and there.host != move.target:
                found[there.host, there.machine] = None
        return [(host, vm) for host, vm in found if is_worth_measuring(vm, terms.liberties)]

    return Choice(moving, lambda _surveyed, _terms: (asked, ()))


@dataclass(frozen=True)
class DrainedHosts:
    """Hosts to be emptied, as in ``hv[01-02]``; where to is chosen by room and rules."""

    hosts: tuple[str, ...]
    unmovable_words = (
        "not every machine has a target; nothing was moved",
        "with -o FILE the others are saved as a list, to be run without these",
    )
    nothing_words = "nothing to do: the hosts are empty"

    @property
    def shown_by(self) -> Command:
        return command("migrate", "plan", "--drain", ",".join(self.hosts))

    def choice(self, inventory: Inventory) -> Choice:
        """Raises UsageError for a host that is not in the inventory."""
        hosts = host_labels(self.hosts, inventory)

        def moving(surveyed: Surveyed, terms: Terms) -> Iterable[tuple[str, VirtualMachine]]:
            for host in hosts:
                hosted = surveyed.hosts.get(host)
                for machine in hosted.machines if hosted else ():
                    if is_worth_measuring(machine, terms.liberties):
                        yield host, machine

        def asked(
            surveyed: Surveyed, terms: Terms
        ) -> tuple[Sequence[AskedMove], Sequence[Unmovable]]:
            drained = drain.drain(hosts, surveyed, terms)
            return drained.moves, drained.unmovable

        return Choice(moving, asked)


def host_labels(expressions: Iterable[str], inventory: Inventory) -> tuple[str, ...]:
    """The labels that ``hv[01-02],hv07`` and the like mean, FQDNs as well. Raises UsageError."""
    label_of: dict[str, str] = {}
    for host in inventory.hosts.values():
        for name in (host.fqdn, host.computer, host.label):
            label_of[name.casefold()] = host.label
    named: list[str] = []
    try:
        for text in expressions:
            for part in names.split_list(text):
                named += names.expand(part)
    except ValueError as exc:
        raise UsageError(str(exc), "write hosts as in hv[01-08],hv12") from exc
    unknown = [name for name in named if name.casefold() not in label_of]
    if unknown or not named:
        raise UsageError(
            f"no host of the inventory: {names.fold(unknown) or 'nothing was named'}",
            f"its hosts are {names.fold(inventory.hosts)}",
        )
    return tuple(dict.fromkeys(label_of[name.casefold()] for name in named))
