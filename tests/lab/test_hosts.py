"""Lab hosts as the unmodified pypsrp sees them: migrations with real tickets, shares and bytes."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.lab import byhand, domain, independent, kdc
from tests.lab.description import (
    OPERATOR,
    PROTECTED_OPERATOR,
    READER,
    TRUSTED_TO_AUTH_FOR_DELEGATION,
    cifs_values,
    escaped,
    migration_values,
)
from tests.lab.hosts.client import Answer, HostClient
from tests.lab.hosts.smb_view import look
from tests.lab.hosts.stage import SECONDS, Stage, compare, delegate, move, wait
from tests.lab.hosts.state import MIB
from tests.lab.hosts.twins import Twins
from tests.lab.wsman.elsewhere import Elsewhere

pytestmark = pytest.mark.lab


class TestDelegation:
    """The one proof: the KDC decides whether a machine moves."""

    def test_with_the_values_it_moves_and_without_it_does_not(self, stage: Stage) -> None:
        before = stage.source.disk_files()
        operator = stage.client()
        assert operator.run(move()).hresult == "0x8009030E"
        assert stage.owners() == ["hv01"]

        delegate(stage.lab, "hv01", "hv02")
        assert operator.run(move()).errors == []
        assert stage.owners() == ["hv02"]
        assert list(stage.target.disk_files()) == [r"C:\VMs\web1\Virtual Hard Disks\web1.vhdx"]
        assert list(stage.target.disk_files().values()) == list(before.values())
        assert stage.clean()

        stage.source.add_vm("web2")
        byhand.remove_values(stage.lab, "hv01", *cifs_values("hv02"), *migration_values("hv02"))
        assert operator.run(move("web2")).hresult == "0x8009030E"
        assert stage.owners("web2") == ["hv01"]
        assert stage.clean()

    @pytest.mark.parametrize("name", ["hv02", "hv02.corp.example"])
    @pytest.mark.parametrize("values", [cifs_values, migration_values], ids=["cifs", "migration"])
    def test_each_value_is_needed(
        self, stage: Stage, name: str, values: Callable[[str], tuple[str, str]]
    ) -> None:
        delegate(stage.lab, "hv01", "hv02")
        (of_the_name,) = [one for one in values("hv02") if one.endswith(f"/{name}")]
        byhand.remove_values(stage.lab, "hv01", of_the_name)
        operator = stage.client()
        answer = operator.run(move(target=name))
        assert answer.hresult == "0x8009030E"
        assert answer.errors[0].message.startswith(
            "Virtual machine migration operation for 'web1' failed at migration source 'HV01'."
        )
        phases = {
            "cifs": f"The storage of '{name}' cannot be written: No credentials are available",
            "Microsoft": f"with host '{name}': No credentials are available",
        }
        (phase,) = [text for kind, text in phases.items() if of_the_name.startswith(kind)]
        assert phase in answer.errors[0].message
        assert operator.run(compare(target=name)).hresult == "0x8009030E"
        # The other form of the name is another service.
        (other,) = {"hv02", "hv02.corp.example"} - {name}
        assert operator.run(compare(target=other)).errors == []

    @pytest.mark.usefixtures("delegated")
    def test_asking_leaves_the_values_as_they_were(self, stage: Stage) -> None:
        before = independent.mesh(stage.lab)
        operator = stage.client()
        for asked in (compare(), move()):
            assert operator.run(asked).errors == []
        assert independent.mesh(stage.lab) == before

    @pytest.mark.usefixtures("delegated")
    def test_a_host_that_dies_while_it_asks_leaves_no_twin(self, stage: Stage) -> None:
        """The keeper of the twin outlives the host by a moment."""
        value = migration_values("hv02")[0]
        asking = Elsewhere(stage.lab, Twins, stage.lab, "hv01")
        asking.call("ask", value)
        assert escaped(value) in independent.delegation(stage.lab, "hv01")
        asking.kill()
        wait(lambda: escaped(value) not in independent.delegation(stage.lab, "hv01"))

    @pytest.mark.usefixtures("delegated")
    def test_without_protocol_transition_the_operators_own_ticket_serves(
        self, stage: Stage
    ) -> None:
        byhand.set_flags(stage.lab, "hv01", off=TRUSTED_TO_AUTH_FOR_DELEGATION)
        assert isinstance(kdc.ask(stage.lab, "hv01", OPERATOR, "cifs/hv02"), kdc.Refused)
        assert stage.client().run(move()).errors == []
        assert stage.owners() == ["hv02"]

    @pytest.mark.usefixtures("delegated")
    @pytest.mark.parametrize("end", ["hv01", "hv02"])
    def test_credssp_at_either_end_needs_a_logon_that_is_not_there(
        self, stage: Stage, end: str
    ) -> None:
        stage.hosts.host(end).set(authentication="CredSSP")
        assert stage.client().run(move()).hresult == "0x8009030E"

    @pytest.mark.usefixtures("delegated")
    def test_an_operator_that_cannot_be_delegated(self, stage: Stage) -> None:
        for host in (stage.source, stage.target):
            host.set(operators=[PROTECTED_OPERATOR])
        protected = HostClient(stage.lab, "hv01", PROTECTED_OPERATOR)
        assert protected.run(move()).hresult == "0x8009030E"
        protected.close()

    @pytest.mark.usefixtures("delegated")
    def test_without_a_domain_controller(self, stage: Stage) -> None:
        operator = stage.client()
        operator.run(("Get-VM", {}))
        domain.kill(stage.lab)
        assert operator.run(move()).hresult == "0x80090311"
        domain.start(stage.lab)
        assert operator.run(move()).errors == []

    @pytest.mark.usefixtures("delegated")
    def test_after_the_domain_is_restored(self, stage: Stage) -> None:
        """The SMB servers find the new DC's winbindd."""
        domain.restore(stage.lab)
        delegate(stage.lab, "hv01", "hv02")
        assert stage.client().run(move()).errors == []

    @pytest.mark.usefixtures("delegated")
    def test_who_is_no_operator_there_is_refused_there(self, stage: Stage) -> None:
        stage.target.deny(OPERATOR)
        assert stage.client().run(move()).hresult == "0x80070005"
        assert stage.clean()


@pytest.mark.usefixtures("delegated")
class TestMove:
    def test_what_is_seen_while_it_runs(self, stage: Stage) -> None:
        mover, looker = stage.slow_move(), stage.client()

        (vm,) = looker.run(("Get-VM", {})).output
        assert (vm["Name"], vm["Status"]) == ("web1", "Migrating")
        assert vm["OperationalStatus"] == ["InService", "MigratingVirtualMachine"]
        assert looker.run(move()).errors[0].message.count("is already being migrated") == 1

        view = look(stage.lab, "hv02")
        (share,) = view.shares.keys() - {"IPC$"}
        assert re.fullmatch(r"HV01\.\d{10}\$", share)
        assert view.shares[share].endswith(rf"\$VSM$\{share}")
        assert stage.target.staging() == [share]
        assert (stage.source.address, OPERATOR) in view.sessions
        assert any(file.endswith(rf"\$VSM$\{share}\web1.vhdx") for file in view.files)
        growing = stage.target.volume.file(r"C:\VMs\web1\Virtual Hard Disks\web1.vhdx")
        before = growing.stat().st_size
        wait(lambda: growing.stat().st_size > before)
        assert stage.owners() == ["hv01"]

        stage.source.speed(64 * MIB)
        answer: Answer = mover.call("finish")
        percents = [percent for _, _, percent, _ in answer.progress]
        assert percents == sorted(percents)
        assert percents[0] < 50 < percents[-1]
        assert {activity for activity, *_ in answer.progress} == {"Moving virtual machine 'web1'"}
        assert stage.owners() == ["hv02"]
        assert stage.clean()

    def test_several_disks_and_a_machine_that_is_off(self, stage: Stage) -> None:
        stage.source.add_vm("db1", disks=3, disk_bytes=300_001, running=False)
        before = sorted(stage.source.disk_files().values())
        whereto = {key: value for key, value in move("db1")[1].items() if key != "Name"}
        piped = stage.client().run(("Get-VM", {"Name": "db1"}), ("Move-VM", whereto))
        assert piped.errors == []
        assert not stage.target.vms()["db1"].running
        both = {**stage.source.disk_files(), **stage.target.disk_files()}
        assert sorted(both.values()) == before

    def test_stop_rolls_back(self, stage: Stage) -> None:
        before = stage.source.disk_files()
        mover = stage.slow_move()
        assert mover.call("stop") == "Stopped"
        assert stage.at_rest()
        assert stage.owners() == ["hv01"]
        assert stage.source.disk_files() == before
        assert stage.clean()
        stage.source.speed(64 * MIB)
        assert stage.client().run(move()).errors == []

    def test_it_goes_on_without_its_client(self, stage: Stage) -> None:
        mover = stage.slow_move()
        mover.close()
        wait(lambda: any(one.copied > MIB for one in stage.source.state.outgoing))
        stage.source.speed(64 * MIB)
        wait(lambda: stage.owners() == ["hv02"])
        wait(stage.at_rest)
        assert stage.clean()

    def test_it_ends_with_its_host(self, stage: Stage) -> None:
        mover = stage.slow_move()
        stage.hosts.stop("hv01")
        wait(stage.at_rest)
        assert stage.owners() == ["hv01"]
        assert stage.clean()
        mover.close()


@pytest.mark.usefixtures("delegated")
class TestRefusals:
    def test_migrations_disabled(self, stage: Stage) -> None:
        operator = stage.client()
        stage.target.set(enabled=False)
        assert operator.run(move()).hresult == "0x8007274D"
        stage.target.set(enabled=True)
        stage.source.set(enabled=False)
        refused = operator.run(move())
        assert refused.hresult == "0x8007139F"
        assert "not enabled on host 'HV01'" in refused.errors[0].message

    def test_no_network_for_migrations(self, stage: Stage) -> None:
        operator = stage.client()
        stage.target.set(any_network=False, networks={"10.20.0.0/24": 0})
        assert operator.run(compare()).hresult == "0x8007274D"
        stage.target.set(networks={f"{stage.target.address}/24": 0})
        assert operator.run(compare()).errors == []

    @pytest.mark.parametrize(
        ("spoil", "hresult"),
        [
            ({"memory": 1 << 30}, "0x8007000E"),
            ({"disk": MIB}, "0x80070070"),
            ({"switches": ["Internal"]}, "0x80070003"),
        ],
        ids=["memory", "disk", "switch"],
    )
    def test_what_compare_reports_move_refuses(
        self, stage: Stage, spoil: dict[str, Any], hresult: str
    ) -> None:
        operator = stage.client()
        (report,) = operator.run(compare()).output
        assert report["Incompatibilities"] == []
        stage.target.set(**spoil)
        (report,) = operator.run(compare()).output
        (found,) = report["Incompatibilities"]
        assert found["Source"]["Name"] == "web1"
        assert (found["MessageId"] == 33012) == ("switches" in spoil)
        refused = operator.run(move())
        assert refused.hresult == hresult
        assert found["Message"] in refused.errors[0].message
        assert stage.clean()

    def test_a_disk_that_is_full_in_the_middle(self, stage: Stage) -> None:
        mover = stage.slow_move()
        stage.target.capacity(disk=MIB)
        assert mover.call("finish").hresult == "0x80070070"
        assert stage.owners() == ["hv01"]
        assert stage.clean()

    def test_a_machine_that_is_not_there(self, stage: Stage) -> None:
        (error,) = stage.client().run(move("nobody")).errors
        assert error.message == 'Hyper-V was unable to find a virtual machine with name "nobody".'
        assert error.identifier.startswith("InvalidParameter,")

    def test_a_clustered_machine(self, stage: Stage) -> None:
        stage.source.add_vm("role1", clustered=True)
        assert stage.client().run(move("role1")).hresult == "0x80070032"

    def test_a_target_that_nobody_knows(self, stage: Stage) -> None:
        assert stage.client().run(move(target="hv99")).hresult == "0x80072AF9"

    def test_the_service_is_stopped(self, stage: Stage) -> None:
        operator = stage.client()
        stage.target.set(vmms="Stopped")
        assert operator.run(move()).hresult == "0x8007274D"
        stage.source.set(vmms="Stopped")
        (error,) = operator.run(("Get-VM", {})).errors
        assert error.identifier.startswith("ObjectNotFound,")

    def test_a_stranger_gets_no_shell(self, stage: Stage) -> None:
        stranger = HostClient(stage.lab, "hv01", READER)
        with pytest.raises(Exception, match="Access is denied"):
            stranger.run(("Get-VM", {}))
        stranger.close()


@pytest.mark.usefixtures("delegated")
class TestSlots:
    def test_slots_are_taken_at_both_ends(self, stage: Stage) -> None:
        """hv02 takes one at a time: hv01's second waits, and so does hv03's."""
        third = stage.hosts.host("hv03")
        third.ready()
        third.add_vm("web3")
        delegate(stage.lab, "hv03", "hv02")
        stage.source.add_vm("web2")
        stage.target.limit(1)
        stage.target.set(patience=0.5)
        first, second = stage.slow_move(), stage.client("hv03")
        refused = second.run(move("web3"))
        assert refused.hresult == "0x800705B4"
        assert "'HV02' is already performing the maximum number" in refused.errors[0].message
        stage.source.limit(1)
        stage.source.set(patience=0.5)
        refused = stage.client().run(move("web2"))
        assert "'HV01' is already performing the maximum number" in refused.errors[0].message
        stage.target.set(patience=SECONDS)
        third.set(patience=SECONDS)
        second = stage.begin(move("web3"), "hv03")
        wait(lambda: bool(third.state.outgoing))
        stage.source.speed(64 * MIB)
        assert first.call("finish").errors == []
        assert second.call("finish").errors == []
        assert set(stage.target.vms()) == {"web1", "web3"}

    def test_the_smaller_of_the_two_limits_counts(self, stage: Stage) -> None:
        stage.target.limit(2, storage=0)
        stage.target.set(patience=0.2)
        assert stage.client().run(move()).hresult == "0x800705B4"
