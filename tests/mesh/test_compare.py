"""What becomes of each value that is found: by example, rule by rule, and as laws."""

from datetime import timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delegation.inventory import Foreign, Inventory, Keep
from delegation.mesh.compare import HostComparison, Standing
from delegation.mesh.snapshot import Computer, resolve
from delegation.names import MIGRATION
from tests.builders import (
    BASE,
    DIRECTORY,
    RECASINGS,
    TODAY,
    TRANSITION,
    UNCONSTRAINED,
    MemoryDirectory,
    World,
    computer,
    domain_controller,
    forms,
    guid,
    host,
    inventory,
    on_shares,
    one_way,
    retired,
    survey,
    two_way,
    user,
    worlds,
)

KEPT, STALE, FOREIGN = Standing.KEPT, Standing.STALE, Standing.FOREIGN

# hv01 and hv02 are peers; hv03 is a host of another mesh; hv99 is retired under another domain.
TWO_MESHES = inventory(
    "hv01",
    "hv02",
    "hv03",
    "hv04",
    meshes=[two_way("a", "hv01", "hv02"), two_way("b", "hv03", "hv04")],
    retired=[retired("hv98"), retired("hv99", "hv99.old.example")],
)


def hv01(*values: str, inventory: Inventory = TWO_MESHES, uac: int = 0x1000) -> HostComparison:
    """The judgement on hv01 that holds these values."""
    others = [computer(label) for label in inventory.hosts if label != "hv01"]
    directory = MemoryDirectory([computer("hv01", *values, uac=uac), *others])
    return survey(inventory, directory).hosts[0]


@pytest.mark.parametrize(
    ("value", "standing", "reason"),
    [
        pytest.param("cifs/hv99", STALE, "retired", id="retired, cifs, short"),
        pytest.param(f"{MIGRATION}/hv99", STALE, "retired", id="retired, migration, short"),
        pytest.param("cifs/HV99.OLD.example", STALE, "retired", id="retired, FQDN, other case"),
        pytest.param(f"{MIGRATION}/hv98.corp.example", STALE, "retired", id="retired, FQDN"),
        pytest.param("CIFS/hv99:445", STALE, "retired", id="retired, with a port"),
        pytest.param("cifs/hv99.corp.example", FOREIGN, "", id="not the retired host's FQDN"),
        pytest.param("cifs/hv9", FOREIGN, "", id="a retired host's name in part"),
        pytest.param("HTTP/hv99", FOREIGN, "", id="retired, but a service we don't manage"),
        pytest.param("Hyper-V Replica Service/hv99", FOREIGN, "", id="retired, replica service"),
        pytest.param(f"{MIGRATION}/hv03", STALE, "hv03 is not a peer", id="not a peer"),
        pytest.param(
            f"{MIGRATION.upper()}/HV03.corp.example", STALE, "hv03 is not a peer", id="any case"
        ),
        pytest.param("cifs/hv03", FOREIGN, "", id="a lone cifs value of a host may be ISOs"),
        pytest.param("cifs/hv03.corp.example", FOREIGN, "", id="a lone cifs FQDN"),
        pytest.param(f"{MIGRATION}/hv01", STALE, "the host itself", id="itself, migration"),
        pytest.param("cifs/hv01", FOREIGN, "", id="itself, lone cifs"),
        pytest.param(f"{MIGRATION}/elsewhere", FOREIGN, "", id="a host nobody declared"),
        pytest.param("MSSQLSvc/db1:1433", FOREIGN, "", id="another service"),
        pytest.param("no slash", FOREIGN, "", id="no service principal name at all"),
    ],
)
def test_the_standing_of_a_value(value: str, standing: Standing, reason: str) -> None:
    [verdict] = hv01(value).extra
    assert (verdict.value, verdict.standing) == (value, standing)
    assert verdict.reason == (reason or "not in the inventory")


def test_the_cifs_twin_of_a_stale_migration_value_goes_with_it_in_the_same_form_only() -> None:
    found = hv01(f"{MIGRATION}/hv03", "cifs/HV03", "cifs/hv03.corp.example")
    assert {v.value: v.standing for v in found.extra} == {
        f"{MIGRATION}/hv03": STALE,
        "cifs/HV03": STALE,
        "cifs/hv03.corp.example": FOREIGN,
    }


def test_the_cifs_twin_of_a_migration_value_to_itself_goes_with_it() -> None:
    assert {v.standing for v in hv01(*forms("hv01")).extra} == {STALE}


def test_a_lone_cifs_value_towards_a_peer_that_needs_none_is_left_alone() -> None:
    farm = inventory("hv01", "hv02", meshes=[on_shares("farm", "hv01", "hv02")])
    [verdict] = hv01("cifs/hv02", *forms("hv02", MIGRATION), inventory=farm).extra
    assert (verdict.standing, verdict.reason) == (FOREIGN, "no mesh asks for cifs of hv02")


def test_a_dropped_host_goes_in_all_four_values() -> None:
    assert {v.standing for v in hv01(*forms("hv03")).extra} == {STALE}


def test_a_kept_cifs_twin_stays() -> None:
    kept = TWO_MESHES._replace(keep=(Keep("cifs/hv03", reason="ISO library"),))
    standings = {v.value: v.standing for v in hv01(*forms("hv03"), inventory=kept).extra}
    assert standings.pop("cifs/hv03") is KEPT
    assert set(standings.values()) == {STALE}


def test_a_cifs_twin_whose_rule_has_expired_stays_untouched() -> None:
    rule = Keep("cifs/*", expires=TODAY - timedelta(days=1))
    found = hv01(f"{MIGRATION}/hv03", "cifs/hv03", inventory=TWO_MESHES._replace(keep=(rule,)))
    assert {v.value: v.standing for v in found.extra} == {
        f"{MIGRATION}/hv03": STALE,
        "cifs/hv03": FOREIGN,
    }


def test_a_twin_of_a_kept_migration_value_is_not_stale() -> None:
    kept = TWO_MESHES._replace(keep=(Keep(f"{MIGRATION}/hv03"),))
    found = hv01(f"{MIGRATION}/hv03", "cifs/hv03", inventory=kept)
    assert {v.value: v.standing for v in found.extra} == {
        f"{MIGRATION}/hv03": KEPT,
        "cifs/hv03": FOREIGN,
    }


@pytest.mark.parametrize(
    ("pattern", "value", "covered"),
    [
        ("HTTP/*", "http/portal", True),
        ("HTTP/*", "HTTPS/portal", False),
        ("cifs/nas0?", "CIFS/NAS01", True),
        ("cifs/nas0?", "cifs/nas01.corp.example", False),
        ("cifs/nas[01]", "cifs/nas0", False),
        ("cifs/nas[01]", "cifs/nas[01]", True),
        ("cifs/nas", "cifs/nas01", False),
        ("*/db1", "MSSQLSvc/db1", True),
    ],
)
def test_patterns_know_star_and_question_mark_in_any_case(
    pattern: str,
    value: str,
    covered: bool,  # noqa: FBT001
) -> None:
    assert Keep(pattern).covers(value) is covered


@pytest.mark.parametrize(
    ("days", "standing"),
    [(None, KEPT), (1, KEPT), (0, KEPT), (-1, FOREIGN)],
    ids=["no end", "until tomorrow", "until today", "until yesterday"],
)
def test_a_keep_rule_holds_to_the_end_of_its_last_day(days: int | None, standing: Standing) -> None:
    expires = None if days is None else TODAY + timedelta(days=days)
    rule = Keep("HTTP/*", expires=expires, reason="portal")
    [verdict] = hv01("HTTP/portal", inventory=TWO_MESHES._replace(keep=(rule,))).extra
    assert verdict.standing is standing
    assert verdict.rule is rule
    assert verdict.reason == (
        "portal" if standing is KEPT else f"its keep rule expired on {expires}"
    )


def test_an_expired_rule_shields_even_what_would_be_stale() -> None:
    rule = Keep("*/hv99", expires=TODAY - timedelta(days=1))
    [verdict] = hv01("cifs/hv99", inventory=TWO_MESHES._replace(keep=(rule,))).extra
    assert verdict.standing is FOREIGN
    assert verdict.rule is rule


def test_a_live_rule_wins_over_an_expired_one() -> None:
    expired = Keep("HTTP/*", expires=TODAY - timedelta(days=1))
    live = Keep("*/portal")
    [verdict] = hv01("HTTP/portal", inventory=TWO_MESHES._replace(keep=(expired, live))).extra
    assert (verdict.standing, verdict.rule) == (KEPT, live)


def test_a_rule_for_other_hosts_keeps_nothing_here() -> None:
    rule = Keep("HTTP/*", hosts=("hv02",))
    [verdict] = hv01("HTTP/portal", inventory=TWO_MESHES._replace(keep=(rule,))).extra
    assert (verdict.standing, verdict.rule) == (FOREIGN, None)


def test_what_is_desired_is_missing_or_present_whatever_its_case() -> None:
    found = hv01("CIFS/HV02", f"{MIGRATION}/hv02")
    assert found.present == ("cifs/hv02", f"{MIGRATION}/hv02")
    assert found.missing == ("cifs/hv02.corp.example", f"{MIGRATION}/hv02.corp.example")
    assert not found.extra


def test_a_value_that_stands_there_twice_is_told_once_as_such() -> None:
    found = hv01("cifs/hv02", "CIFS/hv02", "HTTP/a", "http/A")
    assert found.twins == ("CIFS/hv02", "http/A")
    assert found.present == ("cifs/hv02",)
    assert [v.value for v in found.extra] == ["HTTP/a"]


@pytest.mark.parametrize(
    ("declared", "uac", "transition"),
    [
        (True, 0x1000, (False, True)),
        (True, TRANSITION, (True, True)),
        (False, TRANSITION, (True, False)),
        (None, TRANSITION, (True, True)),
        (None, 0x1000, (False, False)),
    ],
)
def test_protocol_transition_as_found_and_as_wanted(
    declared: bool | None,  # noqa: FBT001
    uac: int,
    transition: tuple[bool, bool],
) -> None:
    hosts = inventory(host("hv01", transition=declared), "hv02")
    found = hv01(inventory=hosts, uac=uac | UNCONSTRAINED)
    assert found.transition == transition
    assert found.unconstrained


def test_a_mere_target_keeps_the_flag_it_has() -> None:
    recovery = inventory("hv01", "hv02", meshes=[one_way("dr", ["hv02"], ["hv01"])])
    assert hv01(inventory=recovery, uac=TRANSITION).transition == (True, True)


def test_only_hosts_in_scope_with_an_account_are_judged() -> None:
    directory = MemoryDirectory([computer("hv01"), computer("hv02"), computer("hv03")])
    assert survey(TWO_MESHES, directory).labels == ["hv01", "hv02", "hv03"]
    assert survey(TWO_MESHES, directory, limit={"hv02", "hv04"}).labels == ["hv02"]


# Which account a name is


LAB = "DC=lab,DC=corp,DC=example"
HERE = computer("hv01")
THERE = computer("hv01", base=LAB)
AGAIN = HERE._replace(dn=f"CN=HV01,OU=Old,{BASE}", guid=guid("again"))


def test_a_name_is_the_one_account_in_the_domain_whatever_its_case() -> None:
    found = resolve(DIRECTORY, ["HV01"], [THERE, HERE, computer("hv02")])
    assert found.computer("hv01") == found.computer("HV01") == HERE
    assert found.computer("hv02") is None
    assert (found.missing, found.ambiguous, found.elsewhere) == ((), {}, {})


def test_a_name_without_exactly_one_account_says_why() -> None:
    found = resolve(DIRECTORY, ["hv01", "hv02", "Joe"], [HERE, AGAIN, user("joe", "cifs/x")])
    assert found.computers == {}
    assert found.ambiguous == {"hv01": (HERE.dn, AGAIN.dn)}
    assert found.missing == ("hv02", "Joe")
    assert resolve(DIRECTORY, ["hv01"], [THERE]).elsewhere == {"hv01": THERE.dn}


def test_another_domain_is_told_by_naming_context_and_never_by_suffix() -> None:
    """A domain below ours has our name as its suffix; one spelled otherwise is ours."""
    ours = HERE._replace(dn="CN=hv01, OU=x,dc=CORP, dc=Example")
    assert resolve(DIRECTORY, ["hv01"], [THERE]).computers == {}
    assert resolve(DIRECTORY, ["hv01"], [ours]).computer("hv01") == ours


@pytest.mark.parametrize(
    ("bases", "found"),
    [
        ((), None),
        ((f"OU=Hyper-V,{BASE}",), HERE),
        ((f"ou=hyper-v, {BASE.lower()}",), HERE),
        ((f"OU=Old,{BASE}", f"OU=New,{BASE}"), AGAIN),
        ((f"OU=V,{BASE}",), None),
        ((f"OU=Hyper-V,{LAB}",), None),
    ],
)
def test_with_search_bases_only_accounts_below_them_count(
    bases: tuple[str, ...], found: Computer | None
) -> None:
    accounts = [HERE, AGAIN, THERE]
    assert resolve(DIRECTORY, ["hv01"], accounts, bases).computer("hv01") == found


def test_domain_controllers_and_holders_of_names_count_wherever_they_are() -> None:
    accounts = [domain_controller("dc9"), user("svc", "CIFS/hv01"), THERE]
    found = resolve(DIRECTORY, ["hv01"], accounts, [f"OU=Hyper-V,{BASE}"])
    assert found.domain_controller_names == {"dc9", "dc9.corp.example"}
    assert [a.account for a in found.holders("cifs/HV01")] == ["svc"]


# Laws


@given(worlds())
def test_every_value_has_one_verdict(world: World) -> None:
    for found in survey(world.inventory, world.directory).hosts:
        judged = [
            v.value.casefold() for v in found.verdicts() if v.standing is not Standing.MISSING
        ]
        twins = [value.casefold() for value in found.twins]
        assert sorted([*judged, *twins]) == sorted(v.casefold() for v in found.computer.values)
        assert len(judged) == len(set(judged))


@given(worlds(), st.randoms(use_true_random=False))
def test_order_and_case_change_no_verdict(world: World, random: Random) -> None:
    directory = world.directory
    before = survey(world.inventory, directory).hosts
    for account in list(directory.accounts.values()):
        values = [
            random.choice(RECASINGS)(v) for v in dict.fromkeys(map(str.casefold, account.values))
        ]
        random.shuffle(values)
        directory.put(account._replace(values=tuple(values)))
    after = survey(world.inventory, directory).hosts
    for then, now in zip(before, after, strict=True):
        assert (then.missing, then.present) == (now.missing, now.present)
        assert _standings(then) == _standings(now)


def _standings(found: HostComparison) -> set[tuple[str, Standing, str]]:
    return {(v.value.casefold(), v.standing, v.reason) for v in found.extra}


@given(worlds(), st.sampled_from(Foreign))
def test_policy_judges_no_value(world: World, foreign: Foreign) -> None:
    other = world.inventory._replace(policy=world.inventory.policy._replace(foreign=foreign))
    one, two = survey(world.inventory, world.directory), survey(other, world.directory)
    assert [list(h.verdicts()) for h in one.hosts] == [list(h.verdicts()) for h in two.hosts]
