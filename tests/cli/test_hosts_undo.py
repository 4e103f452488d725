"""``delegation hosts``: rollback, runs that died, Ctrl-C, and Kerberos before the mesh."""

import json
import signal
import sys

import pytest

from tests.cli.farm import AFTER, CHANGES, INVENTORY, PROGRAM, Farm, windows
from tests.cli.program import SECONDS, at_terminal, examined, spawned
from tests.cli.world import MEMBER, TRANSITION, account, directory, forms, plain
from tests.hosts.settings_cases import WINDOWS

LABELS = ("hv01", "hv02", "hv03")
ALL_AFTER = dict.fromkeys(LABELS, AFTER)
LONG = 150.0
"""Seconds after which no host makes any more what it has not answered."""


# rollback


def test_rollback_is_exact(farm: Farm) -> None:
    farm.has("hv02", migrations=7, **{"network 172.16.0.0/16": 3})
    before = farm.settings()
    assert farm("apply", "--yes").code == 0
    assert farm.settings()["hv02"] == AFTER
    ran = farm("rollback", "--yes")
    assert ran.code == 0, ran.err
    assert farm.settings() == before
    assert "Undo of run 1 (hosts apply by " in ran.out
    assert "run 2: rolled back: 16 applied, and read back as intended" in ran.err
    assert [(r["kind"], r["reverses"]) for r in farm.runs()] == [
        ("hosts apply", None),
        ("hosts rollback", 1),
    ]
    on_one = [made.partition(" ")[2] for made in farm.made() if made.startswith("hv02")]
    assert on_one[6:] == [
        *("enabled", "network 172.16.0.0/16", "any_network"),
        *("migrations", "authentication", "network 10.20.0.0/24"),
    ]


def test_a_rollback_is_undone_by_its_number(farm: Farm) -> None:
    for arguments in (["apply"], ["rollback"], ["rollback", "2"]):
        assert farm(*arguments, "--yes").code == 0
    assert farm.settings() == ALL_AFTER
    assert farm("rollback", "--yes").code == 0
    assert farm.settings() == windows(*LABELS)
    ran = farm("rollback", "--yes")
    assert ran.code == 1
    assert "no hosts apply left to undo" in ran.err


def test_the_newest_is_undone_and_an_older_one_by_its_number(farm: Farm) -> None:
    assert farm("apply", "--yes", "--limit", "hv01").code == 0
    assert farm("apply", "--yes", "--limit", "hv02").code == 0
    assert farm("rollback", "1", "--yes").code == 0
    assert farm.settings() == {**windows(*LABELS), "hv02": AFTER}
    assert farm("rollback", "--yes").code == 0
    assert farm.settings() == windows(*LABELS)


def test_all_after_a_run_are_undone_as_one(farm: Farm) -> None:
    assert farm("apply", "--yes", "--limit", "hv01").code == 0
    assert farm("apply", "--yes", "--limit", "hv02").code == 0
    assert farm("rollback", "2", "--yes").code == 0
    assert farm("apply", "--yes").code == 0
    back = farm("rollback", "--to", "1", "--yes")
    assert back.code == 0, back.err
    assert "Undo of all after run 1 (runs 2, 3, 4)" in back.out
    assert farm.settings() == {**windows(*LABELS), "hv01": AFTER}
    again = farm("rollback", "--to", "1", "--yes")
    assert again.code == 0
    assert "nothing to do" in again.err
    assert farm("rollback", "--yes").code == 0
    assert farm.settings() == windows(*LABELS)


def test_only_these_hosts_are_undone(farm: Farm) -> None:
    assert farm("apply", "--yes").code == 0
    farm.has("hv02", migrations=9)
    farm.trouble("hv02", open="down")
    assert farm("rollback", "--yes", "--limit", "hv[01,03]").code == 0
    farm.trouble("hv02")
    assert farm.settings() == {**windows(*LABELS), "hv02": {**AFTER, "migrations": 9}}
    assert farm("rollback", "--yes", "--limit", "hv09").code == 2


def test_what_was_changed_since_is_refused_and_nothing_is_changed(farm: Farm) -> None:
    assert farm("apply", "--yes").code == 0
    farm.has("hv02", migrations=9)
    farm.has("hv03", **{"network 10.20.0.0/24": 7})
    before = farm.settings()
    ran = farm("rollback", "--yes")
    assert ran.code == 4
    assert "hv02: changed since: migrations is 9 [conflict]" in ran.err
    assert "hv03: changed since: network 10.20.0.0/24 is 7 [conflict]" in ran.err
    assert farm.settings() == before


def test_the_rest_is_undone_where_conflicts_are_skipped(farm: Farm) -> None:
    assert farm("apply", "--yes").code == 0
    farm.has("hv02", migrations=9)
    farm.has("hv03", migrations=2)
    assert farm("apply", "--yes", "--limit", "hv03").code == 0
    ran = farm("rollback", "1", "--yes", "--skip-conflicts")
    assert ran.code == 1
    assert "left on hv02: changed since: migrations is 9" in ran.err
    assert "left on hv03: migrations, written again by run 2" in ran.err
    assert farm.settings() == {
        **windows(*LABELS),
        "hv02": {**WINDOWS, "migrations": 9},
        "hv03": {**WINDOWS, "migrations": 4},
    }
    again = farm("rollback", "1", "--yes", "--skip-conflicts")
    assert again.code == 1
    assert "nothing of run 1 can be taken back now; nothing was changed" in again.err


def test_what_is_set_back_already_counts_as_done(farm: Farm) -> None:
    assert farm("apply", "--yes").code == 0
    farm.has("hv02", migrations=2)
    farm.lacks("hv03", "network 10.20.0.0/24")
    ran = farm("rollback", "--yes")
    assert ran.code == 0
    assert "as before already: hv02 (migrations), hv03 (network 10.20.0.0/24)" in ran.out
    assert farm.settings() == windows(*LABELS)


def test_what_others_changed_beside_it_is_left_alone(farm: Farm) -> None:
    assert farm("apply", "--yes").code == 0
    farm.has("hv02", storage_migrations=9, **{"network 172.16.0.0/16": 3})
    assert farm("rollback", "--yes").code == 0
    expected = {**WINDOWS, "storage_migrations": 9, "network 172.16.0.0/16": 3}
    assert farm.settings()["hv02"] == expected


def test_a_host_that_is_down_is_undone_another_time(farm: Farm) -> None:
    assert farm("apply", "--yes").code == 0
    farm.trouble("hv02", open="down")
    ran = farm("rollback", "--yes")
    assert ran.code == 1
    assert "hv02: hv02.corp.example does not answer" in ran.err
    assert "delegation hosts rollback 1   when the others can be reached" in ran.err
    assert farm.settings() == {**windows(*LABELS), "hv02": AFTER}
    ran = farm("rollback", "1", "--yes")
    assert ran.code == 1
    assert "on none of its hosts can it be undone now" in ran.err
    farm.trouble("hv02")
    assert farm("rollback", "1", "--yes").code == 0
    assert farm.settings() == windows(*LABELS)


def test_a_host_that_goes_down_while_it_asks_is_undone_another_time(farm: Farm) -> None:
    assert farm("apply", "--yes").code == 0
    with at_terminal("hosts", "rollback", program=PROGRAM, cwd=farm.folder) as terminal:
        terminal.until("[y/N]")
        farm.trouble("hv02", open="down")
        terminal.types("y\n")
        assert terminal.ends() == 1
    assert "hv02: hv02.corp.example does not answer" in terminal.screen
    assert "1 host not reached: hv02" in terminal.screen
    assert "changed since" not in terminal.screen
    assert farm.settings() == {**windows(*LABELS), "hv02": AFTER}
    assert [run["status"] for run in farm.runs()] == ["done", "done"]
    farm.trouble("hv02")
    assert farm("rollback", "1", "--yes").code == 0
    assert farm.settings() == windows(*LABELS)


def test_access_that_ends_while_a_setting_is_made_hides_nothing(farm: Farm) -> None:
    """The worst that a tester found: it was made, said to have failed, and never undone."""
    farm.trouble("hv02", any_network="denied")
    ran = farm("apply", "--yes")
    assert ran.code == 1
    assert "hv02: unknown: any_network: hv02.corp.example gives no access any more" in ran.err
    assert "hv02: not read back: hv02.corp.example refuses the logon" in ran.err
    ran = farm("rollback", "--yes")
    assert ran.code == 1
    assert "can't be told: hv02 (any_network)" in ran.err
    assert "1 host not reached: hv02" in ran.err
    assert farm.settings()["hv01"] == WINDOWS
    farm.trouble("hv02")
    ran = farm("rollback", "1", "--yes")
    assert ran.code == 0
    assert "had been written: hv02 (any_network)" in ran.err
    assert farm.settings() == windows(*LABELS)


def test_a_run_of_which_all_is_untold_is_not_called_undone(farm: Farm) -> None:
    farm.has("hv02", **{**AFTER, "any_network": True})
    farm.trouble("hv02", any_network="denied")
    assert farm("apply", "--yes", "--limit", "hv02").code == 1
    ran = farm("rollback", "--yes")
    assert ran.code == 1
    assert "on none of its hosts can it be undone now; nothing was changed" in ran.err
    farm.trouble("hv02")
    assert farm("rollback", "--yes").code == 0
    assert farm.settings()["hv02"] == {**AFTER, "any_network": True}


def test_what_belongs_to_a_cluster_by_now_is_left_alone(farm: Farm) -> None:
    assert farm("apply", "--yes").code == 0
    farm.clustered("hv02")
    ran = farm("rollback", "--yes", "--ticket", "CHG-9")
    assert ran.code == 1
    assert "the cluster's own, left alone:" in ran.out
    for words in ("enabled is on, was off", "any_network is off, was on", "migrations is 4, was 2"):
        assert f"hv02: {words}" in ran.out
    left = {**AFTER, "authentication": "CredSSP"}
    assert farm.settings() == {**windows(*LABELS), "hv02": left}
    assert farm.runs()[1]["ticket"] == "CHG-9"
    ran = farm("rollback", "--yes")
    assert ran.code == 1
    assert "what run 1 set and is in effect is a cluster's own now; nothing was changed" in ran.err
    data = json.loads((farm.folder / "hosts.json").read_text())
    data["hv02"]["clustered"] = False
    (farm.folder / "hosts.json").write_text(json.dumps(data))
    assert farm("rollback", "--yes").code == 0
    assert farm.settings() == windows(*LABELS)


def test_a_host_that_joins_a_cluster_while_it_asks_stops_it(farm: Farm) -> None:
    assert farm("apply", "--yes").code == 0
    with at_terminal("hosts", "rollback", program=PROGRAM, cwd=farm.folder) as terminal:
        terminal.until("[y/N]")
        farm.clustered("hv02")
        terminal.types("y\n")
        assert terminal.ends() == 4
    assert "hv02: enabled would not be changed any more" in terminal.screen
    assert farm.settings() == ALL_AFTER


@pytest.mark.parametrize("trouble", ["", "lost"])
def test_a_priority_that_was_changed_since_is_a_conflict(farm: Farm, trouble: str) -> None:
    """Also where nobody had declared one: the host had given it one."""
    farm.trouble("hv02", **{"network 10.20.0.0/24": trouble})
    assert farm("apply", "--yes").code == (1 if trouble else 0)
    farm.trouble("hv02")
    farm.has("hv02", **{"network 10.20.0.0/24": 77})
    if trouble:
        assert farm("apply", "--yes", "--limit", "hv01").code == 0
        farm.has("hv02", **{"network 10.20.0.0/24": 78})
    ran = farm("rollback", "1", "--yes")
    assert ran.code == 4
    found = 78 if trouble else 77
    assert f"hv02: changed since: network 10.20.0.0/24 is {found} [conflict]" in ran.err
    assert farm("plan", "--limit", "hv01").code == 0


def test_a_host_that_left_the_inventory_is_told(farm: Farm) -> None:
    assert farm("apply", "--yes").code == 0
    farm.inventory(INVENTORY.replace("hv[01-03]", "hv[01-02]"))
    ran = farm("rollback", "--yes")
    assert ran.code == 1
    assert "hv03 (hv03.corp.example) is not in the inventory any more" in ran.err
    assert farm.settings() == {**windows(*LABELS), "hv03": AFTER}


def test_rollback_asks(farm: Farm) -> None:
    assert farm("apply", "--yes").code == 0
    with at_terminal("hosts", "rollback", program=PROGRAM, cwd=farm.folder) as terminal:
        terminal.until("Change 15 settings on 3 hosts? [y/N]")
        farm.has("hv01", migrations=9)
        terminal.types("y\n")
        assert terminal.ends() == 4
    assert "changed since: migrations is 9" in terminal.screen
    farm.has("hv01", migrations=4)
    assert farm("rollback").code == 2
    assert farm.settings() == ALL_AFTER


def test_runs_of_the_directory_and_of_the_hosts_are_told_apart(farm: Farm) -> None:
    (farm.folder / "directory.ldif").write_bytes(plain())
    assert farm.delegation("apply", "--yes").code == 0
    assert farm("apply", "--yes").code == 0
    ran = farm("rollback", "1", "--yes")
    assert ran.code == 2
    assert "delegation rollback 1" in ran.err
    ran = farm.delegation("rollback", "2", "--yes")
    assert ran.code == 2
    assert "delegation hosts rollback 2" in ran.err
    assert farm.delegation("rollback", "--yes").code == 0
    assert farm("rollback", "--yes").code == 0
    assert farm.settings() == windows(*LABELS)
    assert farm("rollback", "7").code == 2


def test_rollback_without_a_run_is_1(farm: Farm) -> None:
    assert farm("rollback", "--yes").code == 1


# Runs that died


def test_killed_in_the_middle_then_applied(farm: Farm) -> None:
    farm.trouble("hv02", performance="dies", migrations="dies")
    with farm.started("apply", "--yes") as process:
        assert process.wait(SECONDS) == -signal.SIGKILL
    assert "UNSETTLED" in farm.delegation("history").out
    there = farm.settings()
    farm.trouble("hv02")
    ran = farm("apply", "--yes")
    assert ran.code == 1
    assert "run 1 had not come to its end" in ran.err
    assert farm.settings() == there, "what is on its way may still be made"
    farm.later(LONG)
    ran = farm("apply", "--yes")
    assert ran.code == 0, ran.err
    assert farm.settings() == ALL_AFTER
    results = farm.became(1)
    for label in LABELS:
        for name, (_, after) in CHANGES.items():
            found = there[label].get(name)
            made = found is not None if name.startswith("network") else found == after
            assert results[f"{label} {name}"] == ("applied" if made else "refused")
    assert results["hv02 any_network"] == "applied"
    assert results["hv02 migrations"] == "refused"
    for _ in range(2):
        assert farm("rollback", "--yes").code == 0
    assert farm.settings() == windows(*LABELS)


def test_killed_in_the_middle_then_rolled_back(farm: Farm) -> None:
    farm.trouble("hv02", authentication="dies")
    with farm.started("apply", "--yes") as process:
        assert process.wait(SECONDS) == -signal.SIGKILL
    farm.trouble("hv02")
    ran = farm("rollback", "--yes")
    assert ran.code == 1
    assert "run 1 had not come to its end" in ran.err
    assert "can't be told: " in ran.err, "of other hosts as well, where it died earlier there"
    assert farm.became(1)["hv02 authentication"] == "unknown"
    farm.later(LONG)
    ran = farm("rollback", "1", "--yes")
    assert ran.code == 0, ran.err
    assert farm.settings() == windows(*LABELS)


def test_a_lost_answer_is_found_out_by_the_next_run(farm: Farm) -> None:
    farm.trouble("hv02", migrations="lost")
    ran = farm("apply", "--yes")
    assert ran.code == 1
    assert "hv02: unknown: migrations: hv02.corp.example: the connection was lost" in ran.err
    assert farm.became(1)["hv02 migrations"] is None
    farm.trouble("hv02")
    ran = farm("apply", "--yes")
    assert ran.code == 0
    assert "had been written: hv02" in ran.err
    assert farm.became(1)["hv02 migrations"] == "applied"
    assert farm.settings() == ALL_AFTER


def test_a_lost_answer_to_what_is_made_later_is_never_called_not_made(farm: Farm) -> None:
    """The look comes before the host has carried it out: that it is as before says nothing."""
    farm.trouble("hv02", migrations="queued")
    assert farm("apply", "--yes").code == 1
    farm.trouble("hv02")
    ran = farm("apply", "--yes")
    assert ran.code == 1
    assert "can't be told: hv02 (migrations)" in ran.err
    assert "hv02: not found made, but its host may still make it" in ran.err
    assert "hv02: whether migrations was changed there is not known" in ran.err
    assert farm.became(1)["hv02 migrations"] == "unknown"
    untried = {name: WINDOWS[name] for name in ("migrations", "authentication", "enabled")}
    assert farm.settings() == {**ALL_AFTER, "hv02": {**AFTER, **untried}}

    farm.has("hv02", migrations=4)
    ran = farm("apply", "--yes")
    assert ran.code == 0, ran.err
    assert "had been written: hv02 (migrations)" in ran.err
    assert farm.became(1)["hv02 migrations"] == "applied"
    assert farm.settings() == ALL_AFTER
    for _ in range(2):
        assert farm("rollback", "--yes").code == 0
    assert farm.settings() == windows(*LABELS)


def test_what_its_host_can_not_make_any_more_is_not_made(farm: Farm) -> None:
    farm.trouble("hv02", migrations="queued")
    assert farm("apply", "--yes").code == 1
    farm.trouble("hv02")
    back = farm("rollback", "--yes", "--limit", "hv02")
    assert back.code == 1
    assert "whether migrations was changed there is not known" in back.err
    farm.later(60)
    assert farm("apply", "--yes").code == 1
    assert farm.became(1)["hv02 migrations"] == "unknown"
    farm.later(LONG)
    ran = farm("apply", "--yes")
    assert ran.code == 0, ran.err
    assert "had not been written: hv02 (migrations)" in ran.err
    assert farm.became(1)["hv02 migrations"] == "refused"
    assert farm.settings() == ALL_AFTER


def test_a_person_may_say_what_its_host_may_still_make(farm: Farm) -> None:
    farm.trouble("hv02", migrations="queued")
    assert farm("apply", "--yes").code == 1
    farm.trouble("hv02")
    said = farm("settle", "1", "--host", "hv02", "--as", "not-made", "--yes")
    assert said.code == 0, said.err
    assert "may still make it" in said.out + said.err
    assert farm("apply", "--yes").code == 0
    assert farm.settings() == ALL_AFTER


def test_a_run_that_died_stays_unsettled_while_its_host_is_down(farm: Farm) -> None:
    farm.trouble("hv02", migrations="dies")
    with farm.started("apply", "--yes", "--limit", "hv02") as process:
        process.wait(SECONDS)
    farm.trouble("hv02", open="down")
    ran = farm("apply", "--yes")
    assert ran.code == 1
    assert "can't be told: hv02" in ran.err
    assert farm.settings()["hv01"] == AFTER
    assert [run["unsettled"] for run in farm.runs()] == [True, False]
    farm.trouble("hv02")
    farm.later(LONG)
    assert farm("apply", "--yes").code == 0
    assert not any(run["unsettled"] for run in farm.runs())
    assert farm.settings() == ALL_AFTER


def test_runs_of_the_directory_are_settled_by_the_directorys_commands(farm: Farm) -> None:
    farm.trouble("hv02", migrations="dies")
    with farm.started("apply", "--yes") as process:
        process.wait(SECONDS)
    farm.trouble("hv02", open="down")
    ran = farm.delegation("apply", "--yes")
    assert ran.code == 0
    assert "run 1" not in ran.err


# Ctrl-C


def test_after_ctrl_c_what_is_under_way_is_recorded(farm: Farm) -> None:
    farm.trouble("hv02", migrations="hangs")
    with at_terminal("hosts", "apply", "--yes", program=PROGRAM, cwd=farm.folder) as terminal:
        farm.wait_until_made(12)
        terminal.until("applied 12 of 15")
        terminal.types("\x03")
        terminal.until("Ctrl-C again")
        terminal.types("\x03")
        assert terminal.ends() == 130
    assert "interrupted" in terminal.screen
    assert "delegation history shows what was done" in terminal.screen
    results = farm.became(1)
    assert results["hv01 enabled"] == results["hv02 any_network"] == "applied"
    assert results["hv02 migrations"] is None
    farm.trouble("hv02")
    farm.later(LONG)
    assert farm("apply", "--yes").code == 0
    assert farm.settings() == ALL_AFTER


# Kerberos before the mesh


def credssp(farm: Farm, *labels: str) -> None:
    """These hosts migrate today."""
    for label in labels:
        farm.has(label, enabled=True)


def test_a_host_that_migrates_today_is_not_switched_before_the_mesh(farm: Farm) -> None:
    (farm.folder / "directory.ldif").write_bytes(plain())
    credssp(farm, "hv01", "hv02")
    ran = farm("plan")
    assert ran.code == 4
    words = "it would migrate by Kerberos, and could not: its computer object"
    assert (
        f"hv[01-03]: {words} lacks 8 of its 8 values and the flag for protocol transition"
        in ran.out
    )
    assert "delegation hosts apply --allow kerberos-before-mesh" in ran.out
    ran = farm("apply", "--yes")
    assert ran.code == 4
    assert "[kerberos-before-mesh]" in ran.err
    assert farm.made() == []
    [blocked] = farm("plan", "--format", "json").json["blocked"]
    assert blocked["host"] == "hv[01-03]"
    assert blocked["override"] == "--allow kerberos-before-mesh"
    assert farm("apply", "--yes", "--allow", "kerberos-before-mesh").code == 0
    assert farm.settings() == ALL_AFTER


def test_one_missing_value_is_enough(farm: Farm) -> None:
    records = [
        account("HV01", *forms("hv02", "hv03")[1:], uac=MEMBER | TRANSITION),
        account("HV02", *forms("hv01", "hv03"), uac=MEMBER),
        account("HV03", *forms("hv01", "hv02"), uac=MEMBER | TRANSITION),
    ]
    (farm.folder / "directory.ldif").write_bytes(directory(*records))
    credssp(farm, *LABELS)
    ran = farm("plan")
    assert ran.code == 4
    assert "hv01: it would migrate by Kerberos, and could not" in ran.out
    assert "lacks 1 of its 8 values;" in ran.out
    assert "lacks the flag for protocol transition;" in ran.out
    assert "hv03: it" not in ran.out


def test_with_the_mesh_in_place_it_is_switched(farm: Farm) -> None:
    credssp(farm, *LABELS)
    assert farm("apply", "--yes").code == 0
    assert farm.settings() == ALL_AFTER


@pytest.mark.parametrize("records", [b"dn: nonsense", directory(account("HV01"))])
def test_a_directory_that_tells_nothing_is_no_permission(farm: Farm, records: bytes) -> None:
    (farm.folder / "directory.ldif").write_bytes(records)
    credssp(farm, "hv02")
    ran = farm("apply", "--yes")
    assert ran.code == 4
    assert "[kerberos-before-mesh]" in ran.err
    assert farm.made() == []


def test_a_host_that_is_to_migrate_is_not_switched_before_the_mesh_either(farm: Farm) -> None:
    (farm.folder / "directory.ldif").write_bytes(plain())
    ran = farm("apply", "--yes")
    assert ran.code == 4
    assert "hv[01-03]: it would migrate by Kerberos, and could not" in ran.err
    assert farm.settings() == windows(*LABELS)
    assert farm.delegation("apply", "--yes").code == 0
    assert farm("apply", "--yes").code == 0
    assert farm.settings() == ALL_AFTER


def test_where_nobody_switches_the_directory_is_not_read(farm: Farm) -> None:
    (farm.folder / "directory.ldif").unlink()
    for label in LABELS:
        farm.has(label, authentication="Kerberos")
    assert farm("apply", "--yes").code == 0
    assert farm.settings() == ALL_AFTER


def test_a_host_that_stays_off_may_be_switched(farm: Farm) -> None:
    (farm.folder / "directory.ldif").unlink()
    farm.inventory(INVENTORY.replace("enabled: true", "enabled: false"))
    assert farm("plan").code == 3
    assert farm("apply", "--yes").code == 0
    assert farm.settings() == {label: {**AFTER, "enabled": False} for label in LABELS}


def test_a_rollback_to_kerberos_is_looked_at_as_well(farm: Farm) -> None:
    for label in LABELS:
        farm.has(label, **AFTER)
    farm.inventory(INVENTORY.replace("Kerberos", "CredSSP"))
    assert farm("apply", "--yes").code == 0
    (farm.folder / "directory.ldif").write_bytes(plain())
    ran = farm("rollback", "--yes")
    assert ran.code == 4
    assert "[kerberos-before-mesh]" in ran.err
    assert farm("rollback", "--yes", "--allow", "kerberos-before-mesh").code == 0
    assert farm.settings() == ALL_AFTER


# The wire is loaded only where it is needed


def test_help_of_hosts_loads_nothing_heavy(farm: Farm) -> None:
    text = (
        "import sys\n"
        "from delegation.cli import run\n"
        "run(['hosts', 'apply', '--help'])\n"
        "print('LOADED', *sys.modules)\n"
    )
    ran = examined(spawned(program=(sys.executable, "-c", text)))
    loaded = ran.out.rpartition("LOADED ")[2].split()
    assert [n for n in ("pypsrp", "ldap3", "spnego", "yaml", "jinja2") if n in loaded] == []
