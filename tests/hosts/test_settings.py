"""The hosts' settings: what a plan changes, in which order, and that its reverse takes it back."""

import ipaddress
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delegation import names
from delegation.changes.plan import Change, Plan
from delegation.changes.rewrites import Rewrite
from delegation.hosts import settings, settings_plan
from delegation.hosts.machines import HostReading
from delegation.hosts.settings import HostSetting, SettingChange
from delegation.hosts.settings_plan import SettingsProposal
from delegation.inventory import Authentication, LiveMigration, Network, Performance
from delegation.mesh.compare import Comparison
from tests import builders
from tests.builders import DOMAIN, TRANSITION
from tests.hosts.settings_cases import (
    carried_out,
    declarations,
    inventory,
    reading,
    readings,
    setting,
)

KERBEROS = LiveMigration(authentication=Authentication.KERBEROS)
PRIVATE = Network("10.20.0.0/24")


def proposed(declared: LiveMigration | None, found: HostReading) -> SettingsProposal:
    """The proposal for one host, hv01."""
    return settings_plan.propose(inventory(hv01=declared), {"hv01": found})


def told(changes: tuple[SettingChange, ...]) -> list[tuple[str, object, object]]:
    return [(c.after.name, c.before.value, c.after.value) for c in changes]


def change(name: str, before: object, after: object) -> SettingChange:
    pair = [HostSetting(name, value) for value in (before, after)]  # type: ignore[arg-type]
    return Change(settings.target("hv01", f"hv01.{DOMAIN}", name), *pair)


# What is planned


def test_only_what_is_declared_is_changed() -> None:
    declared = LiveMigration(enabled=True, migrations=4, performance=Performance.SMB)
    [*changes] = told(proposed(declared, reading()).plan.changes)
    assert changes == [
        ("migrations", 2, 4),
        ("performance", "Compression", "SMB"),
        ("enabled", False, True),
    ]


@pytest.mark.parametrize("declared", [None, LiveMigration()])
def test_nothing_declared_is_nothing_to_do(declared: LiveMigration | None) -> None:
    found = proposed(declared, reading("hv01", ("10.0.0.0/8", 3)))
    assert found == SettingsProposal(Plan("host-settings", DOMAIN, ()), (), 0)


def test_networks_are_exactly_those_and_any_other_is_not_used() -> None:
    declared = LiveMigration(networks=(PRIVATE, Network("10.21.0.0/24", 2)))
    found = reading("hv01", ("172.16.0.0/16", 0), ("10.21.0.0/24", 5))
    assert told(proposed(declared, found).plan.changes) == [
        ("network 10.20.0.0/24", None, "any priority"),
        ("network 10.21.0.0/24", 5, 2),
        ("any_network", True, False),
        ("network 172.16.0.0/16", 0, None),
    ]


def test_a_network_without_a_priority_keeps_the_hosts() -> None:
    found = reading("hv01", ("10.20.0.0/24", 7), any_network=False)
    assert proposed(LiveMigration(networks=(PRIVATE,)), found).plan.changes == ()


@pytest.mark.parametrize(
    ("subnet", "spelled"),
    [("10.0.0.9/32", "10.0.0.9"), ("2001:db8::/64", "2001:DB8:0:0:0::/64")],
)
def test_a_network_is_the_same_however_the_host_spells_it(subnet: str, spelled: str) -> None:
    found = reading("hv01", (spelled, 1), any_network=False)
    declared = LiveMigration(networks=(Network(subnet, 4),))
    assert told(proposed(declared, found).plan.changes) == [(f"network {spelled}", 1, 4)]


def test_any_network_leaves_the_listed_ones_alone() -> None:
    found = reading("hv01", ("10.20.0.0/24", 1), any_network=False)
    changes = proposed(LiveMigration(any_network=True), found).plan.changes
    assert told(changes) == [("any_network", False, True)]


def test_what_a_cluster_owns_is_shown_and_left_alone() -> None:
    declared = LiveMigration(
        enabled=True,
        migrations=8,
        storage_migrations=8,
        authentication=Authentication.KERBEROS,
        networks=(PRIVATE,),
    )
    found = proposed(declared, reading("hv01", ("10.9.0.0/16", 0), clustered=True))
    assert told(found.plan.changes) == [
        ("storage_migrations", 2, 8),
        ("authentication", "CredSSP", "Kerberos"),
    ]
    assert sorted(told(found.cluster)) == [
        ("any_network", True, False),
        ("enabled", False, True),
        ("migrations", 2, 8),
        ("network 10.20.0.0/24", None, "any priority"),
        ("network 10.9.0.0/16", 0, None),
    ]


def test_what_may_be_a_clusters_blocks_where_it_is_not_told() -> None:
    declared = LiveMigration(enabled=True, storage_migrations=8, networks=(PRIVATE,))
    plan = proposed(declared, reading("hv01", clustered=None)).plan
    assert told(plan.changes) == [("storage_migrations", 2, 8)]
    assert {one.why for one in plan.blocked} == {"not-told"}
    words = [one.message for one in plan.blocked]
    assert any("whether a cluster sets its enabled is not told" in one for one in words)
    assert len(words) == 3


def test_a_setting_that_the_host_does_not_have_blocks() -> None:
    declared = LiveMigration(performance=Performance.SMB, migrations=3)
    plan = proposed(declared, reading(without="performance")).plan
    [blocked] = plan.blocked
    assert (blocked.computer, blocked.why) == ("hv01", "not-told")
    assert "performance" in blocked.message
    assert told(plan.changes) == [("migrations", 2, 3)]


def test_what_is_as_declared_is_counted() -> None:
    declared = LiveMigration(migrations=2, storage_migrations=3, networks=(PRIVATE,))
    assert proposed(declared, reading()).unchanged == 1


def test_the_digest_does_not_depend_on_the_order_in_which_hosts_answer() -> None:
    declared = inventory(**{f"hv{n:02}": LiveMigration(migrations=n) for n in range(1, 6)})
    found = {f"hv{n:02}": reading(f"hv{n:02}", migrations=30) for n in range(1, 6)}
    backwards = dict(reversed(found.items()))
    plans = [settings_plan.propose(declared, one).plan for one in (found, backwards)]
    assert plans[0].digest == plans[1].digest
    assert plans[0].changes == plans[1].changes


def test_the_digest_tells_true_from_1() -> None:
    one, true = (
        replace(proposed(LiveMigration(migrations=4), reading()).plan, changes=(c,))
        for c in (change("migrations", 2, 1), change("migrations", 2, True))
    )
    assert one.digest != true.digest


# Laws


@given(declarations(), readings(), st.integers(0, 99))
def test_a_plan_that_is_carried_out_leaves_nothing_to_do(
    declared: LiveMigration, found: HostReading, given_by_host: int
) -> None:
    first = proposed(declared, found)
    after = carried_out(first.plan.changes, {"hv01": found}, given_by_host)
    second = proposed(declared, after["hv01"])
    assert second.plan.changes == ()
    assert second.plan.blocked == ()
    assert second.cluster == first.cluster
    assert second.unchanged >= first.unchanged


@given(declarations(), readings())
def test_what_is_declared_is_reached(declared: LiveMigration, found: HostReading) -> None:
    found = replace(found, clustered=False)
    plan = proposed(declared, found).plan
    now = carried_out(plan.changes, {"hv01": found})["hv01"].settings
    for name in ("enabled", "authentication", "migrations", "storage_migrations", "performance"):
        wanted = getattr(declared, name)
        assert now[name] == (found.settings[name] if wanted is None else wanted)
    listed = {_network(name): value for name, value in now.items() if name.startswith("network")}
    if declared.networks is None:
        before = {_network(n): v for n, v in found.settings.items() if n.startswith("network")}
        assert listed == before
    else:
        assert listed.keys() == {_network(f"network {n.subnet}") for n in declared.networks}
        assert now["any_network"] is False
        for network in declared.networks:
            if network.priority is not None:
                assert listed[_network(f"network {network.subnet}")] == network.priority


def _network(name: str) -> object:
    subnet = name.removeprefix("network ")
    try:
        return ipaddress.ip_network(subnet)
    except ValueError:
        return subnet


@given(declarations(), readings(), st.integers(0, 99))
def test_the_reverse_restores_exactly(
    declared: LiveMigration, found: HostReading, given_by_host: int
) -> None:
    plan = proposed(declared, found).plan
    before = {"hv01": found}
    after = carried_out(plan.changes, before, given_by_host)
    back = settings_plan.reversal(DOMAIN, plan.changes, after)
    assert back.plan.blocked == ()
    assert back.cluster == ()
    assert carried_out(back.plan.changes, after)["hv01"] == found


@given(declarations(), readings())
def test_the_order_within_a_host(declared: LiveMigration, found: HostReading) -> None:
    plan = proposed(declared, found).plan
    after = carried_out(plan.changes, {"hv01": found})
    for changes in (plan.changes, settings_plan.reversal(DOMAIN, plan.changes, after).plan.changes):
        names_in_turn = [c.after.name for c in changes]
        made = {c.after.name: c for c in changes}
        if "enabled" in made:
            last = made["enabled"].after.value
            assert names_in_turn[-1 if last else 0] == "enabled"
        if "any_network" in made:
            turn = names_in_turn.index("any_network")
            for one in changes:
                if one.after.name.startswith("network") and one.before.value is None:
                    assert names_in_turn.index(one.after.name) < turn
                if one.after.name.startswith("network") and one.after.value is None:
                    assert names_in_turn.index(one.after.name) > turn


@given(st.text(), st.none() | st.booleans() | st.integers() | st.text())
def test_a_setting_survives_its_record(name: str, value: settings.Value) -> None:
    one = HostSetting(name, value)
    again = HostSetting.from_record(one.recorded())
    assert again == one
    assert one.difference(again) == ""


# A setting as a state


@pytest.mark.parametrize(
    ("one", "other"), [(True, 1), (0, False), ("2", 2), (None, 0), (None, ""), (3, "any priority")]
)
def test_values_differ_by_type_too(one: object, other: object) -> None:
    assert change("migrations", one, one).after.difference(change("x", other, other).after)


def test_any_priority_is_met_by_every_number_and_not_by_absence() -> None:
    wanted = setting("network 10.20.0.0/24", settings.PRESENT)
    assert wanted.difference(setting("network 10.20.0.0/24", 0)) == ""
    assert wanted.difference(setting("network 10.20.0.0/24", 9)) == ""
    assert wanted.difference(setting("network 10.20.0.0/24", None))
    assert setting("performance", settings.PRESENT).difference(setting("performance", 1))


@pytest.mark.parametrize(
    "data",
    [{}, {"setting": 1, "value": 2}, {"setting": "migrations", "value": []}, {"setting": "x"}],
)
def test_a_damaged_record_is_refused(data: dict[str, object]) -> None:
    with pytest.raises((LookupError, TypeError)):
        HostSetting.from_record(data)


def test_a_target_is_its_host_and_its_setting_in_any_case() -> None:
    one = settings.target("hv01", "HV01.corp.example", "network 2001:DB8::/64")
    other = settings.target("HV01", "hv01.Corp.example", "network 2001:db8::/64")
    assert one.guid == other.guid
    assert settings.place(one) == ("HV01.corp.example", "network 2001:DB8::/64")
    assert one.guid != settings.target("hv01", "hv01.corp.example", "network 2001:db8::/65").guid


# Kerberos before the mesh


def mesh(*labels: str, done: tuple[str, ...] = ()) -> Comparison:
    """Hosts of one mesh, of which ``done`` may delegate to all others."""
    accounts = [
        builders.computer(
            label,
            *(v for peer in labels if peer != label for v in builders.forms(peer)),
            uac=builders.ENABLED | TRANSITION,
        )
        if label in done
        else builders.computer(label)
        for label in labels
    ]
    return builders.survey(builders.inventory(*labels), builders.MemoryDirectory(accounts))


@pytest.mark.parametrize(
    ("found", "declared", "switches"),
    [
        (reading(enabled=True), KERBEROS, True),
        (reading(enabled=False), KERBEROS, False),
        (reading(enabled=False), KERBEROS._replace(enabled=True), True),
        (reading(enabled=True), KERBEROS._replace(enabled=False), False),
        (reading(enabled=True, clustered=True), KERBEROS, True),
        (reading(enabled=True, clustered=True), KERBEROS._replace(enabled=False), True),
        (reading(enabled=False, clustered=True), KERBEROS._replace(enabled=True), False),
        (reading(enabled=True, authentication="Kerberos"), KERBEROS, False),
        (
            reading(enabled=True, authentication="Kerberos"),
            LiveMigration(authentication=Authentication.CREDSSP),
            False,
        ),
        (reading(enabled=True), LiveMigration(migrations=4), False),
    ],
)
def test_who_goes_over_to_kerberos_and_migrates_then(
    found: HostReading,
    declared: LiveMigration,
    switches: bool,  # noqa: FBT001 - a case
) -> None:
    plan = proposed(declared, found).plan
    assert settings_plan.switching(plan, {"hv01": found}) == (("hv01",) if switches else ())


def test_a_host_that_lacks_values_or_the_flag_is_not_ready() -> None:
    comparison = mesh("hv01", "hv02", "hv03", done=("hv02",))
    why = settings_plan.not_in_the_mesh(["hv01", "hv02", "hv07"], comparison)
    assert why.keys() == {"hv01", "hv07"}
    assert "lacks 8 of its 8 values and the flag for protocol transition" in why["hv01"]
    assert "no one computer object" in why["hv07"]


def test_a_host_that_lacks_one_value_is_not_ready() -> None:
    comparison = mesh("hv01", "hv02", done=("hv01", "hv02"))
    [host, other] = comparison.hosts
    assert not settings_plan.not_in_the_mesh(["hv01"], comparison)
    lacking = host._replace(missing=host.present[:1], present=host.present[1:])
    why = settings_plan.not_in_the_mesh(["hv01"], replace(comparison, hosts=(lacking, other)))
    assert "lacks 1 of its 4 values;" in why["hv01"]


def test_the_refusal_names_its_override_and_folds_hosts() -> None:
    plan: settings_plan.HostsPlan = Plan("host-settings", DOMAIN, ())
    why = {"hv01": "it lacks all", "hv02": "it lacks all", "hv09": "it lacks the flag"}
    blocked = settings_plan.guarded(plan, why).blocked
    assert [(b.computer, b.why, b.override) for b in blocked] == [
        ("hv[01-02]", "kerberos-before-mesh", "kerberos-before-mesh"),
        ("hv09", "kerberos-before-mesh", "kerberos-before-mesh"),
    ]
    assert set(names.expand("hv[01-02]")) <= why.keys()


# Taking back


def test_what_has_changed_since_is_a_conflict() -> None:
    made = (change("migrations", 2, 4), change("performance", "Compression", "SMB"))
    now = {"hv01": reading(migrations=9, performance="SMB")}
    back = settings_plan.reversal(DOMAIN, made, now)
    [conflict] = back.conflicts
    assert (conflict.computer, conflict.why, conflict.override) == ("hv01", "conflict", "")
    assert conflict.message == "changed since: migrations is 9"
    assert told(back.plan.changes) == [("performance", "SMB", "Compression")]


def test_what_is_not_reached_stays_in_effect() -> None:
    other = settings.target("hv02", f"hv02.{DOMAIN}", "migrations")
    made = (change("migrations", 2, 4), change("migrations", 2, 4)._replace(target=other))
    back = settings_plan.reversal(DOMAIN, made, {"hv01": reading(migrations=4)}).plan
    assert back.blocked == ()
    assert [c.target.name for c in back.changes] == ["hv01"]


def test_a_network_goes_whatever_priority_the_host_gave_it() -> None:
    added = change("network 10.20.0.0/24", None, settings.PRESENT)
    now = {"hv01": reading("hv01", ("10.20.0.0/24", 17))}
    assert told(settings_plan.reversal(DOMAIN, [added], now).plan.changes) == [
        ("network 10.20.0.0/24", 17, None)
    ]


def test_the_priority_that_the_host_gave_is_what_the_change_left() -> None:
    added = change("network 10.20.0.0/24", None, settings.PRESENT)
    made = added.completed(setting("network 10.20.0.0/24", 17))
    assert made == change("network 10.20.0.0/24", None, 17)
    assert added.completed(setting("network 10.20.0.0/24", None)) == added
    other = change("network 10.20.0.0/24", None, 3)
    assert other.completed(setting("network 10.20.0.0/24", 17)) == other
    [conflict] = settings_plan.reversal(
        DOMAIN, [made], {"hv01": reading("hv01", ("10.20.0.0/24", 77))}
    ).conflicts
    assert conflict.message == "changed since: network 10.20.0.0/24 is 77"


def test_conflicts_are_told_once_a_host_and_alike_hosts_together() -> None:
    made = [
        Change(settings.target(label, f"{label}.{DOMAIN}", one.after.name), one.before, one.after)
        for label in ("hv01", "hv02", "hv03")
        for one in (change("migrations", 2, 4), change("performance", "Compression", "SMB"))
    ]
    now = {label: reading(label, migrations=9, performance="TCPIP") for label in ("hv01", "hv02")}
    now["hv03"] = reading("hv03", migrations=4, performance="TCPIP")
    conflicts = settings_plan.reversal(DOMAIN, made, now).conflicts
    assert [(one.computer, one.message) for one in conflicts] == [
        ("hv[01-02]", "changed since: migrations is 9; performance is TCPIP"),
        ("hv03", "changed since: performance is TCPIP"),
    ]


def test_what_is_as_before_already_is_done() -> None:
    made = (change("migrations", 2, 4), change("performance", "Compression", "SMB"))
    now = {"hv01": reading(migrations=2, performance="SMB")}
    back = settings_plan.reversal(DOMAIN, made, now)
    assert told(back.plan.changes) == [("performance", "SMB", "Compression")]
    assert told(back.as_before) == [("migrations", 2, 4)]
    assert back.conflicts == ()


def test_what_a_later_run_has_set_again_is_a_conflict() -> None:
    made = (change("migrations", 2, 4), change("performance", "Compression", "SMB"))
    now = {"hv01": reading(migrations=4, performance="SMB")}
    rewrites = {made[0].target.guid: {"migrations": Rewrite(14)}}
    back = settings_plan.reversal(DOMAIN, made, now, rewrites)
    assert told(back.plan.changes) == [("performance", "SMB", "Compression")]
    [conflict] = back.conflicts
    assert conflict.message == "migrations, written again by run 14"
    undone = {"hv01": reading(migrations=2, performance="SMB")}
    assert settings_plan.reversal(DOMAIN, made, undone, rewrites).conflicts == ()


def test_what_has_become_a_clusters_is_left_alone_and_no_conflict() -> None:
    made = (
        change("enabled", False, True),
        change("any_network", True, False),
        change("migrations", 2, 4),
        change("performance", "Compression", "SMB"),
        change("network 10.20.0.0/24", None, 0),
    )
    now = reading(
        "hv01",
        ("10.20.0.0/24", 0),
        clustered=True,
        enabled=True,
        any_network=False,
        migrations=9,
        performance="SMB",
    )
    back = settings_plan.reversal(DOMAIN, made, {"hv01": now})
    assert told(back.plan.changes) == [("performance", "SMB", "Compression")]
    assert back.plan.blocked == ()
    assert told(back.cluster) == [
        ("enabled", True, False),
        ("any_network", False, True),
        ("migrations", 9, 2),
        ("network 10.20.0.0/24", 0, None),
    ]
    back = settings_plan.reversal(DOMAIN, made, {"hv01": replace(now, clustered=None)})
    assert told(back.plan.changes) == [("performance", "SMB", "Compression")]
    assert len(back.plan.blocked) == 4
