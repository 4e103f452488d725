"""An inventory -> from which host to which its machines may go, by what slots and what rules."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from delegation.inventory import Inventory, Slots
from delegation.mesh.desired import expand
from delegation.migrations.moves.affinity import AffinityRules
from delegation.migrations.schedule import Move


@dataclass(frozen=True, slots=True)
class Liberties:
    """What whoever asks for moves says of what can't be told, or is not known.

    ``assume_full``: a place whose free space is not told has none. ``with_checkpoints``: machines
    with checkpoints or differencing disks are moved all the same; how Windows does that is
    unverified.
    """

    assume_full: bool = False
    with_checkpoints: bool = False

    @property
    def options(self) -> tuple[str, ...]:
        """As they are typed."""
        said = {"--with-checkpoints": self.with_checkpoints, "--assume-full": self.assume_full}
        return tuple(option for option, is_said in said.items() if is_said)


@dataclass(frozen=True)
class Terms:
    """``reach`` has the hosts that each host may migrate to, by label: the pairs of the meshes."""

    domain: str
    reach: Mapping[str, frozenset[str]]
    slots: Slots = Slots.BOTH
    rules: AffinityRules = field(default_factory=AffinityRules)
    liberties: Liberties = Liberties()

    @classmethod
    def of(cls, inventory: Inventory, liberties: Liberties = Liberties()) -> "Terms":
        """Raises Refused for a mesh beyond all bounds."""
        wanted = inventory.migrate
        rules = AffinityRules(wanted.affinity)
        return cls(inventory.domain, reachable_hosts(inventory), wanted.slots, rules, liberties)

    def reaches(self, source: str, target: str) -> bool:
        return target in self.reach.get(source, ())

    def via(self, move: Move, source: str, to: str) -> bool:
        """Whether a machine may be put aside on a host: from there it must reach its target.

        A host that affinity closes to the machine is closed for a while, too. But machines that
        are to be apart, or together, may not be so while one of them is on its way.
        """
        only = self.rules.only_on(move.name)
        is_open = only is None or to in only
        return is_open and self.reaches(source, to) and self.reaches(to, move.target)


def reachable_hosts(inventory: Inventory) -> dict[str, frozenset[str]]:
    """The hosts that each host may migrate to: those that its account may delegate to.

    Raises Refused for a mesh beyond all bounds.
    """
    found = {}
    for label, delegate in expand(inventory).delegates.items():
        hosts = (endpoint.label for endpoint in delegate.endpoints if endpoint.is_host)
        found[label] = frozenset(hosts)
    return found
