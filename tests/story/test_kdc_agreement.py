"""``kdc.decide`` against a KDC that runs: the same cases before both, and not one disagreement.

What ``kdc.decide`` is given is what the product reads over LDAP, so that reading is proved as well.
Somewhat more than 100 cases in every run, all of them by ``./scripts/test --full``.
"""

from __future__ import annotations

import os
import sys
import time
from contextlib import closing

import pytest

from delegation.directory.inspection import LdapInspector
from delegation.mesh import kdc as ours
from delegation.mesh.kdc import Check, Route
from tests.directory.test_ldap import credentials, settings
from tests.lab import Lab, admin, ldif
from tests.lab.description import (
    ACCOUNTDISABLE,
    OPERATOR,
    READER,
    TRUSTED_TO_AUTH_FOR_DELEGATION,
    LabError,
    cifs_values,
)
from tests.lab.kdc import Evidence, Granted, Question, Refused, Step, decide_all
from tests.story import kdc_cases
from tests.story.kdc_cases import ALL_PAIRS, FACTORS, LEFT_OUT, Case, User, pairs
from tests.story.kdc_world import Judged, World, decisions, descriptor

lab_test = pytest.mark.lab
FULL = os.environ.get("DELEGATION_TEST_FULL") == "1"

PLACES = {
    (Check.SOURCE, Evidence.S4U2SELF): (Step.SOURCE, 18),
    (Check.SOURCE, Evidence.TICKET): (Step.SOURCE, 18),
    (Check.USER, Evidence.S4U2SELF): (Step.S4U2SELF, 12),
    (Check.USER, Evidence.TICKET): (Step.USER, 18),
    (Check.LISTED, Evidence.S4U2SELF): (Step.S4U2PROXY, 13),
    (Check.LISTED, Evidence.TICKET): (Step.S4U2PROXY, 13),
    (Check.FORWARDABLE, Evidence.S4U2SELF): (Step.S4U2PROXY, 13),
    (Check.FORWARDABLE, Evidence.TICKET): (Step.S4U2PROXY, 13),
}
"""Where the exchange ends at a step that fails, and with which error."""


# The cases


def test_there_are_enough_cases_and_they_are_the_same_in_every_run() -> None:
    few, every = kdc_cases.few(), kdc_cases.all_of_them()
    assert 100 <= len(few) <= 150
    assert len(every) >= 1_000
    assert set(few) <= set(every)
    assert kdc_cases.all_of_them() == every
    assert not any(map(kdc_cases.is_left_out, every))


def test_every_two_levels_of_two_factors_meet() -> None:
    met = set().union(*map(pairs, kdc_cases.few()))
    assert len(FACTORS) == 17
    assert ALL_PAIRS - met == LEFT_OUT


# The agreement


@lab_test
def test_not_one_disagreement(fresh_hardened_lab: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    cases = kdc_cases.all_of_them() if FULL else kdc_cases.few()
    begun = time.monotonic()
    judged = list(World(fresh_hardened_lab).judge(cases))
    seconds = time.monotonic() - begun
    granted = [one for one in judged if isinstance(one.theirs, Granted)]
    by_target = [one for one in granted if one.ours.by is Route.RBCD]
    with capsys.disabled():
        sys.stdout.write(
            f"\n{len(judged):,} cases, {len(granted):,} granted ({len(by_target):,} by the "
            f"target's list), {len(judged) - len(granted):,} refused, in {seconds:.0f} s\n"
        )
    assert {one.case for one in judged} == set(cases)
    assert [told(one) for one in judged if not one.agreed] == []
    assert [told(one) for one in judged if not at_the_same_place(one)] == []
    assert 0.35 <= len(granted) / len(judged) <= 0.65
    assert 0.3 <= len(by_target) / len(granted) <= 0.8
    by_design = {*kdc_cases.PLAIN, *kdc_cases.granted(kdc_cases.BASES)}
    assert {one.case for one in granted} >= by_design & set(cases)


def at_the_same_place(one: Judged) -> bool:
    """Whether a refusal comes at the step at which ours does."""
    if isinstance(one.theirs, Granted):
        return one.ours.stopped is None
    assert one.ours.stopped is not None
    place = PLACES[one.ours.stopped.check, one.case.evidence]
    return (one.theirs.step, one.theirs.code) == place


def told(one: Judged) -> str:
    plain = Case()
    odd = {
        name: getattr(one.case, name)
        for name in FACTORS
        if getattr(one.case, name) != getattr(plain, name)
    }
    return f"{odd}: they say {one.theirs}, we say {one.ours.granted}, {one.ours.stopped}"


# The limits: what Samba does otherwise, and what cannot be asked


@pytest.fixture
def world(fresh_hardened_lab: Lab) -> World:
    return World(fresh_hardened_lab)


@lab_test
@pytest.mark.parametrize("user", [User.PROTECTED, User.NESTED])
def test_samba_lets_a_protected_user_be_impersonated(world: World, user: User) -> None:
    """MS-KILE 3.3.5.1: the ticket must not be forwardable; Windows refuses."""
    (one,) = world.judge([Case(user=user)])
    assert isinstance(one.theirs, Granted)
    assert one.ours.granted is False
    assert kdc_cases.is_left_out(one.case)


@lab_test
def test_samba_asks_for_protocol_transition_even_of_an_empty_list(world: World) -> None:
    """MS-SFU 3.2.5.1.2 forbids a forwardable ticket only where the list is not empty."""
    case = Case(
        short_cifs=False,
        full_cifs=False,
        short_migration=False,
        full_migration=False,
        transition=False,
        principal=kdc_cases.Principal.ACCOUNT,
    )
    (one,) = world.judge([case])
    assert isinstance(one.theirs, Refused)
    assert (one.ours.granted, one.ours.by) == (True, Route.RBCD)
    assert kdc_cases.is_left_out(case)


@lab_test
def test_samba_takes_a_descriptor_without_a_list_for_an_empty_one(fresh_hardened_lab: Lab) -> None:
    """MS-DTYP 2.5.3.2: without a list, any access check succeeds."""
    lab = fresh_hardened_lab
    admin.set_object(lab, "hv02", admin.RBCD, descriptor(None))
    question = Question("hv01", OPERATOR, "cifs/hv02", Evidence.TICKET)
    theirs, decided = ask(lab, question)
    assert isinstance(theirs, Refused)
    assert (decided.granted, decided.by) == (True, Route.RBCD)
    admin.set_object(lab, "hv02", admin.RBCD, descriptor([]))
    theirs, decided = ask(lab, question)
    assert isinstance(theirs, Refused)
    assert decided.granted is False


@lab_test
def test_a_disabled_target_is_none_of_the_kdcs_business(fresh_hardened_lab: Lab) -> None:
    """MS-SFU is silent; whether Windows gives a ticket is not confirmed."""
    lab = fresh_hardened_lab
    grant(lab, *cifs_values("hv02"))
    admin.set_flags(lab, "hv02", on=ACCOUNTDISABLE)
    theirs, decided = ask(lab, Question("hv01", OPERATOR, "cifs/hv02"))
    assert theirs == Granted()
    assert decided.granted


@lab_test
def test_a_ghost_has_no_ticket(fresh_hardened_lab: Lab) -> None:
    lab = fresh_hardened_lab
    grant(lab, "cifs/hv99")
    question = Question("hv01", OPERATOR, "cifs/hv99")
    with pytest.raises(LabError, match="Server not found"):
        decide_all(lab, [question])
    assert refusal(decide(lab, question)) == (Check.SERVICE, ours.KdcError.S_PRINCIPAL_UNKNOWN)


@lab_test
def test_samba_falls_back_to_the_account_of_that_name(fresh_hardened_lab: Lab) -> None:
    """MS-DRSR 4.1.4.2.14: a name is registered, or HOST stands for it, or it is nobody's."""
    lab = fresh_hardened_lab
    grant(lab, "cifs/hv02")
    admin.set_attribute(lab, "hv02", "servicePrincipalName", "WSMAN/hv02")
    theirs, decided = ask(lab, Question("hv01", OPERATOR, "cifs/hv02"))
    assert theirs == Granted()
    assert refusal(decided) == (Check.SERVICE, ours.KdcError.S_PRINCIPAL_UNKNOWN)


@lab_test
def test_another_account_that_holds_the_name_gets_the_ticket(fresh_hardened_lab: Lab) -> None:
    lab = fresh_hardened_lab
    grant(lab, "cifs/hv02")
    register(lab, "hv05", "cifs/hv02")
    question = Question("hv01", OPERATOR, "cifs/hv02")
    theirs, decided = ask(lab, question)
    assert theirs == Granted()
    assert decided.granted
    (found,) = [step for step in decided.steps if step.check is Check.SERVICE]
    assert found.why == "cifs/hv02 is HV05$'s"


@lab_test
def test_no_two_accounts_can_hold_a_name_here(fresh_hardened_lab: Lab) -> None:
    """So that a duplicate cannot be asked about: this directory keeps names unique."""
    lab = fresh_hardened_lab
    register(lab, "hv05", "cifs/hv02")
    with pytest.raises(admin.LdapError, match="result 19:"):
        register(lab, "hv06", "cifs/hv02")


def register(lab: Lab, host: str, name: str) -> None:
    change = ("add", "servicePrincipalName", [name])
    admin.modify(lab, ldif.modification(lab.computer_dn(host), change))


def grant(lab: Lab, *values: str) -> None:
    admin.add_values(lab, "hv01", *values)
    admin.set_flags(lab, "hv01", on=TRUSTED_TO_AUTH_FOR_DELEGATION)


def ask(lab: Lab, question: Question) -> tuple[Granted | Refused, ours.Decision]:
    return decide_all(lab, [question])[0], decide(lab, question)


def decide(lab: Lab, question: Question) -> ours.Decision:
    """Ours, of what is read now."""
    with closing(LdapInspector(settings(lab), lab.domain, credentials(lab, READER))) as inspector:
        return decisions(inspector, [question])[0]


def refusal(decision: ours.Decision) -> tuple[Check, ours.KdcError | None]:
    assert decision.granted is False
    assert decision.stopped is not None
    return decision.stopped.check, decision.stopped.error
