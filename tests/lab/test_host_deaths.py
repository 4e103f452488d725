"""Whatever dies when in a migration between lab hosts: one owner, and nothing left behind."""

from __future__ import annotations

import os
import signal
from dataclasses import replace

import pytest

from tests.lab.hosts import processes
from tests.lab.hosts.stage import COMPLETED, Stage, wait
from tests.lab.hosts.state import MIB, Outgoing, Phase

pytestmark = pytest.mark.lab


@pytest.mark.usefixtures("delegated")
class TestDeath:
    @pytest.mark.parametrize("victim", ["hv01", "hv02"])
    def test_in_the_middle_of_the_copy(self, stage: Stage, victim: str) -> None:
        before = stage.source.disk_files()
        stage.slow_move()
        stage.hosts.kill(victim)
        assert stage.owners() == ["hv01"]
        stage.hosts.start(victim)
        wait(stage.at_rest)
        assert stage.owners() == ["hv01"]
        assert stage.source.disk_files() == before
        assert stage.clean()
        stage.operator.met = ""
        stage.source.speed(64 * MIB)
        assert stage.run() == (COMPLETED, "")
        assert stage.owners() == ["hv02"]

    @pytest.mark.parametrize("victims", [("hv01",), ("hv02",), ("hv01", "hv02")])
    def test_during_the_hand_over(self, stage: Stage, victims: tuple[str, ...]) -> None:
        """The source has let go of the machine; whether the target has it is a matter of luck."""
        before = list(stage.source.disk_files().values())
        stage.begin()
        wait(lambda: not stage.source.vms())
        stage.hosts.kill(*victims)
        assert len(stage.owners()) <= 1
        stage.hosts.start(*victims)
        wait(stage.at_rest)
        (owner,) = stage.owners()
        assert list(stage.hosts.host(owner).disk_files().values()) == before
        assert stage.clean()

    @pytest.mark.parametrize("arrived", [True, False])
    def test_a_source_that_does_not_know_waits_for_the_target(
        self,
        stage: Stage,
        arrived: bool,  # noqa: FBT001 - a parameter of a test
    ) -> None:
        """Until the target is back, the source shows the machine as migrating."""
        stage.hosts.kill("hv01", "hv02")
        with stage.source.store.change() as state:
            machine = state.machines.pop()
            state.outgoing.append(
                Outgoing("lost", machine.id, "hv02", Phase.HANDING_OVER, machine=machine)
            )
        if arrived:
            there = stage.target.add_vm("web1")
            with stage.target.store.change() as state:
                state.machines = [replace(there, id=machine.id)]
                state.arrived = ["lost"]
        stage.hosts.start("hv01")
        stage.operator.met = ""
        assert stage.statuses() == {"web1": ["11", "32774"]}
        assert "web1" not in stage.source.vms()
        stage.hosts.start("hv02")
        wait(stage.at_rest)
        assert stage.owners() == ["hv02" if arrived else "hv01"]
        assert stage.clean()
        assert stage.statuses() == ({} if arrived else {"web1": ["2"]})

    def test_smbd_dies_with_its_host(self, stage: Stage) -> None:
        host = processes.host(stage.source.folder)
        assert host is not None
        left = set(processes.everything(stage.source.folder))
        os.kill(host, signal.SIGKILL)
        wait(lambda: not left & set(processes.everything(stage.source.folder)))
