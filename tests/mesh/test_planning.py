"""The plan of a comparison: laws over random worlds, and every refusal with what lifts it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from random import Random

import pytest
from hypothesis import assume, event, given
from hypothesis import strategies as st

from delegation.changes.plan import Blocked
from delegation.inventory import Foreign, Inventory, Keep, Mesh, Policy, Unconstrained
from delegation.mesh.planning import REMOVALS_FLOOR
from delegation.mesh.snapshot import Computer, Directory
from delegation.mesh.state import DelegationPlan, added, flags, removed
from delegation.names import MIGRATION
from tests.builders import (
    BASE,
    DOMAIN,
    ENABLED,
    EVERY_OVERRIDE,
    READ_ONLY_DC,
    RECASINGS,
    TODAY,
    TRANSITION,
    UNCONSTRAINED,
    WRITABLE_DC,
    MemoryDirectory,
    World,
    applied,
    computer,
    domain_controller,
    file_server,
    forms,
    guid,
    inventory,
    one_way,
    planned,
    retired,
    two_way,
    user,
    worlds,
)

YESTERDAY = TODAY - timedelta(days=1)


# Laws


@given(worlds())
def test_applying_a_plan_reaches_the_desired_state(world: World) -> None:
    directory = world.directory
    plan = planned(world.inventory, directory, allow=EVERY_OVERRIDE)
    assert not plan.blocked
    applied(plan, directory)
    for label, h in world.inventory.hosts.items():
        account = directory[h.computer]
        assert _reach(world.inventory, label) <= {v.casefold() for v in account.values}
        if h.protocol_transition is not None and _reach(world.inventory, label):
            assert bool(account.uac & TRANSITION) is h.protocol_transition
        if world.inventory.policy.unconstrained is Unconstrained.CLEAR:
            assert not account.uac & UNCONSTRAINED


def _reach(inventory: Inventory, label: str) -> set[str]:
    """What a host must be able to reach, written down a second time: all services and names."""
    wanted = set()
    for mesh in inventory.meshes:
        if label in mesh.sources:
            for peer in set(mesh.targets) - {label}:
                h = inventory.hosts[peer]
                wanted |= {f"{s}/{n}" for s in mesh.services for n in (h.computer, h.fqdn)}
        if label in {*mesh.sources, *mesh.targets}:
            for server in inventory.file_servers:
                if mesh.name in server.reached_from:
                    wanted |= {f"cifs/{server.computer}", f"cifs/{server.fqdn}"}
    return {value.casefold() for value in wanted}


@given(worlds())
def test_a_second_plan_is_empty(world: World) -> None:
    directory = world.directory
    applied(planned(world.inventory, directory, allow=EVERY_OVERRIDE), directory)
    assert planned(world.inventory, directory).changes == ()


@given(worlds())
def test_only_what_the_inventory_claims_is_removed(world: World) -> None:
    """Restates the rules without the code that decides."""
    inventory, directory = world.inventory, world.directory
    gone = {name.casefold() for r in inventory.retired for name in (r.name, r.fqdn)}
    ours = {name.casefold() for h in inventory.hosts.values() for name in (h.computer, h.fqdn)}
    for change in planned(inventory, directory, allow=EVERY_OVERRIDE).changes:
        takes = {value.casefold() for value in removed(change)}
        event(f"removes {'something' if takes else 'nothing'}")
        assert not takes & _reach(inventory, change.target.name)
        for value in takes:
            assert not any(
                rule.covers(value) and change.target.name in (rule.hosts or inventory.hosts)
                for rule in inventory.keep
            )
            service, _, name = value.partition("/")
            claimed = (
                (service in {"cifs", MIGRATION.casefold()} and name in gone)
                or (service == MIGRATION.casefold() and name in ours)
                or (service == "cifs" and f"{MIGRATION.casefold()}/{name}" in takes)
            )
            assert claimed or inventory.policy.foreign is Foreign.REMOVE


@given(worlds())
def test_what_stays_keeps_its_spelling_and_every_other_bit(world: World) -> None:
    directory = world.directory
    plan = planned(world.inventory, directory, allow=EVERY_OVERRIDE)
    before = dict(directory.accounts)
    applied(plan, directory)
    for change in plan.changes:
        then, now = before[change.target.guid], directory.accounts[change.target.guid]
        assert set(then.values) - set(now.values) == set(removed(change))
        assert set(now.values) - set(then.values) == set(added(change))
        assert not (then.uac ^ now.uac) & ~(TRANSITION | UNCONSTRAINED)
    untouched = directory.accounts.keys() - {change.target.guid for change in plan.changes}
    assert all(before[guid] == directory.accounts[guid] for guid in untouched)


@given(worlds())
def test_nothing_is_added_that_stands_there_in_another_case(world: World) -> None:
    for change in planned(world.inventory, world.directory).changes:
        found = {value.casefold() for value in change.before.values}
        assert not found & {value.casefold() for value in added(change)}


@given(worlds(), st.randoms(use_true_random=False))
def test_a_difference_in_case_alone_is_no_change(world: World, random: Random) -> None:
    directory = world.directory
    applied(planned(world.inventory, directory, allow=EVERY_OVERRIDE), directory)
    for account in list(directory.accounts.values()):
        values = tuple(random.choice(RECASINGS)(value) for value in account.values)
        directory.put(account._replace(values=values))
    assert planned(world.inventory, directory).changes == ()


@given(worlds(dangers=True), st.randoms(use_true_random=False))
def test_two_workstations_get_the_same_plan(world: World, random: Random) -> None:
    """The order of accounts, values and service principal names means nothing, nor do others."""
    accounts = [_shuffled(account, random) for account in world.accounts]
    accounts += [computer("bystander", "cifs/hv01", uac=UNCONSTRAINED), user("joe", "HTTP/hv01")]
    random.shuffle(accounts)
    elsewhere = Directory("ldap://dc2.corp.example", DOMAIN, BASE.lower(), "dc2.corp.example")
    one = planned(world.inventory, world.directory)
    two = planned(world.inventory, MemoryDirectory(accounts, elsewhere))
    assert one.digest == two.digest
    assert {(b.computer, b.why) for b in one.blocked} == {(b.computer, b.why) for b in two.blocked}


def _shuffled(account: Computer, random: Random) -> Computer:
    """Twins keep their order: which of them is the value, and which its twin, is a choice."""
    first: dict[str, list[str]] = {}
    for value in account.values:
        first.setdefault(value.casefold(), []).append(value)
    groups = list(first.values())
    random.shuffle(groups)
    spns = random.sample(account.spns, len(account.spns))
    values = tuple(value for group in groups for value in group)
    return account._replace(values=values, spns=tuple(spns), dn=account.dn.swapcase())


@given(worlds())
def test_a_plan_is_sorted_by_distinguished_name(world: World) -> None:
    names = [
        change.target.dn.casefold() for change in planned(world.inventory, world.directory).changes
    ]
    assert names == sorted(names)


@given(worlds(), st.data())
def test_a_limited_plan_is_a_part_of_the_whole(world: World, data: st.DataObject) -> None:
    limit = set(data.draw(st.lists(st.sampled_from(list(world.inventory.hosts)), min_size=1)))
    whole = planned(world.inventory, world.directory)
    part = planned(world.inventory, world.directory, limit=limit)
    assert part.changes == tuple(c for c in whole.changes if c.target.name in limit)


@given(worlds(dangers=True))
def test_an_override_lifts_its_refusals_and_no_other(world: World) -> None:
    whole = planned(world.inventory, world.directory)
    for name in EVERY_OVERRIDE:
        rest = planned(world.inventory, world.directory, allow=[name])
        assert rest.changes == whole.changes
        assert list(rest.blocked) == [b for b in whole.blocked if b.override != name]


@given(worlds(dangers=True))
def test_no_override_lets_a_dangerous_object_through(world: World) -> None:
    """Whatever was done to the accounts, an unblocked plan gives no path to a domain controller."""
    directory = world.directory
    plan = planned(world.inventory, directory, allow=EVERY_OVERRIDE)
    assume(not plan.blocked)
    controllers = {
        name.casefold()
        for account in directory.accounts.values()
        if account.uac & (WRITABLE_DC | READ_ONLY_DC) or account.primary_group in {516, 521}
        for name in (account.name, account.dns_host_name or account.name)
    }
    for change in plan.changes:
        assert directory.accounts[change.target.guid].name.casefold() not in controllers
        for value in added(change):
            assert value.partition("/")[2].casefold() not in controllers


# Refusals, by example. hv01 and hv02 are peers and reach sofs01.

PAIR = inventory("hv01", "hv02", file_servers=[file_server("sofs01", "all")])
SOUND = (
    domain_controller(),
    computer("hv01", uac=ENABLED | TRANSITION),
    computer("hv02", uac=ENABLED | TRANSITION),
    computer("sofs01"),
)


def blocked(
    *instead: Computer,
    inventory: Inventory = PAIR,
    allow: Iterable[str] = (),
    without: Sequence[str] = (),
) -> tuple[Blocked, ...]:
    """What a plan refuses where some of the sound accounts are other ones, or gone."""
    accounts = {account.account: account for account in (*SOUND, *instead)}
    left = [a for a in accounts.values() if a.name not in without]
    return planned(inventory, MemoryDirectory(left), allow=tuple(allow)).blocked


def test_sound_accounts_are_not_refused() -> None:
    assert blocked() == ()


Table = dict[str, dict[str, object]]
CONTROLLER: Table = {
    "writable, by userAccountControl": {"uac": WRITABLE_DC},
    "writable, by primary group": {"uac": ENABLED, "primary_group": 516},
    "read-only, by userAccountControl": {"uac": ENABLED | READ_ONLY_DC},
    "read-only, by primary group": {"uac": ENABLED, "primary_group": 521},
}
NO_HOST: Table = {
    "gMSA": {"classes": ["msds-groupmanagedserviceaccount"]},
    "cluster name object": {
        "spns": ["MSClusterVirtualServer/clu1", "MSServerCluster/clu1", "HOST/clu1"]
    },
    "no computer account": {"uac": 0x200},
}
RENAMED: Table = {
    "another name": {"dns": "hv02.lab.corp.example"},
    "none": {"dns": None},
    "another domain": {"dns": "hv02.corp.example.org"},
}


def _cases(*tables: tuple[str, Table]) -> list[object]:
    return [
        pytest.param(attributes, why, id=f"{why}: {name}")
        for why, table in tables
        for name, attributes in table.items()
    ]


@pytest.mark.parametrize(
    ("attributes", "why"),
    _cases(("domain-controller", CONTROLLER), ("not-a-host", NO_HOST), ("fqdn-mismatch", RENAMED)),
)
@pytest.mark.parametrize(
    "meshes",
    [
        pytest.param((), id="both ways"),
        pytest.param((one_way("dr", ["hv02"], ["hv01"]),), id="as a source"),
        pytest.param((one_way("dr", ["hv01"], ["hv02"]),), id="as a target"),
    ],
)
def test_a_dangerous_host_is_refused_and_nothing_lifts_it(
    attributes: dict[str, object], why: str, meshes: tuple[Mesh, ...]
) -> None:
    hosts = inventory("hv01", "hv02", meshes=meshes)._replace(policy=PAIR.policy)
    bad = computer("hv02", **attributes)  # type: ignore[arg-type]
    found = blocked(bad, inventory=hosts, allow=EVERY_OVERRIDE)
    assert ("hv02", why) in {(b.computer, b.why) for b in found}
    assert all(not b.override for b in found)


def test_a_target_out_of_scope_is_looked_at_as_well() -> None:
    accounts = [computer("hv01"), computer("hv02", uac=WRITABLE_DC)]
    plan = planned(inventory("hv01", "hv02"), MemoryDirectory(accounts), limit={"hv01"})
    assert [(b.computer, b.why) for b in plan.blocked][:1] == [("hv02", "domain-controller")]


@pytest.mark.parametrize(
    ("attributes", "why"),
    _cases(
        ("domain-controller", CONTROLLER),
        ("not-a-host", {"gMSA": NO_HOST["gMSA"]}),
    ),
)
def test_a_dangerous_file_server_is_refused(attributes: dict[str, object], why: str) -> None:
    bad = computer("sofs01", **attributes)  # type: ignore[arg-type]
    found = blocked(bad, allow=EVERY_OVERRIDE)
    assert ("sofs01", why) in {(b.computer, b.why) for b in found}


def test_a_scale_out_file_server_is_a_network_name_of_a_cluster_and_fine() -> None:
    """Its account carries MSClusterVirtualServer names, as every network name's does."""
    sofs = computer("sofs01", spns=["MSClusterVirtualServer/sofs01", "HOST/sofs01"])
    assert blocked(sofs) == ()


def test_a_file_server_nobody_reaches_is_not_looked_at() -> None:
    unreached = PAIR._replace(file_servers=())
    assert blocked(computer("sofs01", uac=WRITABLE_DC), inventory=unreached) == ()


@pytest.mark.parametrize("form", ["hv02", "hv02.corp.example"])
@pytest.mark.parametrize("service", ["cifs", MIGRATION, "CIFS"])
def test_a_name_that_another_computer_has_registered_is_refused(service: str, form: str) -> None:
    thief = computer("thief", spns=[f"{service}/{form}"])
    [refusal] = blocked(thief, allow=EVERY_OVERRIDE)
    assert (refusal.computer, refusal.why) == ("hv02", "spn-held")
    assert "thief$" in refusal.message


def test_a_name_that_a_user_named_like_the_host_has_registered_is_refused() -> None:
    [refusal] = blocked(user("hv02", "cifs/hv02"), allow=EVERY_OVERRIDE)
    assert (refusal.computer, refusal.why) == ("hv02", "spn-held")
    assert "(hv02)" in refusal.message


def test_a_file_servers_name_that_another_account_has_registered_is_refused() -> None:
    [refusal] = blocked(user("svc-nas", "cifs/sofs01"), allow=EVERY_OVERRIDE)
    assert (refusal.computer, refusal.why) == ("sofs01", "spn-held")


def test_its_own_names_may_be_registered_in_any_case() -> None:
    hv02 = computer("HV02", uac=ENABLED | TRANSITION, dns="hv02.corp.example", spns=forms("HV02"))
    accounts = [*(a for a in SOUND if a.name != "hv02"), hv02]
    assert planned(PAIR, MemoryDirectory(accounts)).blocked == ()


def test_a_name_in_other_services_is_nobodys_business() -> None:
    assert blocked(computer("web", spns=["HTTP/hv02", "TERMSRV/hv02"])) == ()


def test_a_name_that_host_stands_for_is_refused_where_another_has_host() -> None:
    [refusal] = blocked(computer("web", spns=["HOST/hv02"]), allow=EVERY_OVERRIDE)
    assert (refusal.computer, refusal.why) == ("hv02", "spn-held")
    assert refusal.message.startswith("HOST/hv02, which stands for cifs/hv02, is registered on")


@pytest.mark.parametrize(
    "controller",
    [
        pytest.param(domain_controller("dc9", dns_host_name="hv02.corp.example"), id="DNS name"),
        pytest.param(
            domain_controller("dc9")._replace(spns=("ldap/hv02.corp.example/corp.example",)),
            id="SPN",
        ),
    ],
)
def test_a_name_by_which_a_domain_controller_is_reached_is_refused(controller: Computer) -> None:
    found = blocked(controller, allow=EVERY_OVERRIDE)
    assert {(b.computer, b.why) for b in found} == {("hv02", "domain-controller")}


@pytest.mark.parametrize("name", ["hv02", "sofs01"])
def test_values_for_an_account_that_does_not_exist_are_refused(name: str) -> None:
    [refusal] = blocked(without=[name], allow=EVERY_OVERRIDE)
    assert (refusal.computer, refusal.why) == (name, "no-account")


def test_an_account_in_another_domain_is_none() -> None:
    far = computer("hv02", base="DC=lab,DC=corp,DC=example", uac=ENABLED | TRANSITION)
    [refusal] = blocked(far)
    assert (refusal.computer, refusal.why) == ("hv02", "no-account")


def test_two_accounts_of_one_name_are_none() -> None:
    again = computer("hv02")._replace(guid=guid("again"), dn=f"CN=again,{BASE}")
    plan = planned(PAIR, MemoryDirectory([*SOUND, again]))
    assert [(b.computer, b.why) for b in plan.blocked] == [("hv02", "no-account")]


# Flags that govern values of somebody else

PORTAL = "HTTP/portal"


@dataclass(frozen=True)
class Flag:
    """hv01 holds ``value`` and gets the flag; the refusal is lifted where ``refused`` is False."""

    value: str
    keep: tuple[Keep, ...] = ()
    allow: tuple[str, ...] = ()
    foreign: Foreign = Foreign.REPORT
    refused: bool = True


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(Flag(PORTAL), id="foreign"),
        pytest.param(Flag("cifs/hv02"), id="ours", marks=()),
        pytest.param(Flag(PORTAL, keep=(Keep("HTTP/*"),)), id="kept"),
        pytest.param(
            Flag(PORTAL, keep=(Keep("HTTP/*", accepts_transition=True),), refused=False),
            id="kept, its owner accepts",
        ),
        pytest.param(
            Flag(PORTAL, keep=(Keep("HTTP/*", accepts_transition=True, expires=YESTERDAY),)),
            id="accepted, but expired",
        ),
        pytest.param(Flag(PORTAL, allow=("flag-change",), refused=False), id="allowed"),
        pytest.param(Flag(PORTAL, allow=("removals", "unconstrained")), id="others are allowed"),
        pytest.param(Flag(PORTAL, foreign=Foreign.REMOVE, refused=False), id="it goes"),
        pytest.param(Flag(PORTAL, foreign=Foreign.IGNORE), id="ignored is still there"),
        pytest.param(
            Flag(PORTAL, keep=(Keep("*/*", expires=YESTERDAY),), foreign=Foreign.REMOVE),
            id="expired, so it stays",
        ),
        pytest.param(Flag("cifs/hv99", refused=False), id="stale"),
    ],
)
@pytest.mark.parametrize(
    ("uac", "policy"),
    [
        pytest.param(ENABLED, Unconstrained.REPORT, id="protocol transition"),
        pytest.param(ENABLED | TRANSITION | UNCONSTRAINED, Unconstrained.CLEAR, id="unconstrained"),
    ],
)
def test_a_flag_over_values_of_somebody_else(case: Flag, uac: int, policy: Unconstrained) -> None:
    refused = case.refused and case.value != "cifs/hv02"
    wanted = PAIR._replace(
        keep=case.keep,
        retired=(retired("hv99"),),
        policy=Policy(foreign=case.foreign, unconstrained=policy),
    )
    found = blocked(computer("hv01", case.value, uac=uac), inventory=wanted, allow=case.allow)
    assert [(b.computer, b.why, b.override) for b in found] == (
        [("hv01", "flag-change", "flag-change")] if refused else []
    )
    assert all(case.value in b.message for b in found)


def test_one_accepting_owner_does_not_speak_for_another() -> None:
    hv01 = computer("hv01", PORTAL, "MSSQLSvc/db1")
    keep = (Keep("HTTP/*", accepts_transition=True), Keep("MSSQLSvc/*"))
    [refusal] = blocked(hv01, inventory=PAIR._replace(keep=keep))
    assert "MSSQLSvc/db1" in refusal.message
    assert PORTAL not in refusal.message


def test_foreign_values_are_no_obstacle_where_no_flag_changes() -> None:
    assert blocked(computer("hv01", PORTAL, uac=ENABLED | TRANSITION | UNCONSTRAINED)) == ()


# Limits


def _with_stale(stale: int, foreign: int) -> Computer:
    values = [f"{MIGRATION}/old{n}" for n in range(stale)] + [f"HTTP/x{n}" for n in range(foreign)]
    return computer("hv01", *values, uac=ENABLED | TRANSITION)


def _parting(count: int, max_removals: float) -> Inventory:
    """The hosts that those values name are in a mesh of their own."""
    others = [f"old{n}" for n in range(count)]
    meshes = [two_way("new", "hv01", "hv02"), two_way("old", *others)]
    policy = Policy(max_removals=max_removals)
    return inventory("hv01", "hv02", *others, meshes=meshes, policy=policy)


def _retiring(count: int, policy: Policy) -> Inventory:
    gone = [retired(f"old{n}") for n in range(count)]
    return inventory("hv01", "hv02", retired=gone, policy=policy)


@pytest.mark.parametrize(
    ("stale", "foreign", "percent", "refused"),
    [
        pytest.param(20, 0, 0.0, False, id="20 are never too many"),
        pytest.param(21, 0, 30.0, True, id="21 of 21"),
        pytest.param(30, 70, 30.0, False, id="30 of 100 at 30%"),
        pytest.param(31, 69, 30.0, True, id="31 of 100 at 30%"),
        pytest.param(21, 0, 100.0, False, id="all at 100%"),
        pytest.param(21, 979, 0.0, True, id="21 of 1000 at 0%"),
        pytest.param(25, 975, 2.5, False, id="a fraction of a percent"),
    ],
)
def test_too_many_removals(stale: int, foreign: int, percent: float, refused: bool) -> None:  # noqa: FBT001
    wanted = _parting(stale, percent)
    found = blocked(_with_stale(stale, foreign), inventory=wanted)
    assert [(b.computer, b.why, b.override) for b in found] == (
        [("hv01", "max-removals", "removals")] if refused else []
    )
    assert blocked(_with_stale(stale, foreign), inventory=wanted, allow=["removals"]) == ()


def test_the_floor_is_the_documented_one() -> None:
    assert REMOVALS_FLOOR == 20


def test_removals_count_over_all_objects_in_scope() -> None:
    wanted = _parting(30, 30.0)
    half = [f"{MIGRATION}/old{n}" for n in range(15)]
    accounts = [computer(name, *half, uac=ENABLED | TRANSITION) for name in ("hv01", "hv02")]
    [refusal] = planned(wanted, MemoryDirectory(accounts)).blocked
    assert (refusal.computer, refusal.why) == ("hv[01-02]", "max-removals")
    assert planned(wanted, MemoryDirectory(accounts), limit={"hv01"}).blocked == ()


def test_what_a_retired_host_leaves_behind_does_not_count() -> None:
    """Somebody wrote its name down: that is no inventory that lost its hosts by mistake."""
    wanted = _retiring(40, Policy(max_removals=0.0))
    assert blocked(_with_stale(40, 0), inventory=wanted) == ()


def test_what_else_goes_counts_without_it() -> None:
    wanted = _parting(21, 30.0)._replace(retired=(retired("gone"),))
    traces = [f"{service}/gone" for service in ("cifs", MIGRATION)]
    hv01 = computer(
        "hv01", *traces, *(f"{MIGRATION}/old{n}" for n in range(21)), uac=ENABLED | TRANSITION
    )
    [refusal] = blocked(hv01, inventory=wanted)
    assert refusal.why == "max-removals"
    assert "21 of 21 values" in refusal.message


@pytest.mark.parametrize(
    ("found", "limit", "refused"),
    [
        pytest.param(6, 10, False, id="just as many"),
        pytest.param(7, 10, True, id="one too many"),
        pytest.param(1196, 1200, False, id="the default, just as many"),
        pytest.param(1197, 1200, True, id="the default, one too many"),
    ],
)
def test_more_values_than_the_limit(found: int, limit: int, refused: bool) -> None:  # noqa: FBT001
    wanted = inventory("hv01", "hv02", policy=Policy(value_limit=limit))
    refusals = blocked(_with_stale(0, found), inventory=wanted, allow=EVERY_OVERRIDE)
    assert [(b.computer, b.why, b.override) for b in refusals] == (
        [("hv01", "value-limit", "")] if refused else []
    )


def test_the_limit_counts_what_goes() -> None:
    wanted = _retiring(7, Policy(value_limit=10))
    assert blocked(_with_stale(7, 6), inventory=wanted) == ()


def test_beyond_the_limit_removals_alone_are_fine() -> None:
    wanted = _retiring(1, Policy(value_limit=10))
    full = computer(
        "hv01",
        *forms("hv02"),
        "cifs/old0",
        *(f"HTTP/{n}" for n in range(9)),
        uac=ENABLED | TRANSITION,
    )
    assert blocked(full, inventory=wanted) == ()


def test_all_refusals_come_at_once() -> None:
    found = blocked(
        computer("hv01", PORTAL),
        computer("hv02", uac=WRITABLE_DC, dns="x.corp.example"),
        user("joe", "cifs/sofs01"),
    )
    assert {b.why for b in found} == {
        "flag-change",
        "domain-controller",
        "fqdn-mismatch",
        "spn-held",
    }


# What a plan does about values and flags, by example


def _plan(account: Computer, wanted: Inventory) -> DelegationPlan:
    accounts = [account, *(a for a in SOUND if a.name != account.name)]
    accounts += [computer(label) for label in wanted.hosts if label not in {"hv01", "hv02"}]
    return planned(wanted, MemoryDirectory(accounts), limit={"hv01"})


@pytest.mark.parametrize(
    ("policy", "removes"),
    [
        (Foreign.REPORT, set()),
        (Foreign.IGNORE, set()),
        (Foreign.REMOVE, {PORTAL, "cifs/isos"}),
    ],
)
def test_foreign_values_go_only_where_the_policy_says_so(
    policy: Foreign, removes: set[str]
) -> None:
    keep = (Keep("MSSQLSvc/*"), Keep("FTP/*", expires=YESTERDAY))
    wanted = inventory("hv01", "hv02", keep=keep, policy=Policy(foreign=policy))
    hv01 = computer(
        "hv01",
        *forms("hv02"),
        PORTAL,
        "cifs/isos",
        "MSSQLSvc/db1",
        "FTP/x",
        uac=ENABLED | TRANSITION,
    )
    taken = {value for change in _plan(hv01, wanted).changes for value in removed(change)}
    assert taken == removes


def test_both_spellings_of_a_value_go() -> None:
    wanted = inventory("hv01", "hv02", retired=[retired("hv99")])
    [change] = _plan(computer("hv01", "cifs/hv99", "CIFS/HV99", *forms("hv02")), wanted).changes
    assert removed(change) == ("cifs/hv99", "CIFS/HV99")


def test_a_host_dropped_from_a_mesh_loses_what_that_mesh_gave_it() -> None:
    wanted = inventory(
        "hv01",
        "hv02",
        "hv03",
        "hv04",
        meshes=[two_way("a", "hv01", "hv02"), two_way("b", "hv03", "hv04")],
    )
    hv01 = computer("hv01", *forms("hv02"), *forms("hv03"), "cifs/hv04", uac=ENABLED | TRANSITION)
    [change] = _plan(hv01, wanted).changes
    assert set(removed(change)) == set(forms("hv03"))
    assert added(change) == ()


@pytest.mark.parametrize(
    ("policy", "uac", "expected"),
    [
        (Unconstrained.REPORT, ENABLED | UNCONSTRAINED, {"protocol_transition": (False, True)}),
        (
            Unconstrained.CLEAR,
            ENABLED | UNCONSTRAINED,
            {"protocol_transition": (False, True), "unconstrained": (True, False)},
        ),
        (Unconstrained.CLEAR, ENABLED | TRANSITION, {}),
    ],
)
def test_unconstrained_delegation_is_cleared_only_where_the_policy_says_so(
    policy: Unconstrained, uac: int, expected: dict[str, tuple[bool, bool]]
) -> None:
    wanted = inventory("hv01", "hv02", policy=Policy(unconstrained=policy))
    [change] = _plan(computer("hv01", uac=uac), wanted).changes
    assert flags(change) == expected
