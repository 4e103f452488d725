"""The edge to a real domain controller: the contract, and what only such a one can show."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing

import pytest

from delegation.changes.outcomes import Result
from delegation.directory import bounded
from delegation.directory.connection import Credentials
from delegation.directory.ldap import LdapDirectory, LdapReader
from delegation.errors import ConnectionFailed
from delegation.inventory import DirectorySettings
from delegation.mesh.state import Delegation
from tests.directory.contract import (
    DISABLED,
    ENABLED,
    TRANSITION,
    DirectoryContract,
    assert_same,
    change,
    one,
    write,
)
from tests.lab import Lab, admin, domain, independent, ldif
from tests.lab.description import READER, WRITER, WRITER_WITHOUT_PRIVILEGE

pytestmark = pytest.mark.lab


def credentials(lab: Lab, account: str) -> Credentials:
    return Credentials(account, lab.accounts[account])


def settings(lab: Lab, url: str = "") -> DirectorySettings:
    return DirectorySettings(url=url or lab.ldaps_url, ca_file=str(lab.ca_file))


class LabWorld:
    """The lab's DC, written to as svc-delegation; the hand is the administrator's."""

    domain_controller = "DC1"

    def __init__(self, lab: Lab, writer: LdapDirectory) -> None:
        self.lab = lab
        self.writer = writer

    def create(
        self,
        name: str,
        *,
        values: Sequence[str] = (),
        uac: int = ENABLED,
        spns: Sequence[str] = (),
        dns_host_name: str | None = None,
        parent: str = "",
    ) -> None:
        attributes: dict[str, Sequence[str | bytes]] = {
            "objectClass": ["computer"],
            "sAMAccountName": [f"{name}$"],
            "userAccountControl": [str(uac)],
            "dNSHostName": [dns_host_name] if dns_host_name else [],
            "servicePrincipalName": spns,
            "msDS-AllowedToDelegateTo": values,
        }
        dn = f"CN={name},{parent or self.lab.hosts_dn}"
        admin.modify(self.lab, ldif.addition(dn, attributes))

    def delete(self, name: str) -> None:
        admin.delete(self.lab, name)

    def move(self, name: str) -> None:
        admin.move(self.lab, name, f"CN={name} elsewhere,CN=Computers,{self.lab.base_dn}")

    def add(self, name: str, value: str) -> None:
        admin.add_values(self.lab, name, value)

    def remove(self, name: str, value: str) -> None:
        admin.remove_values(self.lab, name, value)

    def set_uac(self, name: str, uac: int) -> None:
        admin.set_attribute(self.lab, name, "userAccountControl", str(uac))

    def look(self, name: str) -> Delegation:
        found = independent.computer(self.lab, name)
        return Delegation(found.texts(independent.DELEGATION), found.number("userAccountControl"))


Connected = Callable[[str], LabWorld]


@pytest.fixture
def connected(fresh_lab: Lab) -> Iterator[Connected]:
    """The world as an account sees it."""
    opened: list[LdapDirectory] = []

    def connect(account: str) -> LabWorld:
        edge = LdapDirectory(settings(fresh_lab), fresh_lab.domain, credentials(fresh_lab, account))
        opened.append(edge)
        return LabWorld(fresh_lab, edge)

    yield connect
    for edge in opened:
        edge.close()


@pytest.fixture
def world(connected: Connected) -> LabWorld:
    return connected(WRITER)


class TestLdap(DirectoryContract):
    @pytest.fixture
    def world(self, connected: Connected) -> LabWorld:
        return connected(WRITER)


class TestSamba:
    """What Active Directory's rules do not decide, or Samba decides more loosely."""

    def test_which_domain_and_controller_answered(self, world: LabWorld, lab: Lab) -> None:
        found = world.writer.directory
        assert (found.domain, found.base_dn, found.dc) == (lab.domain, lab.base_dn, lab.dc_fqdn)

    def test_a_reader_has_no_write(self, lab: Lab) -> None:
        with closing(LdapReader(settings(lab), lab.domain, credentials(lab, READER))) as reader:
            assert not hasattr(reader, "write")
            assert {computer.name for computer in reader.find(["HV01"])} >= {"HV01", "DC1"}

    def test_a_silent_controller_is_given_up(self, world: LabWorld) -> None:
        assert world.writer._connection.socket.gettimeout() == bounded.ANSWER_TIMEOUT

    def test_a_flag_that_is_there_already_is_no_error(self, world: LabWorld) -> None:
        """Samba takes any old value where the new one is there; the values still decide."""
        world.create("ct01")
        asked = change(one(world, "ct01"), add=["cifs/ct02"], uac=TRANSITION)
        world.set_uac("ct01", TRANSITION)
        (outcome,) = write(world, asked)
        assert outcome.result in (Result.APPLIED, Result.REFUSED)
        assert world.look("ct01").uac == TRANSITION

    def test_other_bits_of_the_flags_stay(self, world: LabWorld) -> None:
        world.create("ct01", uac=DISABLED)
        computer = one(world, "ct01")
        assert write(world, change(computer, uac=DISABLED | 0x1000000))[0].result is Result.APPLIED
        assert world.look("ct01").uac == DISABLED | 0x1000000


class TestRights:
    def test_the_canary_meets_missing_rights_alone(self, connected: Connected) -> None:
        world = connected(WRITER_WITHOUT_PRIVILEGE)
        for name in ("ct01", "ct02", "ct03"):
            world.create(name)
        outcomes = write(
            world,
            *(change(one(world, name), add=["cifs/ct09"]) for name in ("ct01", "ct02", "ct03")),
        )
        assert [outcome.result for outcome in outcomes] == [Result.FAILED] * 3
        assert all(outcome.stops for outcome in outcomes)
        assert "SeEnableDelegationPrivilege" in outcomes[0].reason
        assert [outcome.reason for outcome in outcomes[1:]] == ["not tried"] * 2
        assert_same(world.look("ct01"), [])

    def test_every_change_has_its_outcome_where_one_in_the_middle_is_not_allowed(
        self, world: LabWorld, lab: Lab
    ) -> None:
        """All are on their way when the refusal comes: what became of each has to be told."""
        names = ("ct01", "ct02", "ct03", "ct04")
        for name in names:
            parent = f"CN=Computers,{lab.base_dn}" if name == "ct02" else ""
            world.create(name, parent=parent)
        asked = [change(one(world, name), add=["cifs/ct09"]) for name in names]
        outcomes = {o.change.target.name: o.result for o in world.writer.write(asked)}
        for name in names:
            made = world.look(name).values == ("cifs/ct09",)
            assert outcomes.get(name) is (Result.APPLIED if made else Result.FAILED), name
        assert outcomes["ct02"] is Result.FAILED


class TestLostConnection:
    def asked(self, world: LabWorld) -> list[str]:
        names = ["ct01", "ct02", "ct03"]
        for name in names:
            world.create(name)
        return names

    def test_every_change_has_an_outcome_and_nothing_is_raised(
        self, world: LabWorld, lab: Lab
    ) -> None:
        names = self.asked(world)
        changes = [change(one(world, name), add=["cifs/ct09"]) for name in names]
        domain.kill(lab)
        outcomes = write(world, *changes)
        domain.start(lab)
        # Whether a request got lost on its way, or its answer on the way back, can't be told.
        assert outcomes[0].result is Result.UNKNOWN
        assert {outcome.result for outcome in outcomes[1:]} == {Result.FAILED}
        assert all(outcome.stops for outcome in outcomes)

    def test_every_change_of_a_pipeline_is_unknown(self, world: LabWorld, lab: Lab) -> None:
        names = self.asked(world)
        changes = [change(one(world, name), add=["cifs/ct09"]) for name in names]
        outcomes = world.writer.write([change(one(world, "ct01"), add=["cifs/ct08"]), *changes[1:]])
        assert next(outcomes).result is Result.APPLIED
        domain.kill(lab)
        rest = {outcome.change.target.name: outcome.result for outcome in outcomes}
        domain.start(lab)
        assert rest.keys() == {"ct02", "ct03"}
        assert set(rest.values()) <= {Result.UNKNOWN, Result.FAILED}
        assert Result.UNKNOWN in rest.values()

    def test_a_read_says_that_the_connection_is_lost(self, world: LabWorld, lab: Lab) -> None:
        world.create("ct01")
        guid = one(world, "ct01").guid
        domain.kill(lab)
        with pytest.raises(ConnectionFailed, match="lost the connection to ldaps://"):
            world.writer.read([guid])
        domain.start(lab)
