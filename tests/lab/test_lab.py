"""The lab itself is right: what other tests prove by it rests on these."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab import admin, configuration, domain, independent, kdc, ldif, person, recycle_bin
from tests.lab.certificates import Certificate
from tests.lab.dc import Status, processes, status
from tests.lab.description import (
    ADMINISTRATOR,
    FILE_SERVER,
    HOSTS,
    OPERATOR,
    PROTECTED_OPERATOR,
    READER,
    TRUSTED_FOR_DELEGATION,
    TRUSTED_TO_AUTH_FOR_DELEGATION,
    WORKSTATION_TRUST_ACCOUNT,
    WRITER,
    WRITER_WITHOUT_PRIVILEGE,
    Lab,
    LabError,
    cifs_values,
    migration_values,
)
from tests.lab.front import front
from tests.lab.kdc import Granted, Refused, ask, ask_each
from tests.lab.programs import run

pytestmark = pytest.mark.lab

INSUFFICIENT_ACCESS = 50
STRONGER_AUTH_REQUIRED = 8


def handshake(lab: Lab, address: str, ca_file: Path) -> None:
    """Verify a server as strictly as Python 3.13 does by default."""
    context = ssl.create_default_context(cafile=str(ca_file))
    context.verify_flags |= ssl.VERIFY_X509_STRICT | ssl.VERIFY_X509_PARTIAL_CHAIN
    for name in (address, lab.dc_fqdn):
        with socket.create_connection((address, 636), timeout=5) as plain:
            context.wrap_socket(plain, server_hostname=name).close()


def root(lab: Lab, *options: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Read the directory's root with OpenLDAP."""
    command = ["ldapsearch", "-x", "-LLL", "-s", "base", "-b", "", *options, "dnsHostName"]
    return run(lab, command, **variables)


def simple_bind(lab: Lab, account: str) -> list[str]:
    return ["-D", lab.principal(account), "-w", lab.accounts[account]]


def delegate(lab: Lab, source: str, *values: str) -> None:
    """Let a source delegate with protocol transition, by hand."""
    admin.add_values(lab, source, *values)
    admin.set_flags(lab, source, on=TRUSTED_TO_AUTH_FOR_DELEGATION)


class TestTransport:
    def test_the_certificate_satisfies_strict_verification(self, lab: Lab) -> None:
        handshake(lab, lab.address, lab.ca_file)

    def test_another_ca_is_not_believed(self, lab: Lab) -> None:
        with pytest.raises(ssl.SSLCertVerificationError, match="unable to get local issuer"):
            handshake(lab, lab.address, lab.other_ca_file)

    @pytest.mark.parametrize(
        ("certificate", "reason"),
        [
            (Certificate.EXPIRED, "certificate has expired"),
            (Certificate.OTHER_CA, "unable to get local issuer"),
            (Certificate.WRONG_NAME, "mismatch"),
        ],
    )
    def test_a_front_is_bad_for_its_one_reason(
        self, lab: Lab, certificate: Certificate, reason: str
    ) -> None:
        with front(lab, certificate) as bad:
            with pytest.raises(ssl.SSLCertVerificationError, match=reason):
                handshake(lab, bad.address, lab.ca_file)
            start_tls = ("-H", bad.ldap_url, "-ZZ")
            assert lab.dc_fqdn not in root(lab, *start_tls).stdout
            assert lab.dc_fqdn in root(lab, *start_tls, LDAPTLS_REQCERT="never").stdout

    def test_a_good_front_leads_to_the_dc(self, lab: Lab) -> None:
        with front(lab, Certificate.GOOD) as good:
            handshake(lab, good.address, lab.ca_file)
            assert lab.dc_fqdn in root(lab, "-H", good.ldaps_url).stdout
            assert lab.dc_fqdn in root(lab, "-H", good.ldap_url, "-ZZ").stdout

    def test_a_simple_bind_in_plain_text_is_refused(self, lab: Lab) -> None:
        bind = simple_bind(lab, READER)
        assert root(lab, "-H", lab.ldap_url, *bind).returncode == STRONGER_AUTH_REQUIRED
        assert lab.dc_fqdn in root(lab, "-H", lab.ldap_url, "-ZZ", *bind).stdout

    def test_the_labs_dns_server_locates_the_dc(self, lab: Lab) -> None:
        service = f"_ldap._tcp.dc._msdcs.{lab.domain}"
        question = b"".join(bytes([len(part)]) + part.encode() for part in service.split("."))
        header = bytes.fromhex("1234 0100 0001 0000 0000 0000")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as dns:
            dns.settimeout(5)
            dns.sendto(header + question + bytes.fromhex("00 0021 0001"), (lab.address, 53))
            answer = dns.recv(1024)
        assert b"\x03dc1" in answer


class TestObjects:
    def test_no_host_delegates_at_the_beginning(self, fresh_lab: Lab) -> None:
        mesh = independent.mesh(fresh_lab)
        assert mesh.keys() == {*HOSTS, FILE_SERVER, "dc1"}
        assert all(mesh[host] == (WORKSTATION_TRUST_ACCOUNT, ()) for host in HOSTS)

    def test_a_host_is_what_a_domain_join_and_vmms_leave(self, fresh_lab: Lab) -> None:
        host = independent.computer(fresh_lab, "hv07")
        assert host.dn == "CN=HV07,OU=Hyper-V,DC=corp,DC=example"
        assert host.texts("sAMAccountName") == ("HV07$",)
        assert host.texts("dNSHostName") == ("hv07.corp.example",)
        services = host.texts("servicePrincipalName")
        assert "Microsoft Virtual System Migration Service/hv07.corp.example" in services
        assert not any(one.startswith("cifs/") for one in services)

    def test_two_independent_clients_agree(self, fresh_lab: Lab) -> None:
        delegate(fresh_lab, "hv01", *cifs_values("hv02"))
        shown = independent.samba_tool(fresh_lab, "hv01")
        for value in independent.delegation(fresh_lab, "hv01"):
            assert f"msDS-AllowedToDelegateTo: {value}\n" in shown
        assert "UF_TRUSTED_TO_AUTHENTICATE_FOR_DELEGATION: True" in shown


class TestRights:
    def test_the_writer_may_write_values_and_flags(self, fresh_lab: Lab) -> None:
        admin.add_values(fresh_lab, "hv02", "cifs/hv03", account=WRITER)
        flags = TRUSTED_TO_AUTH_FOR_DELEGATION | TRUSTED_FOR_DELEGATION
        admin.set_flags(fresh_lab, "hv02", on=flags, account=WRITER)
        assert independent.delegation(fresh_lab, "hv02") == ("cifs/hv03",)
        assert independent.user_account_control(fresh_lab, "hv02") & flags == flags

    @pytest.mark.parametrize(
        ("host", "attribute", "value"),
        [
            ("hv02", "description", "mine"),
            ("hv02", "dNSHostName", "hv99.corp.example"),
            ("hv02", "servicePrincipalName", "HOST/hv99"),
            (FILE_SERVER, "msDS-AllowedToDelegateTo", "cifs/hv03"),
        ],
    )
    def test_the_writer_may_write_nothing_else(
        self, fresh_lab: Lab, host: str, attribute: str, value: str
    ) -> None:
        with pytest.raises(admin.LdapError) as refused:
            admin.set_attribute(fresh_lab, host, attribute, value, account=WRITER)
        assert refused.value.result == INSUFFICIENT_ACCESS

    @pytest.mark.parametrize("account", [WRITER_WITHOUT_PRIVILEGE, READER])
    def test_others_may_write_neither(self, fresh_lab: Lab, account: str) -> None:
        with pytest.raises(admin.LdapError) as values:
            admin.add_values(fresh_lab, "hv02", "cifs/hv03", account=account)
        flag = TRUSTED_TO_AUTH_FOR_DELEGATION
        with pytest.raises(admin.LdapError) as flags:
            admin.set_flags(fresh_lab, "hv02", on=flag, account=account)
        assert values.value.result == flags.value.result == INSUFFICIENT_ACCESS

    def test_only_the_privilege_is_missing(self, fresh_lab: Lab) -> None:
        """It may write userAccountControl, as long as the bit is none of delegation's."""
        account_disable = 2
        admin.set_flags(fresh_lab, "hv02", on=account_disable, account=WRITER_WITHOUT_PRIVILEGE)
        assert independent.user_account_control(fresh_lab, "hv02") & account_disable

    def test_the_reader_sees_what_the_administrator_sees(self, fresh_lab: Lab) -> None:
        delegate(fresh_lab, "hv01", *cifs_values("hv02"))
        for attribute in ("msDS-AllowedToDelegateTo", "userAccountControl"):
            seen = independent.computer(fresh_lab, "hv01", READER).values(attribute)
            assert seen == independent.computer(fresh_lab, "hv01", ADMINISTRATOR).values(attribute)


class TestKdc:
    """The table of what the KDC decides, on storage and on the migration service."""

    @pytest.fixture(params=[cifs_values, migration_values], ids=["cifs", "migration"])
    def names(self, request: pytest.FixtureRequest) -> tuple[str, str]:
        names: tuple[str, str] = request.param("hv02")
        return names

    def decisions(
        self, lab: Lab, names: tuple[str, str], user: str = OPERATOR
    ) -> list[type[Granted | Refused]]:
        with kdc.mirrored(lab):
            return [type(answer) for answer in ask_each(lab, "hv01", user, names).values()]

    def test_no_entry(self, fresh_lab: Lab, names: tuple[str, str]) -> None:
        assert self.decisions(fresh_lab, names) == [Refused, Refused]

    def test_entry_without_protocol_transition(
        self, fresh_lab: Lab, names: tuple[str, str]
    ) -> None:
        admin.add_values(fresh_lab, "hv01", *names)
        assert self.decisions(fresh_lab, names) == [Refused, Refused]

    def test_protocol_transition_without_entry(
        self, fresh_lab: Lab, names: tuple[str, str]
    ) -> None:
        delegate(fresh_lab, "hv01", "cifs/hv03")
        assert self.decisions(fresh_lab, names) == [Refused, Refused]

    def test_both_and_after_the_entry_is_removed(
        self, fresh_lab: Lab, names: tuple[str, str]
    ) -> None:
        delegate(fresh_lab, "hv01", *names)
        assert self.decisions(fresh_lab, names) == [Granted, Granted]
        admin.remove_values(fresh_lab, "hv01", *names)
        assert self.decisions(fresh_lab, names) == [Refused, Refused]

    def test_only_the_name_form_that_is_listed(
        self, fresh_lab: Lab, names: tuple[str, str]
    ) -> None:
        delegate(fresh_lab, "hv01", names[0])
        assert self.decisions(fresh_lab, names) == [Granted, Refused]

    def test_a_protected_operator(self, fresh_lab: Lab, names: tuple[str, str]) -> None:
        delegate(fresh_lab, "hv01", *names)
        assert self.decisions(fresh_lab, names, PROTECTED_OPERATOR) == [Refused, Refused]

    def test_a_twin_whose_value_is_gone_does_not_outlive_the_next_mirror(
        self, fresh_lab: Lab
    ) -> None:
        names = migration_values("hv02")
        delegate(fresh_lab, "hv01", *names)
        kdc.mirror_migration_values(fresh_lab)
        admin.remove_values(fresh_lab, "hv01", names[0])
        kdc.mirror_migration_values(fresh_lab)
        answers = ask_each(fresh_lab, "hv01", OPERATOR, names)
        assert [type(answer) for answer in answers.values()] == [Refused, Granted]

    def test_mirroring_leaves_no_trace(self, fresh_lab: Lab) -> None:
        admin.add_values(fresh_lab, "hv01", *migration_values("hv02"), "HTTP/portal")
        admin.add_values(fresh_lab, "hv02", "cifs/hv01")
        before = independent.mesh(fresh_lab)
        with kdc.mirrored(fresh_lab):
            assert independent.mesh(fresh_lab) != before
        assert independent.mesh(fresh_lab) == before

    def test_a_fault_is_no_refusal(self, fresh_lab: Lab) -> None:
        with pytest.raises(LabError, match="Server not found"):
            ask(fresh_lab, "hv01", OPERATOR, "cifs/hv99")
        with pytest.raises(LabError, match="Client not found"):
            ask(fresh_lab, "hv01", "nobody", "cifs/hv02")
        domain.kill(fresh_lab)
        with pytest.raises(LabError, match="Cannot contact any KDC"):
            ask(fresh_lab, "hv01", OPERATOR, "cifs/hv02")


class TestLife:
    def test_reset_undoes_whatever_was_done(self, fresh_lab: Lab) -> None:
        admin.add_computer(fresh_lab, "thief", dns="hv01.corp.example", services=["cifs/hv02"])
        admin.add_computer(fresh_lab, "twin", name="HV01", parent="CN=Computers,DC=corp,DC=example")
        delegate(fresh_lab, "hv03", "cifs/hv04", "CIFS/hv04", "HTTP/ümlaut")
        admin.set_attribute(fresh_lab, "hv04", "servicePrincipalName")
        acl = independent.search(
            fresh_lab,
            f"(sAMAccountName={FILE_SERVER}$)",
            "nTSecurityDescriptor",
            account=ADMINISTRATOR,
        )[0].values("nTSecurityDescriptor")
        admin.set_attribute(fresh_lab, "hv05", "nTSecurityDescriptor", *acl)
        admin.move(fresh_lab, "hv06", "CN=Moved,CN=Computers,DC=corp,DC=example")
        admin.modify(
            fresh_lab,
            ldif.modification(
                "CN=Domain Admins,CN=Users,DC=corp,DC=example",
                ("add", "member", ["CN=vmadmin,CN=Users,DC=corp,DC=example"]),
            ),
        )
        domain.reset(fresh_lab)
        mesh = independent.mesh(fresh_lab)
        assert mesh.keys() == {*HOSTS, FILE_SERVER, "dc1"}
        assert all(mesh[host] == (WORKSTATION_TRUST_ACCOUNT, ()) for host in HOSTS)
        assert independent.computer(fresh_lab, "hv04").values("servicePrincipalName")
        assert independent.computer(fresh_lab, "hv06").dn == fresh_lab.computer_dn("hv06")
        admin.add_values(fresh_lab, "hv05", "cifs/hv01", account=WRITER)

    def test_reset_brings_back_a_deleted_host_with_its_keytab(self, fresh_lab: Lab) -> None:
        admin.delete(fresh_lab, "hv01")
        domain.reset(fresh_lab)
        assert isinstance(ask(fresh_lab, "hv01", OPERATOR, "cifs/hv02"), Refused)

    def test_reset_brings_back_the_keys_of_a_host_out_of_the_recycle_bin(
        self, fresh_lab: Lab
    ) -> None:
        recycle_bin.restore(fresh_lab, "hv01", recycle_bin.delete(fresh_lab, "hv01"))
        domain.reset(fresh_lab)
        delegate(fresh_lab, "hv02", "cifs/hv01")
        assert isinstance(ask(fresh_lab, "hv02", OPERATOR, "cifs/hv01"), Granted)

    def test_a_killed_dc_comes_back_with_what_was_written(self, fresh_lab: Lab) -> None:
        admin.add_values(fresh_lab, "hv01", "cifs/hv02")
        domain.kill(fresh_lab)
        assert status(fresh_lab) is Status.STOPPED
        with pytest.raises(LabError, match="Can't contact LDAP server"):
            independent.delegation(fresh_lab, "hv01")
        domain.start(fresh_lab)
        assert independent.delegation(fresh_lab, "hv01") == ("cifs/hv02",)

    def test_starting_twice_is_harmless(self, fresh_lab: Lab) -> None:
        before = set(processes(fresh_lab))
        domain.start(fresh_lab)
        # Those that serve a connection come and go; a second DC would have replaced them all.
        assert before & set(processes(fresh_lab))

    def test_a_stranger_on_the_address_is_an_error_that_says_so(self, fresh_lab: Lab) -> None:
        domain.stop(fresh_lab)
        with (
            socket.create_server((fresh_lab.address, 389)),
            pytest.raises(LabError, match=r":389 is taken"),
        ):
            domain.start(fresh_lab)

    def test_a_dc_that_does_not_come_up_shows_its_log(self, fresh_lab: Lab) -> None:
        domain.stop(fresh_lab)
        (configuration.state(fresh_lab) / "private" / "sam.ldb").unlink()
        with pytest.raises(LabError, match=r"sam\.ldb"):
            domain.start(fresh_lab)
        assert status(fresh_lab) is Status.STOPPED
        domain.restore(fresh_lab)
        assert status(fresh_lab) is Status.RUNNING


class TestSideBySide:
    @pytest.fixture
    def other(self, tmp_path: Path) -> Iterator[Lab]:
        """A second lab, with a path too long for the sockets below it."""
        lab = Lab(tmp_path / ("so-long-that-no-socket-fits-" * 3))
        try:
            yield lab
        finally:
            domain.stop(lab)
            shutil.rmtree(configuration.state(lab).parents[1])

    def test_two_labs_do_not_meet(self, fresh_lab: Lab, other: Lab) -> None:
        domain.start(other)
        assert status(other) is Status.RUNNING
        admin.add_values(other, "hv01", "cifs/hv02")
        assert independent.delegation(fresh_lab, "hv01") == ()
        domain.stop(other)
        assert status(other) is Status.STOPPED
        assert status(fresh_lab) is Status.RUNNING


def test_a_fresh_lab_forgets_what_was_done_to_the_old_one(tmp_path: Path) -> None:
    """But not the inventory, which is the person's own."""
    lab = Lab(tmp_path / "person")
    (lab.folder / ".delegation").mkdir(parents=True)
    (lab.folder / ".delegation" / "journal.sqlite").touch()
    (lab.folder / "inventory.yaml").touch()
    assert person.forget(lab)
    assert [path.name for path in lab.folder.iterdir()] == ["inventory.yaml"]
    assert not person.forget(lab)
