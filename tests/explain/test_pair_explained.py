"""A pair explained as a use case: hosts are asked where that is meant, and nobody has to log on."""

from pathlib import Path

import pytest

from delegation.errors import HostRefused, Refused, UsageError
from delegation.explain import LinkState
from delegation.explain.explanation_view import ExplanationView
from delegation.explain.pair_explained import ExplainWorld, PairRequest, explain_pair
from delegation.hosts.hypervisor import Open
from delegation.wiring import World
from tests.cli.world import INVENTORY, finished
from tests.mesh.worlds import contents, world

REMOTE = INVENTORY + "remoting: {user: vmadmin}\n"


class NoLogon(World):
    """To whose hosts nobody can log on."""

    def hosts(self) -> Open:
        raise Refused("no ticket", "kinit")


class Silent(World):
    """Whose hosts do not let anybody in."""

    def hosts(self) -> Open:
        def refused(label: str) -> None:
            raise HostRefused(f"{label} refuses", "ask for rights")

        return refused  # type: ignore[return-value]


def explained(
    folder: Path, *more: object, kind: type[World] = World, inventory: str = REMOTE
) -> ExplanationView:
    where, _ = world(folder, finished(), inventory, kind)
    return explain_pair(where, PairRequest("hv01", "hv02", *more))  # type: ignore[arg-type]


def names(view: ExplanationView, state: LinkState) -> list[str]:
    return [link.name for link in view.explanation.links if link.state is state]


def test_its_world_has_no_write() -> None:
    abilities = {name for name in dir(ExplainWorld) if not name.startswith("_")}
    assert abilities == {"hosts", "inventory", "reading", "teller"}


def test_hosts_are_left_alone_where_nobody_means_them(tmp_path: Path) -> None:
    view = explained(tmp_path, inventory=INVENTORY, kind=NoLogon)
    assert len(view.explanation.links) == 12
    assert view.hosts_unasked is None
    assert view.wants_operator
    assert str(view.with_operator) == "delegation explain hv01 hv02 --as USER"


def test_without_a_logon_the_directory_still_tells(tmp_path: Path) -> None:
    before = contents(tmp_path)
    view = explained(tmp_path, kind=NoLogon)
    assert view.hosts_unasked is not None
    assert view.hosts_unasked.fix == "kinit"
    assert "values" in names(view, LinkState.OK)
    assert contents(tmp_path, "inventory.yaml", "directory.ldif") == before


def test_a_logon_that_somebody_meant_has_to_work(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="no ticket"):
        explained(tmp_path, None, False, None, True, kind=NoLogon)


def test_a_host_that_refuses_is_a_broken_link(tmp_path: Path) -> None:
    view = explained(tmp_path, None, True, "web01", kind=Silent)
    assert view.explanation.broken
    assert view.explanation.broken.name == "remote management"
    assert "remote management" in names(view, LinkState.BROKEN)
    assert str(view.again) == "delegation explain hv01 hv02 --hosts --vm web01"


@pytest.mark.parametrize("more", [{"hosts": True}, {"vm": "web01"}])
def test_strangers_are_not_asked(tmp_path: Path, more: dict[str, bool | str]) -> None:
    where, _ = world(tmp_path, finished(), REMOTE)
    request = PairRequest("hv01", "hv70", **more)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="hv70 can't be asked"):
        explain_pair(where, request)
    assert explain_pair(where, PairRequest("hv01", "hv70")).pair.desired is None


def test_a_link_that_ours_mends_names_the_command(tmp_path: Path) -> None:
    view = explained(tmp_path, inventory=INVENTORY)
    mending = {link.name: view.mending(link) for link in view.explanation.links}
    told = {name: str(command) for name, command in mending.items() if command}
    assert told == dict.fromkeys(("values", "protocol transition"), "delegation plan --limit hv01")
