"""A run on the hosts whose operator loses the right in the middle: the product's own parts.

``python -m tests.story.denied_hosts -i FILE hosts apply --yes FOLDER hv03`` is that command. As
soon as any_network has gone off on hv03, whose files are in FOLDER, nobody is its operator any
more: its job can't be asked for its end.
"""

from __future__ import annotations

import sys
from pathlib import Path

from delegation import cli
from delegation.hosts.cim.cim_class import CimClass
from delegation.hosts.cim.cim_client import Cim
from delegation.hosts.cim.cim_link import SealedWire
from delegation.hosts.cim.cim_reference import Reference
from delegation.hosts.places import Account, Place
from delegation.wiring import World
from tests.lab.hosts import control
from tests.lab.hosts.store import Store


class DeniedCim(Cim):
    folder = Path()
    label = ""

    def change(
        self, target: Reference, kind: CimClass, method: str, **arguments: object
    ) -> Reference | None:
        begun = super().change(target, kind, method, **arguments)
        here = self.host.partition(".")[0] == self.label
        if here and method == "RemoveNetworkSettings":
            with Store(self.folder).change() as state:
                assert not state.any_network
                state.operators = []
            control.ask(self.folder, "look")
        return begun


class DeniedWorld(World):
    def host_wmi(self, place: Place, account: Account) -> Cim:
        return DeniedCim(SealedWire(place, account))


if __name__ == "__main__":
    DeniedCim.label = sys.argv.pop()
    DeniedCim.folder = Path(sys.argv.pop())
    sys.exit(cli.run(sys.argv[1:], DeniedWorld))
