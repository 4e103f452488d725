"""An empty domain gets its mesh and loses it again, seen by clients that are not the product."""

from __future__ import annotations

import json

import pytest

from tests.lab import Lab, admin, independent
from tests.lab.description import ADMINISTRATOR, MESH
from tests.lab.independent import openldap
from tests.story.witness import EMPTY, first, holding, mesh, mesh_of, restored, towards, untouched
from tests.story.workstation import Workstation

pytestmark = pytest.mark.lab

FOUR = first(4)


def test_sixty_four_empty_hosts_get_their_mesh_and_lose_it_again(
    desk: Workstation, fresh_lab: Lab
) -> None:
    desk.inventory("hosts: {'hv[01-64]': }")
    with restored(fresh_lab):
        with untouched(fresh_lab):
            assert desk.run("check").code == 0
            plan = desk.run("plan", "--format", "json")
        assert plan.code == 3
        summary = plan.data["summary"]
        assert (summary["objects"], summary["changed"]) == (64, 64)
        assert (summary["add"], summary["remove"]) == (16128, 0)

        applied = desk.run("apply", "--yes", "--ticket", "CHG-64")
        assert applied.code == 0
        assert "64 applied" in applied.err

        found = mesh(fresh_lab)
        assert {host: found[host] for host in MESH} == mesh_of(*MESH)
        assert {len(found[host][1]) for host in MESH} == {252}
        assert all(values == [] for host, (_, values) in found.items() if host not in MESH)
        for host in ("hv01", "hv33", "hv64"):
            samba_agrees(fresh_lab, host)

        with untouched(fresh_lab):
            again = desk.run("plan", "--format", "json")
        assert again.code == 0
        assert again.data["summary"]["unchanged_values"] == 16128

        back = desk.run("rollback", "--yes")
        assert back.code == 0
        assert "10 hours" in back.err
    assert [(run["kind"], run["summary"]["applied"]) for run in desk.runs()] == [
        ("apply", 64),
        ("rollback", 64),
    ]


def samba_agrees(lab: Lab, host: str) -> None:
    """Samba's own tool, on the DC's database."""
    lines = independent.samba_tool(lab, host).splitlines()
    shown = [line for line in lines if line.startswith("msDS-AllowedToDelegateTo: ")]
    assert {line.partition(": ")[2] for line in shown} == towards(*MESH) - towards(host)
    assert len(shown) == 252
    assert "UF_TRUSTED_TO_AUTHENTICATE_FOR_DELEGATION: True" in lines
    assert "UF_TRUSTED_FOR_DELEGATION: False" in lines


def test_the_same_over_start_tls(desk: Workstation, fresh_lab: Lab) -> None:
    desk.inventory("hosts: {'hv[01-04]': }", url=f"ldap://{fresh_lab.dc_fqdn}", start_tls="true")
    sealed = Workstation(desk.folder, fresh_lab, url=fresh_lab.ldap_url)
    with restored(fresh_lab):
        assert sealed.run("check").code == 0
        assert sealed.run("plan").code == 3
        assert sealed.run("apply", "--yes").code == 0
        found = mesh(fresh_lab)
        assert {host: found[host] for host in FOUR} == mesh_of(*FOUR)
        assert sealed.run("plan").code == 0
        assert sealed.run("rollback", "--yes").code == 0


def test_a_first_step_with_two_hosts_then_the_rest(desk: Workstation, fresh_lab: Lab) -> None:
    desk.inventory("hosts: {'hv[01-04]': }")
    with restored(fresh_lab):
        step = desk.run("plan", "--limit", "hv[01-02]", "--format", "json")
        assert [change["computer"] for change in step.data["changes"]] == ["hv01", "hv02"]
        assert desk.run("apply", "--limit", "hv[01-02]", "--yes").code == 0
        found = mesh(fresh_lab)
        assert {host: found[host] for host in ("hv01", "hv02")} == {
            host: state for host, state in mesh_of(*FOUR).items() if host in ("hv01", "hv02")
        }
        assert found["hv03"] == found["hv04"] == (EMPTY, [])
        assert desk.run("plan", "--limit", "hv[01-02]").code == 0
        assert desk.run("plan").code == 3

        assert desk.run("apply", "--yes").code == 0
        assert desk.became(2) == {"hv03": "applied", "hv04": "applied"}
        assert desk.run("plan").code == 0

        assert desk.run("rollback", "--yes").code == 0
        assert holding(fresh_lab).keys() == {"hv01", "hv02"}
        assert desk.run("rollback", "--yes").code == 0
    nothing = desk.run("rollback", "--yes")
    assert nothing.code == 1
    assert "no apply left to undo" in nothing.err


def test_what_was_reviewed_is_what_is_written(desk: Workstation, fresh_lab: Lab) -> None:
    desk.inventory("hosts: {'hv[01-04]': }")
    with untouched(fresh_lab):
        shown = desk.run("plan", "-o", "plan.json")
    saved = json.loads((desk.folder / "plan.json").read_text())
    assert saved["digest"] in shown.out
    applied = desk.run("apply", "plan.json", "--expect", saved["digest"], "--yes")
    assert applied.code == 0
    assert holding(fresh_lab).keys() == set(FOUR)
    assert desk.runs()[0]["digest"] == saved["digest"]


def test_a_plan_file_is_compared_and_never_carried_out(desk: Workstation, fresh_lab: Lab) -> None:
    desk.inventory("hosts: {'hv[01-04]': }")
    desk.run("plan", "-o", "plan.json")
    file = desk.folder / "plan.json"
    saved = json.loads(file.read_text())
    saved["changes"][0]["add"] += f",{len(saved['values'])}"
    saved["values"].append("cifs/dc1")
    file.write_text(json.dumps(saved))
    with untouched(fresh_lab):
        refused = desk.run("apply", "plan.json", "--yes")
    assert refused.code == 4
    assert "its changes: it was edited, or is damaged" in refused.err


def test_without_a_terminal_it_needs_to_be_told_yes(desk: Workstation, fresh_lab: Lab) -> None:
    desk.inventory("hosts: {'hv[01-04]': }")
    with untouched(fresh_lab):
        refused = desk.run("apply")
        assert refused.code == 2
        assert "--yes" in refused.err
        terminal = desk.at_terminal("apply")
        terminal.wait_for(f"on {fresh_lab.dc_fqdn}? [y/N]")
        terminal.type("n\n")
        assert terminal.end().code == 1
    assert desk.runs() == []


def test_who_is_asked_may_say_yes(desk: Workstation, fresh_lab: Lab) -> None:
    desk.inventory("hosts: {'hv[01-04]': }")
    with restored(fresh_lab):
        terminal = desk.at_terminal("apply")
        terminal.wait_for("[y/N]")
        terminal.type("y\n")
        assert terminal.end().code == 0
        assert holding(fresh_lab).keys() == set(FOUR)
        terminal = desk.at_terminal("rollback")
        terminal.wait_for("[y/N]")
        terminal.type("y\n")
        assert terminal.end().code == 0


def test_a_password_typed_at_a_terminal_is_not_shown(desk: Workstation, fresh_lab: Lab) -> None:
    desk.inventory("hosts: {'hv[01-04]': }")
    terminal = Asked(desk.folder, fresh_lab).at_terminal("plan")
    terminal.wait_for(f"for {fresh_lab.address}")
    terminal.type(f"{fresh_lab.accounts[desk.account]}\n")
    assert terminal.end().code == 3


class Asked(Workstation):
    """A workstation whose environment holds no password."""

    def environment(self) -> dict[str, str]:
        return {k: v for k, v in super().environment().items() if k != "DELEGATION_PASSWORD"}


def test_the_undo_file_is_enough_to_go_back_without_the_product(
    desk: Workstation, fresh_lab: Lab
) -> None:
    desk.inventory("hosts: {'hv[01-04]': }\nretired: [hv98]")
    admin.set_flags(fresh_lab, "hv01", on=0x1000000)
    admin.add_values(fresh_lab, "hv01", "cifs/HV98", "HTTP/portal", "cifs/hv02")
    with restored(fresh_lab):
        assert desk.run("apply", "--yes").code == 0
        [file] = desk.state.glob("run-1-*-undo.ldif")
        undo = file.read_text()
        openldap(fresh_lab, ["ldapmodify"], ADMINISTRATOR, undo)


def test_a_rollback_is_undone_by_its_number(desk: Workstation, fresh_lab: Lab) -> None:
    desk.inventory("hosts: {'hv[01-04]': }")
    desk.run("apply", "--yes")
    with restored(fresh_lab):
        assert desk.run("rollback", "--yes").code == 0
        assert desk.run("rollback", "2", "--yes").code == 0
    assert desk.run("plan").code == 0


def test_a_rollback_finds_a_host_that_was_renamed(desk: Workstation, fresh_lab: Lab) -> None:
    desk.inventory("hosts: {'hv[01-04]': }")
    before = mesh(fresh_lab)
    desk.run("apply", "--yes")
    admin.move(fresh_lab, "hv02", f"CN=In the cellar,{fresh_lab.hosts_dn}")
    assert desk.run("plan").code == 0
    assert desk.run("rollback", "--yes").code == 0
    assert mesh(fresh_lab) == before
