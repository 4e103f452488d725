"""May this account write? Yes, no or unknown, and what that rests on."""

from collections.abc import Collection

import pytest

from delegation.mesh.rights import ADMINISTRATORS, Rights, RightsAnswer, judged, unwritable
from delegation.mesh.state import DelegationChange
from tests.builders import ENABLED, TRANSITION, change, computer

HOSTS = {label: computer(label) for label in ("hv01", "hv02", "hv03")}
BOTH = frozenset({"msds-allowedtodelegateto", "useraccountcontrol", "description"})
ADMIN = frozenset({"S-1-5-21-1-2-3-500", ADMINISTRATORS})
PLAIN = frozenset({"S-1-5-21-1-2-3-1104"})


def asked(token: Collection[str] | None, **allowed: frozenset[str]) -> Rights:
    given = {HOSTS[label].guid: names for label, names in allowed.items()}
    return judged(HOSTS, {c.guid: BOTH for c in HOSTS.values()} | given, token)


def test_an_administrator_can_by_default() -> None:
    answer = asked(ADMIN)
    assert answer.answer is RightsAnswer.YES
    assert answer.evidence[0].startswith("hv[01-03]: the ACL lets it write")
    assert "by default" in answer.evidence[1]


@pytest.mark.parametrize("token", [PLAIN, frozenset[str](), None])
def test_the_privilege_of_others_is_unknown(token: Collection[str] | None) -> None:
    answer = asked(token)
    assert answer.answer is RightsAnswer.UNKNOWN
    assert "Enable computer and user accounts to be trusted for delegation" in answer.evidence[-1]


@pytest.mark.parametrize(
    ("allowed", "lacking"),
    [
        (BOTH - {"useraccountcontrol"}, "write userAccountControl"),
        (BOTH - {"msds-allowedtodelegateto"}, "write msDS-AllowedToDelegateTo"),
        (frozenset({"description"}), "write msDS-AllowedToDelegateTo and userAccountControl"),
        (frozenset[str](), "write msDS-AllowedToDelegateTo and userAccountControl"),
    ],
)
@pytest.mark.parametrize("token", [ADMIN, PLAIN, None])
def test_an_acl_that_lacks_one_is_a_no(
    token: Collection[str] | None, allowed: frozenset[str], lacking: str
) -> None:
    answer = asked(token, hv02=allowed, hv03=allowed)
    assert answer.answer is RightsAnswer.NO
    assert answer.evidence[0] == f"hv[02-03]: the ACL does not let it {lacking}"
    assert answer.evidence[1].startswith("hv01: the ACL lets it write")
    assert len(answer.evidence) == 2


def test_each_lack_is_told_with_its_hosts() -> None:
    answer = asked(ADMIN, hv01=BOTH - {"useraccountcontrol"}, hv02=frozenset(), hv03=frozenset())
    assert [sentence.partition(":")[0] for sentence in answer.evidence] == ["hv01", "hv[02-03]"]


def test_adminCount_is_noted() -> None:  # noqa: N802 - the attribute's name
    hosts = HOSTS | {"hv02": HOSTS["hv02"]._replace(admin_count=1)}
    answer = judged(hosts, {c.guid: BOTH for c in hosts.values()}, ADMIN)
    assert answer.answer is RightsAnswer.YES
    assert any(s.startswith("hv02: adminCount is 1") and "SDProp" in s for s in answer.evidence)


def test_an_object_that_could_not_be_read_is_unknown() -> None:
    writable = {HOSTS[label].guid: BOTH for label in ("hv01", "hv02")}
    answer = judged(HOSTS, writable, ADMIN)
    assert answer.answer is RightsAnswer.UNKNOWN
    assert "hv03: the ACL could not be read" in answer.evidence
    writable[HOSTS["hv01"].guid] = frozenset()
    assert judged(HOSTS, writable, ADMIN).answer is RightsAnswer.NO


def test_an_export_and_an_empty_scope_tell_nothing() -> None:
    assert judged(HOSTS, None, None).answer is RightsAnswer.UNKNOWN
    assert "export" in judged(HOSTS, None, None).evidence[0]
    assert judged({}, {}, ADMIN) == Rights(
        RightsAnswer.UNKNOWN, ("no account of a host was found",)
    )


# What surely can't be written


VALUES, FLAG = frozenset({"msds-allowedtodelegateto"}), frozenset({"useraccountcontrol"})
GIVES = change(HOSTS["hv01"], add=["cifs/x"])
FLIPS = change(HOSTS["hv01"], uac=ENABLED | TRANSITION)
ALL_OF_IT = change(HOSTS["hv01"], add=["cifs/x"], uac=ENABLED | TRANSITION)


@pytest.mark.parametrize(
    ("planned", "allowed", "lacking"),
    [
        (GIVES, VALUES, ()),
        (GIVES, FLAG, ("msDS-AllowedToDelegateTo",)),
        (FLIPS, VALUES, ("userAccountControl",)),
        (FLIPS, FLAG, ()),
        (ALL_OF_IT, frozenset(), ("msDS-AllowedToDelegateTo", "userAccountControl")),
        (ALL_OF_IT, BOTH, ()),
    ],
)
def test_only_what_a_change_needs_is_missed(
    planned: DelegationChange, allowed: frozenset[str], lacking: tuple[str, ...]
) -> None:
    found = unwritable([planned], {HOSTS["hv01"].guid: allowed})
    assert found == ({"hv01": lacking} if lacking else {})


def test_what_is_not_told_is_not_called_unwritable() -> None:
    """An export tells nothing, and neither does an object that the answer leaves out."""
    assert unwritable([ALL_OF_IT], None) == {}
    assert unwritable([ALL_OF_IT], {HOSTS["hv02"].guid: frozenset()}) == {}
