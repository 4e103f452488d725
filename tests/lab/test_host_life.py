"""Lab hosts beside migrations: their settings, certificates, and life."""

from __future__ import annotations

import socket
import ssl

import dns.resolver
import pytest

from tests.lab.certificates import HostCertificate
from tests.lab.description import Lab, LabError
from tests.lab.hosts import HostLab, LabHost, processes
from tests.lab.hosts.ports import MIGRATION
from tests.lab.hosts.stage import COMPLETED, Operator, Stage, delegate
from tests.lab.hosts.state import HostState

pytestmark = pytest.mark.lab


class TestSettings:
    def test_what_is_set_is_in_force_and_outlives_the_host(self, stage: Stage) -> None:
        def listens() -> bool:
            return processes.listens(stage.source.address, MIGRATION, stage.target.address)

        stage.hosts.reset("hv01")
        assert stage.source.state == HostState()
        assert not listens()
        assert stage.send("enable").returned == 4096
        assert stage.send("add-network").returned == 4096
        wanted = stage.source.state
        assert wanted.enabled
        assert wanted.networks
        assert not listens(), "its address is in none of them"
        stage.source.set(any_network=True)
        assert listens()
        stage.hosts.kill("hv01")
        stage.hosts.start("hv01")
        assert stage.source.state.networks == wanted.networks
        assert listens()


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
        host.set(certificate=certificate)
        with pytest.raises(ssl.SSLCertVerificationError, match=reason):
            self.presented(host)


class TestLab:
    def test_eight_hosts_at_once(
        self, fresh_lab: Lab, many_hosts: HostLab, session_operator: Operator
    ) -> None:
        """Each hands a machine to the next, all at the same time."""
        stage = Stage(many_hosts, session_operator)
        ring = dict(zip(many_hosts.names, [*many_hosts.names[1:], "hv01"], strict=True))
        many_hosts.ready()
        many_hosts.host("hv01").remove_vm("web1")
        for source, target in ring.items():
            many_hosts.host(source).add_vm(f"of-{source}")
            delegate(fresh_lab, source, target)
        jobs = {
            source: stage.begin(vm=f"of-{source}", host=source, to=target)
            for source, target in ring.items()
        }
        for source, job in jobs.items():
            assert stage.ended(job, source) == (COMPLETED, "")
        for source, target in ring.items():
            assert list(many_hosts.host(target).vms()) == [f"of-{source}"]
            assert len(many_hosts.host(target).disk_files()) == 1

    def test_a_host_that_hangs_is_as_new_after_a_reset(self, stage: Stage) -> None:
        delegate(stage.lab, "hv01", "hv02")
        stage.slow_move()
        stage.target.freeze()
        stage.hosts.reset()
        assert stage.at_rest()
        assert stage.source.state == stage.target.state == HostState()
        assert stage.clean()
        assert stage.source.disk_files() == {}

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
