"""``delegation hosts``: what it shows, plans and changes, and everything that stops it."""

import json

import pytest

from tests.cli.farm import AFTER, CHANGES, PROGRAM, Farm, windows
from tests.cli.program import at_terminal
from tests.hosts.settings_cases import WINDOWS

# show


def test_show(farm: Farm) -> None:
    farm.has("hv02", **AFTER)
    farm.clustered("hv03")
    ran = farm("show")
    assert ran.code == 0
    header, *rows = ran.out.splitlines()
    assert header.split() == [
        *("host", "enabled", "authentication", "live", "storage", "performance"),
        *("networks", "cluster", "note"),
    ]
    assert rows[0].split()[:7] == ["hv01", "off", "CredSSP", "2", "2", "Compression", "any"]
    assert "not as declared: network 10.20.0.0/24, any_network" in rows[0]
    assert rows[1].split()[:8] == [
        *("hv02", "on", "Kerberos", "4", "2", "Compression"),
        *("10.20.0.0/24", "(0)"),
    ]
    assert rows[1].endswith("as declared")
    assert " node " in rows[2]
    assert "not as declared: authentication; the cluster's own: enabled, migrations," in rows[2]
    assert "delegation hosts plan" in ran.err


def test_show_as_json_and_some_hosts_alone(farm: Farm) -> None:
    data = farm("show", "hv[02-03]", "--format", "json").json
    assert [host["host"] for host in data["hosts"]] == ["hv02", "hv03"]
    [host, _] = data["hosts"]
    assert host == {
        "host": "hv02",
        "fqdn": "hv02.corp.example",
        "settings": dict(WINDOWS),
        "networks": [],
        "clustered": False,
        "vmms": "Running",
        "not_told": {},
        "declared": True,
        "differ": list(CHANGES),
        "cluster": [],
    }
    assert data["unreachable"] == []


def test_show_lists_who_could_not_be_asked(farm: Farm) -> None:
    farm.trouble("hv01", open="down")
    farm.trouble("hv03", open="refused")
    ran = farm("show")
    assert ran.code == 1
    assert [line.split()[0] for line in ran.out.splitlines()] == ["host", "hv02"]
    assert "hv01: hv01.corp.example does not answer\n  start it" in ran.err
    assert "hv03: hv03.corp.example refuses the logon\n  ask its owner" in ran.err
    data = farm("show", "--format", "json")
    assert data.code == 1
    assert [one["host"] for one in data.json["unreachable"]] == ["hv01", "hv03"]


def test_show_of_hosts_of_which_nothing_is_declared(farm: Farm) -> None:
    farm.inventory("domain: corp.example\nhosts: {'hv[01-02]': }\n")
    ran = farm("show")
    assert ran.code == 0
    assert ran.out.count("nothing declared") == 2
    assert ran.err == ""


@pytest.mark.parametrize("word", ["show", "plan", "apply"])
def test_an_unknown_host_is_2(farm: Farm, word: str) -> None:
    ran = farm(word, *([] if word == "show" else ["--limit"]), "hv09")
    assert ran.code == 2
    assert "hv09" in ran.err


# plan


def test_plan(farm: Farm) -> None:
    ran = farm("plan")
    assert ran.code == 3
    assert "3 of 3 hosts to change: 15 settings" in ran.out
    rows = [line.split("  ") for line in ran.out.splitlines() if line.startswith("  hv[01-03]")]
    assert [[cell.strip() for cell in row if cell] for row in rows] == [
        ["hv[01-03]", "network 10.20.0.0/24", "absent", "any priority"],
        ["hv[01-03]", "any_network", "on", "off"],
        ["hv[01-03]", "migrations", "2", "4"],
        ["hv[01-03]", "authentication", "CredSSP", "Kerberos"],
        ["hv[01-03]", "enabled", "off", "on"],
    ]
    digest = ran.out.rpartition("digest  ")[2].strip()
    assert f"delegation hosts apply --expect {digest}" in ran.err
    assert farm.settings() == windows("hv01", "hv02", "hv03")
    assert farm("plan").out == ran.out


def test_plan_as_json(farm: Farm) -> None:
    farm.trouble("hv03", open="down")
    farm.clustered("hv02")
    ran = farm("plan", "--format", "json")
    assert ran.code == 3
    data = ran.json
    assert data.keys() == {
        *("digest", "domain", "changes", "unreachable", "cluster", "blocked", "summary"),
    }
    assert [c for c in data["changes"] if c["host"] == "hv01"] == [
        {"host": "hv01", "setting": name, "before": before, "after": after}
        for name, (before, after) in CHANGES.items()
    ]
    assert [c["setting"] for c in data["changes"] if c["host"] == "hv02"] == ["authentication"]
    assert {c["setting"] for c in data["cluster"]} == CHANGES.keys() - {"authentication"}
    assert data["unreachable"] == [
        {
            "host": "hv03",
            "why": "hv03.corp.example does not answer",
            "fix": "start it",
            "hresult": None,
        }
    ]
    assert data["summary"] == {
        "hosts": 3,
        "unreachable": 1,
        "changed_hosts": 2,
        "changes": 6,
        "unchanged": 0,
        "cluster": 4,
    }
    assert "hv03" in ran.err


def test_a_cluster_node_is_shown_and_its_clusters_settings_left_alone(farm: Farm) -> None:
    farm.clustered("hv02")
    ran = farm("plan", "--limit", "hv02")
    assert "the cluster's own, left alone:" in ran.out
    assert "hv02: migrations is 2, declared 4" in ran.out
    assert farm("apply", "--limit", "hv02", "--yes").code == 0
    assert farm.settings()["hv02"] == {**WINDOWS, "authentication": "Kerberos"}


def test_plan_with_nothing_to_do(farm: Farm) -> None:
    for label in ("hv01", "hv02", "hv03"):
        farm.has(label, **AFTER)
    ran = farm("plan")
    assert ran.code == 0
    assert "as the inventory says" in ran.err
    farm.trouble("hv02", open="down")
    ran = farm("plan")
    assert ran.code == 1
    assert "hv02" in ran.err


def test_plan_where_nothing_is_declared_asks_nobody(farm: Farm) -> None:
    farm.inventory("domain: corp.example\nhosts: {'hv[01-03]': }\n")
    for label in ("hv01", "hv02", "hv03"):
        farm.trouble(label, open="down")
    ran = farm("plan")
    assert ran.code == 0
    assert "declares no live_migration" in ran.err


def test_plan_v_names_every_host_and_what_is_made_there_in_its_turn(farm: Farm) -> None:
    ran = farm("plan", "-v")
    told = [line.split("  ") for line in ran.out.splitlines() if line.startswith("  hv0")]
    rows = [[cell.strip() for cell in row if cell][:2] for row in told]
    assert rows == [[label, name] for label in ("hv01", "hv02", "hv03") for name in CHANGES]


def test_a_folded_plan_is_in_turn_whoever_comes_first(farm: Farm) -> None:
    farm.has("hv01", **{**AFTER, "enabled": False})
    ran = farm("plan")
    rows = [line for line in ran.out.splitlines() if line.startswith("  hv")]
    assert [name for row in rows for name in CHANGES if f"  {name}  " in row] == list(CHANGES)


# apply


def test_apply_and_the_second_plan_is_empty(farm: Farm) -> None:
    ran = farm("apply", "--yes", "--ticket", "CHG-7")
    assert ran.code == 0, ran.err
    assert farm.settings() == dict.fromkeys(("hv01", "hv02", "hv03"), AFTER)
    assert "run 1: applied: 15 applied, and read back as intended" in ran.err
    assert "delegation hosts rollback" in ran.err
    assert farm("plan").code == 0
    again = farm("apply", "--yes")
    assert again.code == 0
    assert "nothing to do" in again.err
    assert "not reached" not in ran.err
    [run] = farm.runs()
    assert (run["kind"], run["status"], run["ticket"]) == ("hosts apply", "done", "CHG-7")
    assert (run["directory"], run["dc"]) == ("hosts:corp.example", "hv[01-03]")
    assert run["summary"] == {"objects": 15, "applied": 15}
    on_one = [made.partition(" ")[2] for made in farm.made() if made.startswith("hv02")]
    assert on_one == list(CHANGES)


def test_apply_of_some_hosts_alone(farm: Farm) -> None:
    assert farm("apply", "--yes", "--limit", "hv02").code == 0
    assert farm.settings() == {**windows("hv01", "hv03"), "hv02": AFTER}


def test_a_host_that_is_down_costs_the_others_nothing(farm: Farm) -> None:
    farm.trouble("hv01", open="down")
    farm.trouble("hv02", migrations="failed")
    ran = farm("apply", "--yes")
    assert ran.code == 1
    assert "hv01: hv01.corp.example does not answer" in ran.err
    assert "hv02: failed: migrations: hv02.corp.example: access denied; get the right" in ran.err
    assert (
        "hv02: failed: authentication, enabled: not tried, after what went wrong on this host"
        in ran.err
    )
    *_, closing, _, _ = ran.err.splitlines()
    assert closing == "1 host not reached: hv01"
    assert "to see that nothing is left to do" not in ran.err
    assert "delegation hosts apply   for what is left to do" in ran.err
    assert "delegation hosts rollback" in ran.err
    [run] = farm.runs()
    assert run["summary"] == {"objects": 10, "applied": 7, "failed": 3, "unreached": 1}
    now = farm.settings()
    assert now["hv01"] == WINDOWS
    assert now["hv03"] == AFTER
    assert now["hv02"] == {**WINDOWS, "any_network": False, "network 10.20.0.0/24": 0}
    assert farm.became(1) == {
        **{f"hv02 {name}": "applied" for name in list(CHANGES)[:2]},
        **{f"hv02 {name}": "failed" for name in list(CHANGES)[2:]},
        **{f"hv03 {name}": "applied" for name in CHANGES},
    }


def test_apply_alone_with_unreachable_hosts_is_1(farm: Farm) -> None:
    farm.trouble("hv01", open="down")
    farm.has("hv02", **AFTER)
    farm.has("hv03", **AFTER)
    ran = farm("apply", "--yes")
    assert ran.code == 1
    assert farm.runs() == []


def test_what_was_reviewed_is_what_is_done(farm: Farm) -> None:
    assert farm("plan", "-o", "hosts.plan").code == 3
    farm.has("hv02", migrations=3)
    farm.has("hv03", **AFTER)
    ran = farm("apply", "hosts.plan", "--yes")
    assert ran.code == 4
    assert "hv02: migrations was to go from 2 to 4, is to go from 3 to 4" in ran.err
    assert "hv03: enabled would not be changed any more" in ran.err
    farm.has("hv02", migrations=2)
    farm.has("hv03", **WINDOWS)
    farm.lacks("hv03", "network 10.20.0.0/24")
    assert farm("apply", "hosts.plan", "--yes").code == 0
    assert farm.settings() == dict.fromkeys(("hv01", "hv02", "hv03"), AFTER)


def test_a_reviewed_host_that_can_not_be_reached_is_named(farm: Farm) -> None:
    assert farm("plan", "-o", "hosts.plan").code == 3
    farm.trouble("hv02", open="down")
    ran = farm("apply", "hosts.plan", "--yes")
    assert ran.code == 4
    assert "what was reviewed is for hv02 as well, which can't be reached" in ran.err
    assert "hv02: not reached: hv02.corp.example does not answer" in ran.err
    assert "delegation hosts plan --limit hv[01,03]" in ran.err
    assert "would not be changed any more" not in ran.err
    assert farm.made() == []
    farm.has("hv03", migrations=3)
    assert "hv03: migrations was to go from 2 to 4" in farm("apply", "hosts.plan", "--yes").err


def test_an_expected_host_that_can_not_be_reached_is_named(farm: Farm) -> None:
    digest = farm("plan", "--format", "json").json["digest"]
    farm.trouble("hv02", open="down")
    ran = farm("apply", "--yes", "--expect", digest)
    assert ran.code == 4
    assert "hv02: not reached: hv02.corp.example does not answer" in ran.err
    assert "plan without them: delegation hosts plan --limit HOSTS" in ran.err
    digest = farm("plan", "--format", "json").json["digest"]
    assert farm("apply", "--yes", "--expect", digest).code == 1
    assert farm.settings() == {"hv01": AFTER, "hv02": WINDOWS, "hv03": AFTER}


def test_a_limited_plan_knows_its_limit(farm: Farm) -> None:
    assert farm("plan", "--limit", "hv01", "-o", "hosts.plan").code == 3
    ran = farm("apply", "hosts.plan", "--yes", "--limit", "hv02")
    assert ran.code == 4
    assert "the saved plan is for hv01, and --limit says hv02" in ran.err
    assert farm("plan", "--limit", "hv01", "-o", "hosts.plan").code == 2
    assert farm("apply", "hosts.plan", "--yes").code == 0
    assert farm.settings().items() >= windows("hv02", "hv03").items()
    assert farm.settings() != windows("hv01", "hv02", "hv03")


@pytest.mark.parametrize("host", ["hv01", "HV01"])
def test_a_setting_that_is_planned_twice_is_refused(farm: Farm, host: str) -> None:
    """A table by host and name would keep the last, and its reviewer may have read the first."""
    assert farm("plan", "-o", "hosts.plan").code == 3
    plan = json.loads((farm.folder / "hosts.plan").read_text())
    plan["changes"].insert(0, {**plan["changes"][0], "host": host, "after": 9})
    (farm.folder / "hosts.plan").write_text(json.dumps(plan))
    ran = farm("apply", "hosts.plan", "--yes")
    assert ran.code == 4
    assert f"hv01: {plan['changes'][0]['setting']}" in ran.err
    assert farm.made() == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"saved_plan": 2, "kind": "delegation"}',
        '{"saved_plan": 2, "kind": "host-settings", "changes": [{"computer": "hv01"}]}',
    ],
)
def test_a_file_that_is_no_plan_of_hosts_is_2(farm: Farm, text: str) -> None:
    (farm.folder / "other.json").write_text(text)
    ran = farm("apply", "other.json", "--yes")
    assert ran.code == 2
    assert "delegation hosts plan -o FILE" in ran.err


def test_a_plan_of_the_directory_is_no_plan_of_hosts(farm: Farm) -> None:
    assert farm.delegation("plan", "-o", "directory.json").code == 0
    ran = farm("apply", "directory.json", "--yes")
    assert ran.code == 2
    assert "it is no plan of hosts' settings" in ran.err
    assert farm("plan", "-o", "saved.json").code == 3
    ran = farm.delegation("plan", "show", "saved.json")
    assert ran.code == 2
    assert "it is no plan of delegation" in ran.err


def test_a_plan_of_an_older_form_is_to_be_made_again(farm: Farm) -> None:
    printed = farm("plan", "--format", "json").out
    (farm.folder / "hosts.json").write_text(printed)
    ran = farm("apply", "hosts.json", "--yes")
    assert ran.code == 4
    assert "plan again" in ran.err


def test_an_unexpected_digest_is_4(farm: Farm) -> None:
    ran = farm("apply", "--yes", "--expect", "sha256:0")
    assert ran.code == 4
    assert "look at what changed: delegation hosts plan" in ran.err
    assert farm.settings() == windows("hv01", "hv02", "hv03")
    digest = farm("plan", "--format", "json").json["digest"]
    assert farm("apply", "--yes", "--expect", digest).code == 0


def test_without_a_terminal_it_needs_yes(farm: Farm) -> None:
    ran = farm("apply")
    assert ran.code == 2
    assert "--yes" in ran.err
    assert farm.made() == []


def test_it_asks_and_takes_no_for_an_answer(farm: Farm) -> None:
    with at_terminal("hosts", "apply", program=PROGRAM, cwd=farm.folder) as terminal:
        terminal.until("Change 15 settings on 3 hosts? [y/N]")
        terminal.types("n\n")
        assert terminal.ends() == 1
    assert "declined; nothing was changed" in terminal.screen
    assert farm.made() == []


def test_what_changes_while_it_asks_is_noticed(farm: Farm) -> None:
    with at_terminal("hosts", "apply", program=PROGRAM, cwd=farm.folder) as terminal:
        terminal.until("[y/N]")
        farm.has("hv02", migrations=3)
        terminal.types("y\n")
        assert terminal.ends() == 4
    assert "the hosts have changed since you confirmed; nothing was written" in terminal.screen
    assert "hv02: migrations was to go from 2 to 4, is to go from 3 to 4" in terminal.screen
    assert farm.made() == []


def test_a_host_that_goes_down_while_it_asks_is_left_out(farm: Farm) -> None:
    with at_terminal("hosts", "apply", program=PROGRAM, cwd=farm.folder) as terminal:
        terminal.until("[y/N]")
        farm.trouble("hv02", open="down")
        terminal.types("y\n")
        assert terminal.ends() == 1
    assert "hv02: hv02.corp.example does not answer" in terminal.screen
    assert "changed since" not in terminal.screen
    assert "1 host not reached: hv02" in terminal.screen
    assert farm.settings() == {"hv01": AFTER, "hv02": WINDOWS, "hv03": AFTER}
    [run] = farm.runs()
    assert (run["status"], run["dc"]) == ("done", "hv[01,03]")


def test_all_hosts_that_go_down_while_it_asks(farm: Farm) -> None:
    with at_terminal("hosts", "apply", program=PROGRAM, cwd=farm.folder) as terminal:
        terminal.until("[y/N]")
        for label in ("hv01", "hv02", "hv03"):
            farm.trouble(label, open="down")
        terminal.types("y\n")
        assert terminal.ends() == 1
    assert "none of the hosts can be reached any more; nothing was changed" in terminal.screen
    assert farm.runs() == []


def test_a_host_that_comes_back_while_it_asks_was_not_confirmed(farm: Farm) -> None:
    farm.trouble("hv02", open="down")
    with at_terminal("hosts", "apply", program=PROGRAM, cwd=farm.folder) as terminal:
        terminal.until("[y/N]")
        farm.trouble("hv02")
        terminal.types("y\n")
        assert terminal.ends() == 1
    assert farm.settings() == {"hv01": AFTER, "hv02": WINDOWS, "hv03": AFTER}


def test_ctrl_c_at_the_question_has_no_history(farm: Farm) -> None:
    with at_terminal("hosts", "apply", program=PROGRAM, cwd=farm.folder) as terminal:
        terminal.until("[y/N]")
        terminal.interrupts()
        assert terminal.ends() == 130
    assert "interrupted" in terminal.screen
    assert "delegation history" not in terminal.screen
    assert farm.runs() == []


def test_yes_at_the_terminal(farm: Farm) -> None:
    with at_terminal("hosts", "apply", program=PROGRAM, cwd=farm.folder) as terminal:
        terminal.until("[y/N]")
        terminal.types("y\n")
        assert terminal.ends() == 0
    assert farm("plan").code == 0


def test_only_one_at_a_time(farm: Farm) -> None:
    farm.trouble("hv01", migrations="hangs")
    with farm.started("apply", "--yes") as first:
        farm.wait_until_made(12)
        ran = farm("apply", "--yes")
        first.kill()
    assert ran.code == 4
    assert "another" in ran.err
