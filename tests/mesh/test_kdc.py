"""The KDC's decision: each step, what each list lets through, and what stays unknown.

That it is a real KDC's decision is told by ``tests/story/test_kdc_agreement.py``.
"""

from dataclasses import replace
from itertools import product

import pytest

from delegation.mesh.acting_list import CONTROL_ACCESS, lets_act
from delegation.mesh.kdc import (
    Check,
    Decision,
    Evidence,
    KdcError,
    Route,
    Service,
    User,
    decide,
)
from delegation.mesh.snapshot import NOT_DELEGATED, Ace, Operator
from tests.builders import DISABLED, ENABLED, TRANSITION, computer, user

HOME = "dc=corp,dc=example"
SPN = "cifs/hv02"
OWN, GROUP, OTHER = "S-1-5-21-1-1-1-1101", "S-1-5-21-1-1-1-2101", "S-1-5-21-1-1-1-1199"
FULL = 0xF01FF

SOURCE = Service("HV01$", HOME, sid=OWN, token=frozenset({OWN, GROUP}))
CLASSIC = replace(SOURCE, allowed_to_delegate_to=(SPN,), protocol_transition=True)
TARGET = Service("HV02$", HOME)
OPEN = replace(TARGET, acting=(Ace(allows=True, mask=FULL, sid=GROUP),))


def decided(
    source: Service = CLASSIC,
    *owners: Service,
    spn: str = SPN,
    who: User | None = None,
    evidence: Evidence = Evidence.S4U2SELF,
) -> Decision:
    return decide(source, owners or (TARGET,), spn, who or User(), evidence)


def stopped(decision: Decision) -> tuple[Check, KdcError | None, str]:
    assert decision.granted is False
    assert decision.stopped is not None
    assert decision.stopped.section
    assert decision.stopped.why
    return decision.stopped.check, decision.stopped.error, decision.stopped.status


def allow(sid: str, mask: int = FULL) -> Ace:
    return Ace(allows=True, mask=mask, sid=sid)


def deny(sid: str, mask: int = FULL) -> Ace:
    return Ace(allows=False, mask=mask, sid=sid)


# The steps


@pytest.mark.parametrize("evidence", Evidence)
def test_the_plain_grant(evidence: Evidence) -> None:
    decision = decided(evidence=evidence)
    assert (decision.granted, decision.by, decision.stopped) == (True, Route.CLASSIC, None)
    assert [step.check for step in decision.steps] == list(Check)
    assert not any(step.error or step.status for step in decision.steps)


@pytest.mark.parametrize("evidence", Evidence)
def test_a_disabled_source_or_user_ends_it(evidence: Evidence) -> None:
    source = replace(CLASSIC, enabled=False)
    assert stopped(decided(source, evidence=evidence)) == (
        Check.SOURCE,
        KdcError.CLIENT_REVOKED,
        "",
    )
    gone = User("vmadmin", enabled=False)
    assert stopped(decided(who=gone, evidence=evidence)) == (
        Check.USER,
        KdcError.CLIENT_REVOKED,
        "",
    )


def test_a_disabled_target_does_not() -> None:
    assert decided(CLASSIC, replace(TARGET, enabled=False)).granted


def test_a_ghost_and_a_duplicate_have_no_ticket() -> None:
    ghost = decide(CLASSIC, (), SPN, User(), Evidence.S4U2SELF)
    assert stopped(ghost) == (Check.SERVICE, KdcError.S_PRINCIPAL_UNKNOWN, "")
    twice = decided(CLASSIC, OPEN, replace(OPEN, name="HV05$"))
    assert stopped(twice) == (Check.SERVICE, KdcError.S_PRINCIPAL_UNKNOWN, "")
    assert twice.stopped is not None
    assert twice.stopped.why == "cifs/hv02 is registered on HV02$ and HV05$"


def test_who_answers_may_be_unknown() -> None:
    listed = decide(CLASSIC, None, SPN, User(), Evidence.S4U2SELF)
    assert (listed.granted, listed.by) == (None, Route.CLASSIC)
    assert decide(SOURCE, None, SPN, User(), Evidence.S4U2SELF).granted is None
    gone = User(enabled=False)
    assert decide(SOURCE, None, SPN, gone, Evidence.S4U2SELF).granted is False


def test_the_first_failing_step_tells() -> None:
    hopeless = replace(SOURCE, enabled=False)
    decision = decided(hopeless, who=User(enabled=False, not_delegated=True))
    assert stopped(decision)[0] is Check.SOURCE


# The source's list


@pytest.mark.parametrize("listed", [SPN, "CIFS/HV02"])
@pytest.mark.parametrize("asked", [SPN, "cifs/HV02"])
def test_case_does_not_count(listed: str, asked: str) -> None:
    assert decided(replace(CLASSIC, allowed_to_delegate_to=(listed,)), spn=asked).granted


@pytest.mark.parametrize("asked", ["cifs/hv02.corp.example", "HOST/hv02", "cifs/hv02:445", "cifs"])
def test_the_very_form_that_is_asked_counts(asked: str) -> None:
    refused = (Check.LISTED, KdcError.BADOPTION, "STATUS_NO_MATCH")
    assert stopped(decided(spn=asked)) == refused


def test_an_empty_list_is_told_apart() -> None:
    refused = (Check.LISTED, KdcError.BADOPTION, "STATUS_NOT_SUPPORTED")
    assert stopped(decided(SOURCE)) == refused


def test_it_counts_in_its_own_realm_only() -> None:
    elsewhere = "dc=other,dc=example"
    assert stopped(decided(CLASSIC, replace(TARGET, realm=elsewhere)))[0] is Check.LISTED
    decision = decided(CLASSIC, replace(OPEN, realm=elsewhere))
    assert (decision.granted, decision.by) == (None, None)


# The target's list


@pytest.mark.parametrize(
    ("acting", "expected"),
    [
        ((), False),
        ((allow(OWN),), True),
        ((allow(GROUP),), True),
        ((allow("S-1-1-0"),), True),
        ((allow("S-1-5-11"),), True),
        ((allow(OTHER),), False),
        ((allow(OWN, CONTROL_ACCESS),), True),
        ((allow(OWN, FULL & ~CONTROL_ACCESS),), False),
        ((allow(OWN, 0x10000000),), False),
        ((deny(OWN), allow(GROUP)), False),
        ((deny(GROUP), allow(OWN)), False),
        ((allow(GROUP), deny(OWN)), True),
        ((deny(OTHER), allow(OWN)), True),
        ((deny(OWN, FULL & ~CONTROL_ACCESS), allow(OWN)), True),
        ((allow(OWN, 0x1), deny(OWN), allow(OWN)), False),
    ],
)
def test_the_first_entry_about_the_right_decides(
    acting: tuple[Ace, ...], *, expected: bool
) -> None:
    assert lets_act(acting, SOURCE.sid, SOURCE.token) is expected
    decision = decided(SOURCE, replace(TARGET, acting=acting), evidence=Evidence.TICKET)
    assert decision.granted is expected
    assert decision.by is (Route.RBCD if expected else None)
    if acting and not expected:
        assert stopped(decision) == (Check.LISTED, KdcError.BADOPTION, "STATUS_NOT_FOUND")


def test_the_sources_list_comes_first() -> None:
    assert decided(CLASSIC, OPEN).by is Route.CLASSIC
    assert decided(replace(CLASSIC, allowed_to_delegate_to=("HTTP/x",)), OPEN).by is Route.RBCD


# The evidence


PROXY = (Check.FORWARDABLE, KdcError.BADOPTION, "STATUS_ACCOUNT_RESTRICTION")


@pytest.mark.parametrize(
    ("evidence", "source"),
    [*product(Evidence, [CLASSIC, replace(SOURCE, protocol_transition=True)])],
)
def test_who_cannot_be_delegated_is_not_by_either_list(evidence: Evidence, source: Service) -> None:
    for who in (User(not_delegated=True), User(protected=True)):
        assert stopped(decided(source, OPEN, who=who, evidence=evidence)) == PROXY


def test_protocol_transition_is_for_tickets_that_the_source_asked_for() -> None:
    source = replace(CLASSIC, protocol_transition=False)
    assert stopped(decided(source)) == PROXY
    assert decided(source, evidence=Evidence.TICKET).granted
    assert stopped(decided(replace(source, allowed_to_delegate_to=("HTTP/x",)), OPEN)) == PROXY


def test_an_empty_list_needs_none() -> None:
    """MS-SFU 3.2.5.1.2: only with a list that is not empty must the ticket stay."""
    assert decided(SOURCE, OPEN).granted


def test_unknown_groups_of_the_user_leave_it_open_unless_all_is_lost() -> None:
    who = User(protected=None)
    assert decided(who=who).granted is None
    assert decided(replace(CLASSIC, protocol_transition=False), who=who).granted is False
    assert decided(SOURCE, who=who).granted is False
    assert decided(who=replace(who, not_delegated=True)).granted is False


# From what was read


def test_a_service_of_an_account() -> None:
    account = computer("hv01", SPN, uac=ENABLED | TRANSITION)._replace(
        sid=OWN, acting=(allow(OTHER),)
    )
    assert Service.of(account, SOURCE.token) == replace(
        CLASSIC, name="hv01$", acting=(allow(OTHER),)
    )
    disabled = Service.of(computer("hv01", uac=ENABLED | DISABLED))
    assert not disabled.enabled
    assert not disabled.protocol_transition
    assert disabled.token is None


def test_a_user_of_an_operator() -> None:
    account = user("vmadmin")._replace(sid=OWN)
    assert User.of(Operator("vmadmin", account, frozenset({OWN}))) == User("vmadmin")
    assert User.of(Operator("vmadmin", account)).protected is None
    flagged = account._replace(uac=account.uac | NOT_DELEGATED | DISABLED)
    assert User.of(Operator("x", flagged, frozenset())) == User(
        "x", enabled=False, not_delegated=True
    )
    in_group = frozenset({"S-1-5-21-1-1-1-525"})
    assert User.of(Operator("x", account, in_group)).protected


@pytest.mark.parametrize("error", KdcError)
def test_errors_are_named_as_in_a_trace(error: KdcError) -> None:
    assert str(error) == f"KDC_ERR_{error.name} ({error.value})"
