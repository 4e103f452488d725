"""The hardened lab is right, and what its KDC decides beyond the plain one's."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.lab import admin, domain, independent, kdc, systems
from tests.lab.dc import Status, processes, status
from tests.lab.description import (
    ACCOUNTDISABLE,
    HOSTS,
    NOT_DELEGATED,
    OPERATOR,
    PROTECTED_OPERATOR,
    READER,
    TRUSTED_TO_AUTH_FOR_DELEGATION,
    WORKSTATION_TRUST_ACCOUNT,
    Lab,
    LabError,
    cifs_values,
    migration_values,
)
from tests.lab.descriptors import CONTROL_ACCESS, FULL_CONTROL, sid_bytes, sid_text
from tests.lab.kdc import Evidence, Granted, Question, Refused, Step, decide_all
from tests.lab.spnego_bind import NONE, SEAL, SIGN, SUCCESS, Answer, bind

pytestmark = pytest.mark.lab

STRONGER_AUTH_REQUIRED = 8
INVALID_CREDENTIALS = 49
UNWILLING_TO_PERFORM = 53
BAD_BINDINGS = "80090346"
"""SEC_E_BAD_BINDINGS, at the beginning of the message as Windows has it."""

BADOPTION = 13
REVOKED = 18
PROTECTED_USERS = "Protected Users"


def both(lab: Lab, source: str, user: str, service: str) -> list[Granted | Refused]:
    """Ask with either evidence: S4U2Self first, then the user's own ticket."""
    return decide_all(lab, [Question(source, user, service, evidence) for evidence in Evidence])


def kinds(answers: list[Granted | Refused]) -> list[type[Granted | Refused]]:
    return [type(answer) for answer in answers]


def mounts() -> str:
    return Path("/proc/self/mounts").read_text()


class TestLife:
    def test_it_is_a_samba_that_knows_hardening(self, hardened_lab: Lab) -> None:
        assert status(hardened_lab) is Status.RUNNING
        system = systems.root(hardened_lab)
        programs = {Path(f"/proc/{pid}/exe").readlink() for pid in processes(hardened_lab)}
        assert all(system is None or program.is_relative_to(system) for program in programs)

    def test_it_mounts_nothing_that_others_see(self, hardened_lab: Lab) -> None:
        before = mounts()
        domain.restore(hardened_lab)
        assert mounts() == before
        assert str(systems.UNPACKED) not in before

    def test_it_stops_dies_and_comes_back(self, fresh_hardened_lab: Lab) -> None:
        admin.add_values(fresh_hardened_lab, "hv01", "cifs/hv02")
        domain.kill(fresh_hardened_lab)
        assert status(fresh_hardened_lab) is Status.STOPPED
        domain.start(fresh_hardened_lab)
        assert independent.delegation(fresh_hardened_lab, "hv01") == ("cifs/hv02",)
        domain.stop(fresh_hardened_lab)
        assert status(fresh_hardened_lab) is Status.STOPPED
        domain.restore(fresh_hardened_lab)
        assert independent.delegation(fresh_hardened_lab, "hv01") == ()

    def test_samba_tool_reads_its_database(self, fresh_hardened_lab: Lab) -> None:
        admin.add_values(fresh_hardened_lab, "hv01", "cifs/hv02")
        shown = independent.samba_tool(fresh_hardened_lab, "hv01")
        assert "msDS-AllowedToDelegateTo: cifs/hv02\n" in shown

    def test_reset_undoes_what_is_added_and_changed(self, fresh_hardened_lab: Lab) -> None:
        lab = fresh_hardened_lab
        unit = admin.add_unit(lab, "Branch")
        admin.add_computer(lab, "hv90", parent=unit)
        user = admin.add_user(lab, "visitor", parent=unit)
        admin.add_group(lab, "visitors", [user])
        admin.set_members(lab, PROTECTED_USERS, [user])
        admin.set_rbcd(lab, "hv02", "visitors", "hv01")
        admin.set_object(lab, OPERATOR, "accountExpires", "131000000000000000")
        domain.reset(lab)
        mesh = independent.mesh(lab)
        assert {host: mesh[host] for host in HOSTS} == dict.fromkeys(
            HOSTS, (WORKSTATION_TRUST_ACCOUNT, ())
        )
        assert not independent.search(lab, "(|(name=visitor*)(name=Branch)(name=hv90))")
        assert not admin.account_of(lab, PROTECTED_USERS).values("member")
        assert not admin.account_of(lab, "hv02").values(admin.RBCD)
        assert isinstance(kdc.ask(lab, "hv01", OPERATOR, "cifs/hv02"), Refused)


@pytest.mark.parametrize("protocol", ["kerberos", "ntlm"])
@pytest.mark.filterwarnings("ignore:ssl.match_hostname:DeprecationWarning")  # ldap3's use of it
class TestBinds:
    def test_on_389_an_unprotected_one_is_refused(self, hardened_lab: Lab, protocol: str) -> None:
        answer = bind(hardened_lab, READER, protocol=protocol, protection=NONE)
        assert answer.result == STRONGER_AUTH_REQUIRED

    def test_on_389_signed_and_sealed_ones_succeed(self, hardened_lab: Lab, protocol: str) -> None:
        for protection in (SIGN, SEAL):
            answer = bind(hardened_lab, READER, protocol=protocol, protection=protection)
            assert answer == Answer(SUCCESS, "")

    def test_inside_tls_one_without_its_channel_is_refused(
        self, hardened_lab: Lab, protocol: str
    ) -> None:
        answer = bind(hardened_lab, READER, protocol=protocol, tls=True)
        assert answer.result == INVALID_CREDENTIALS
        assert answer.message.startswith(BAD_BINDINGS)

    def test_inside_tls_one_bound_to_its_channel_succeeds(
        self, hardened_lab: Lab, protocol: str
    ) -> None:
        answer = bind(hardened_lab, READER, protocol=protocol, tls=True, bound=True)
        assert answer == Answer(SUCCESS, "")

    def test_inside_tls_one_that_seals_as_well_is_refused(
        self, hardened_lab: Lab, protocol: str
    ) -> None:
        answer = bind(
            hardened_lab, READER, protocol=protocol, tls=True, bound=True, protection=SEAL
        )
        assert answer.result == UNWILLING_TO_PERFORM


class TestEvidence:
    """The classic list, by either evidence."""

    @pytest.fixture(params=[cifs_values, migration_values], ids=["cifs", "migration"])
    def service(self, request: pytest.FixtureRequest) -> str:
        service: str = request.param("hv02")[1]
        return service

    def test_a_tickets_source_needs_no_protocol_transition(
        self, fresh_hardened_lab: Lab, service: str
    ) -> None:
        lab = fresh_hardened_lab
        with kdc.mirrored(lab):
            assert kinds(both(lab, "hv01", OPERATOR, service)) == [Refused, Refused]
        admin.add_values(lab, "hv01", service)
        with kdc.mirrored(lab):
            assert kinds(both(lab, "hv01", OPERATOR, service)) == [Refused, Granted]
        admin.set_flags(lab, "hv01", on=TRUSTED_TO_AUTH_FOR_DELEGATION)
        with kdc.mirrored(lab):
            assert kinds(both(lab, "hv01", OPERATOR, service)) == [Granted, Granted]

    def test_samba_looks_for_the_escaped_form_still(self, fresh_hardened_lab: Lab) -> None:
        """Else ``mirrored`` could go."""
        lab = fresh_hardened_lab
        admin.add_values(lab, "hv01", *migration_values("hv02"))
        admin.set_flags(lab, "hv01", on=TRUSTED_TO_AUTH_FOR_DELEGATION)
        answers = both(lab, "hv01", OPERATOR, migration_values("hv02")[0])
        assert kinds(answers) == [Refused, Refused]

    def test_many_at_once_in_their_order(self, fresh_hardened_lab: Lab) -> None:
        lab = fresh_hardened_lab
        delegate(lab, "hv01", "cifs/hv02")
        delegate(lab, "hv03", "cifs/hv04")
        questions = [
            Question(source, user, service, evidence)
            for source in ("hv01", "hv03")
            for user in (OPERATOR, PROTECTED_OPERATOR, READER)
            for service in ("cifs/hv02", "cifs/hv04")
            for evidence in Evidence
        ]
        granted = [
            question
            for question, answer in zip(questions, decide_all(lab, questions), strict=True)
            if isinstance(answer, Granted)
        ]
        assert granted == [
            question
            for question in questions
            if (question.source, question.service) in {("hv01", "cifs/hv02"), ("hv03", "cifs/hv04")}
            and question.user != PROTECTED_OPERATOR
        ]


class TestAccounts:
    """What the accounts themselves decide; the pair itself would be granted."""

    @pytest.fixture
    def pair(self, fresh_hardened_lab: Lab) -> Lab:
        delegate(fresh_hardened_lab, "hv01", "cifs/hv02")
        return fresh_hardened_lab

    def test_a_disabled_source_cannot_log_on(self, pair: Lab) -> None:
        admin.set_flags(pair, "hv01", on=ACCOUNTDISABLE)
        for answer in both(pair, "hv01", OPERATOR, "cifs/hv02"):
            assert isinstance(answer, Refused)
            assert (answer.step, answer.code) == (Step.SOURCE, REVOKED)

    def test_a_disabled_user_has_no_evidence(self, pair: Lab) -> None:
        admin.add_user(pair, "gone", flags=ACCOUNTDISABLE)
        for_self, by_ticket = both(pair, "hv01", "gone", "cifs/hv02")
        assert isinstance(for_self, Refused)
        assert for_self.step is Step.S4U2SELF
        assert isinstance(by_ticket, Refused)
        assert (by_ticket.step, by_ticket.code) == (Step.USER, REVOKED)

    def test_a_sensitive_users_evidence_is_not_passed_on(self, pair: Lab) -> None:
        admin.add_user(pair, "sensitive", flags=NOT_DELEGATED)
        for answer in both(pair, "hv01", "sensitive", "cifs/hv02"):
            assert isinstance(answer, Refused)
            assert (answer.step, answer.code) == (Step.S4U2PROXY, BADOPTION)

    @pytest.mark.parametrize("nested", [False, True], ids=["direct", "nested"])
    def test_protected_users_count_for_their_own_tickets_only(
        self, pair: Lab, *, nested: bool
    ) -> None:
        """Unlike Windows, which refuses both (MS-KILE 3.3.5.1)."""
        user = admin.add_user(pair, "protected")
        member = admin.add_group(pair, "between", [user]) if nested else user
        assert kinds(both(pair, "hv01", "protected", "cifs/hv02")) == [Granted, Granted]
        admin.set_members(pair, PROTECTED_USERS, [member])
        assert kinds(both(pair, "hv01", "protected", "cifs/hv02")) == [Granted, Refused]

    def test_a_disabled_target_makes_no_difference(self, pair: Lab) -> None:
        admin.set_flags(pair, "hv02", on=ACCOUNTDISABLE)
        assert kinds(both(pair, "hv01", OPERATOR, "cifs/hv02")) == [Granted, Granted]

    @pytest.mark.parametrize("evidence", Evidence)
    def test_an_unknown_account_or_service_is_a_fault(self, pair: Lab, evidence: Evidence) -> None:
        with pytest.raises(LabError, match="not found"):
            decide_all(pair, [Question("hv01", "nobody", "cifs/hv02", evidence)])
        with pytest.raises(LabError, match="Server not found"):
            decide_all(pair, [Question("hv01", OPERATOR, "cifs/hv99", evidence)])

    def test_a_wrong_password_is_a_fault(self, pair: Lab) -> None:
        admin.add_user(pair, "other", password="Another-1")
        with pytest.raises(LabError, match="Preauthentication failed"):
            decide_all(pair, [Question("hv01", "other", "cifs/hv02", Evidence.TICKET)])


class TestResourceBased:
    """The list on the target."""

    def test_an_account_with_evidence_that_may_be_passed_on(self, fresh_hardened_lab: Lab) -> None:
        """Without protocol transition Samba's S4U2Self never gives such; see docs/lab.md."""
        lab = fresh_hardened_lab
        admin.set_rbcd(lab, "hv02", "hv01")
        assert kinds(both(lab, "hv01", OPERATOR, "cifs/hv02")) == [Refused, Granted]
        admin.set_flags(lab, "hv01", on=TRUSTED_TO_AUTH_FOR_DELEGATION)
        assert kinds(both(lab, "hv01", OPERATOR, "cifs/hv02")) == [Granted, Granted]
        assert kinds(both(lab, "hv03", OPERATOR, "cifs/hv02")) == [Refused, Refused]
        assert kinds(both(lab, "hv01", PROTECTED_OPERATOR, "cifs/hv02")) == [Refused, Refused]
        admin.set_rbcd(lab, "hv02")
        assert kinds(both(lab, "hv01", OPERATOR, "cifs/hv02")) == [Refused, Refused]

    def test_a_group_and_a_group_in_it(self, fresh_hardened_lab: Lab) -> None:
        lab = fresh_hardened_lab
        inner = admin.add_group(lab, "inner", [lab.computer_dn("hv01")])
        admin.add_group(lab, "outer", [inner])
        for group in ("inner", "outer"):
            admin.set_rbcd(lab, "hv02", group)
            assert granted_by_ticket(lab, "hv01")
            assert not granted_by_ticket(lab, "hv03")

    @pytest.mark.parametrize(
        ("mask", "enough"),
        [(FULL_CONTROL, True), (CONTROL_ACCESS, True), (FULL_CONTROL & ~CONTROL_ACCESS, False)],
    )
    def test_control_access_is_the_right_it_takes(
        self, fresh_hardened_lab: Lab, mask: int, *, enough: bool
    ) -> None:
        admin.set_rbcd(fresh_hardened_lab, "hv02", "hv01", mask=mask)
        assert granted_by_ticket(fresh_hardened_lab, "hv01") is enough

    def test_who_is_denied_as_a_member_is_refused(self, fresh_hardened_lab: Lab) -> None:
        lab = fresh_hardened_lab
        admin.add_group(lab, "denied", [lab.computer_dn("hv01")])
        admin.set_rbcd(lab, "hv02", "hv01", "hv03", denied=["denied"])
        assert not granted_by_ticket(lab, "hv01")
        assert granted_by_ticket(lab, "hv03")


def test_a_sid_survives_packing(hardened_lab: Lab) -> None:
    for name in ("hv01", OPERATOR, PROTECTED_USERS):
        text = admin.sid_of(hardened_lab, name)
        assert sid_text(sid_bytes(text)) == text


def delegate(lab: Lab, source: str, *values: str) -> None:
    admin.add_values(lab, source, *values)
    admin.set_flags(lab, source, on=TRUSTED_TO_AUTH_FOR_DELEGATION)


def granted_by_ticket(lab: Lab, source: str) -> bool:
    question = Question(source, OPERATOR, "cifs/hv02", Evidence.TICKET)
    return decide_all(lab, [question]) == [Granted()]
