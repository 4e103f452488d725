"""Lab hosts beside migrations: their settings and cmdlets, certificates, and life."""

from __future__ import annotations

import socket
import ssl
from typing import Any

import dns.resolver
import pytest

from tests.lab.certificates import HostCertificate
from tests.lab.description import Lab, LabError
from tests.lab.hosts import HostLab, LabHost, processes
from tests.lab.hosts.client import HostClient
from tests.lab.hosts.stage import Stage, delegate, move
from tests.lab.hosts.state import GIB, MIB, HostState

pytestmark = pytest.mark.lab


class TestSettings:
    """Names, defaults and effects are those of the Hyper-V module."""

    def test_a_new_hosts_settings(self, hosts: HostLab, operator: HostClient) -> None:
        (found,) = operator.run(("Get-VMHost", {})).output
        expected = {
            "Name": "HV01",
            "MaximumVirtualMachineMigrations": 2,
            "MaximumStorageMigrations": 2,
            "VirtualMachineMigrationEnabled": False,
            "VirtualMachineMigrationAuthenticationType": "CredSSP",
            "VirtualMachineMigrationPerformanceOption": "Compression",
            "UseAnyNetworkForMigration": False,
            "MemoryCapacity": hosts.host("hv01").state.memory,
        }
        assert expected.items() <= found.items()

    def test_what_is_set_is_read_and_outlives_the_host(
        self, hosts: HostLab, operator: HostClient
    ) -> None:
        wanted = {
            "MaximumVirtualMachineMigrations": 5,
            "MaximumStorageMigrations": 3,
            "VirtualMachineMigrationAuthenticationType": "kerberos",
            "VirtualMachineMigrationPerformanceOption": "SMB",
            "UseAnyNetworkForMigration": True,
        }
        for cmdlet in (("Set-VMHost", wanted), ("Enable-VMMigration", {})):
            assert operator.run(cmdlet).errors == []
        hosts.kill("hv01")
        hosts.start("hv01")
        operator.meet("hv01")
        (found,) = operator.run(("Get-VMHost", {})).output
        expected = wanted | {"VirtualMachineMigrationAuthenticationType": "Kerberos"}
        expected |= {"VirtualMachineMigrationEnabled": True}
        assert expected.items() <= found.items()
        assert operator.run(("Disable-VMMigration", {})).errors == []
        assert not hosts.host("hv01").state.enabled

    def test_networks(self, hosts: HostLab, operator: HostClient) -> None:
        network = {"Subnet": "10.20.0.0/24"}
        add = ("Add-VMMigrationNetwork", network | {"Priority": 3})
        assert operator.run(add).errors == []
        assert len(operator.run(add).errors) == 1
        change = ("Set-VMMigrationNetwork", network | {"NewPriority": 7})
        assert operator.run(change).errors == []
        (found,) = operator.run(("Get-VMMigrationNetwork", {})).output
        assert (found["Subnet"], found["Priority"]) == ("10.20.0.0/24", 7)
        remove = ("Remove-VMMigrationNetwork", network)
        assert operator.run(remove).errors == []
        assert len(operator.run(remove).errors) == len(operator.run(change).errors) == 1
        assert hosts.host("hv01").state.networks == {}

    @pytest.mark.parametrize(
        ("cmdlet", "parameters"),
        [
            ("Set-VMHost", {"MaximumVirtualMachineMigrations": "many"}),
            ("Set-VMHost", {"VirtualMachineMigrationAuthenticationType": "NTLM"}),
            ("Set-VMHost", {"Colour": "blue"}),
            ("Add-VMMigrationNetwork", {"Subnet": "here"}),
            ("Move-VM", {"Name": "web1"}),
        ],
    )
    def test_what_is_not_understood_changes_nothing(
        self, hosts: HostLab, operator: HostClient, cmdlet: str, parameters: dict[str, Any]
    ) -> None:
        before = hosts.host("hv01").state
        assert len(operator.run((cmdlet, parameters)).errors) == 1
        assert hosts.host("hv01").state == before

    def test_services(self, hosts: HostLab, operator: HostClient) -> None:
        asked = ("Get-Service", {"Name": ["vmms", "clussvc"]})
        alone = operator.run(asked)
        assert [(one["Name"], one["Status"]) for one in alone.output] == [("vmms", "Running")]
        assert alone.errors[0].identifier.startswith("NoServiceFoundForGivenName,")
        hosts.host("hv01").set(clustered=True)
        assert [one["Name"] for one in operator.run(asked).output] == ["vmms", "clussvc"]

    def test_free_memory_and_disk(self, hosts: HostLab, operator: HostClient) -> None:
        host = hosts.host("hv01")
        host.add_vm("web1", memory=4 * GIB, disk_bytes=MIB)
        host.add_vm("off1", memory=4 * GIB, disk_bytes=MIB, running=False)
        (system,) = operator.run(("Get-CimInstance", {"ClassName": "Win32_OperatingSystem"})).output
        assert system["FreePhysicalMemory"] == (host.state.memory - 4 * GIB) >> 10
        (drive,) = operator.run(("Get-Volume", {"DriveLetter": "C"})).output
        assert drive["SizeRemaining"] == drive["Size"] - 2 * MIB == host.free_disk()
        (disk,) = operator.run(("Get-VM", {"Name": "web1"}), ("Get-VHD", {})).output
        assert disk["FileSize"] == MIB
        assert disk["Path"] == host.vms()["web1"].disks[0]

    def test_addresses(self, hosts: HostLab, operator: HostClient) -> None:
        found = operator.run(("Get-NetIPAddress", {})).output
        assert hosts.host("hv01").address in [one["IPAddress"] for one in found]

    def test_connections(self, hosts: HostLab, operator: HostClient) -> None:
        target = hosts.host("hv02")

        def reached(port: int) -> bool:
            asked = {"ComputerName": target.fqdn, "Port": port}
            (found,) = operator.run(("Test-NetConnection", asked)).output
            return bool(found["TcpTestSucceeded"])

        assert reached(445)
        assert not reached(6600)
        target.ready()
        assert reached(6600)


class TestHttps:
    """Each host has its certificate, and bad ones to present instead."""

    def presented(self, host: LabHost) -> None:
        context = ssl.create_default_context(cafile=str(host.lab.ca_file))
        context.verify_flags |= ssl.VERIFY_X509_STRICT | ssl.VERIFY_X509_PARTIAL_CHAIN
        with socket.create_connection((host.address, 5986), timeout=5) as plain:
            context.wrap_socket(plain, server_hostname=host.fqdn).close()

    def test_a_good_one(self, hosts: HostLab) -> None:
        self.presented(hosts.host("hv01"))

    @pytest.mark.parametrize(
        ("certificate", "reason"),
        [
            (HostCertificate.EXPIRED, "certificate has expired"),
            (HostCertificate.OTHER_CA, "unable to get local issuer"),
            (HostCertificate.WRONG_NAME, "mismatch"),
        ],
    )
    def test_a_bad_one(self, hosts: HostLab, certificate: HostCertificate, reason: str) -> None:
        host = hosts.host("hv01")
        host.present(certificate)
        with pytest.raises(ssl.SSLCertVerificationError, match=reason):
            self.presented(host)


class TestLab:
    def test_eight_hosts_at_once(
        self, fresh_lab: Lab, many_hosts: HostLab, idle: list[HostClient]
    ) -> None:
        """Each hands a machine to the next, all at the same time."""
        ring = dict(zip(many_hosts.names, [*many_hosts.names[1:], "hv01"], strict=True))
        many_hosts.ready()
        operators = {}
        for source, target in ring.items():
            many_hosts.host(source).add_vm(f"of-{source}")
            delegate(fresh_lab, source, target)
            operators[source] = idle.pop() if idle else HostClient(fresh_lab, source)
            operators[source].meet(source)
        for source, operator in operators.items():
            operator.elsewhere.begin("ask", move(f"of-{source}", ring[source]))
        for operator in operators.values():
            assert operator.elsewhere.answer().errors == []
            idle.append(operator)
        for source, target in ring.items():
            assert list(many_hosts.host(target).vms()) == [f"of-{source}"]
            assert len(many_hosts.host(target).disk_files()) == 1

    def test_a_host_that_hangs_is_as_new_after_a_reset(self, stage: Stage) -> None:
        delegate(stage.lab, "hv01", "hv02")
        mover = stage.slow_move()
        stage.target.freeze()
        stage.hosts.reset()
        assert stage.at_rest()
        assert stage.source.state == stage.target.state == HostState()
        assert stage.clean()
        assert stage.source.disk_files() == {}
        mover.close()

    def test_the_labs_dns_server_knows_the_hosts(self, lab: Lab) -> None:
        resolver = dns.resolver.Resolver(configure=False)
        resolver.nameservers = [lab.address]
        for host in ("hv01", "hv66"):
            (found,) = resolver.resolve(lab.fqdn(host), "A")
            assert str(found) == lab.host_address(host)

    def test_starting_twice_is_harmless(self, stage: Stage) -> None:
        before = processes.host(stage.source.folder)
        stage.hosts.start()
        assert processes.host(stage.source.folder) == before

    def test_a_stranger_on_the_address_is_an_error_that_says_so(self, stage: Stage) -> None:
        stage.hosts.stop("hv01")
        with (
            socket.create_server((stage.source.address, 6600)),
            pytest.raises(LabError, match=r":6600, of lab host hv01, is taken"),
        ):
            stage.hosts.start("hv01")
