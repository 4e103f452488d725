"""What belongs to somebody else stays, and what is dangerous is not done, whatever is allowed."""

from __future__ import annotations

import pytest

from tests.lab import Lab, admin
from tests.lab.description import (
    TRUSTED_FOR_DELEGATION,
    TRUSTED_TO_AUTH_FOR_DELEGATION,
    cifs_values,
    migration_values,
)
from tests.lab.independent import delegation, user_account_control
from tests.story.witness import DELEGATING, mesh, restored, towards, untouched
from tests.story.workstation import Answer, Workstation

pytestmark = pytest.mark.lab

PORTAL = "HTTP/portal"
ISO_LIBRARY = "cifs/TT-FS01"
FOUR = "hosts: {'hv[01-04]': }\n"
EVERYTHING = ("--allow", "removals", "--allow", "flag-change")


def values(lab: Lab, host: str) -> set[str]:
    return set(delegation(lab, host))


def delegating(lab: Lab, *hosts: str) -> None:
    """The flag is set already, so that no plan has to change it."""
    for host in hosts:
        admin.set_flags(lab, host, on=TRUSTED_TO_AUTH_FOR_DELEGATION)


def blocked(answer: Answer, why: str) -> None:
    """It is refused as a whole, for this reason."""
    assert answer.code == 4
    assert f"[{why}]" in answer.err


class TestForeignAndKept:
    def test_they_survive_an_apply_and_its_rollback(
        self, desk: Workstation, fresh_lab: Lab
    ) -> None:
        desk.inventory(f"{FOUR}keep: [{{value: 'HTTP/*', hosts: [hv01], reason: reports}}]\n")
        delegating(fresh_lab, "hv01")
        admin.add_values(fresh_lab, "hv01", PORTAL, ISO_LIBRARY)
        with restored(fresh_lab):
            plan = desk.run("plan", "--format", "json").data
            assert [kept["value"] for kept in plan["kept"]] == [PORTAL]
            assert [foreign["value"] for foreign in plan["foreign"]] == [ISO_LIBRARY]
            assert desk.run("apply", "--yes").code == 0
            expected = towards("hv02", "hv03", "hv04") | {PORTAL, ISO_LIBRARY}
            assert values(fresh_lab, "hv01") == expected
            assert desk.run("apply", "--yes").code == 0
            assert values(fresh_lab, "hv01") == expected
            assert desk.run("rollback", "--yes").code == 0
            assert values(fresh_lab, "hv01") == {PORTAL, ISO_LIBRARY}

    @pytest.mark.parametrize("value", [PORTAL, ISO_LIBRARY])
    def test_a_flag_that_governs_them_is_not_changed_unasked(
        self, desk: Workstation, fresh_lab: Lab, value: str
    ) -> None:
        desk.inventory(FOUR)
        admin.add_values(fresh_lab, "hv01", value)
        with restored(fresh_lab):
            with untouched(fresh_lab):
                assert desk.run("plan").code == 4
                refused = desk.run("apply", "--yes")
                blocked(refused, "flag-change")
                assert value in refused.err
                assert "--allow flag-change" in refused.err
            assert desk.run("apply", "--yes", "--allow", "flag-change").code == 0
            assert value in values(fresh_lab, "hv01")
            assert user_account_control(fresh_lab, "hv01") == DELEGATING
            back = desk.run("rollback", "--yes")
            assert back.code == 0
            assert f"the restored delegation flag also governs {value}" in back.err

    def test_their_owner_may_accept_the_flag_in_the_inventory(
        self, desk: Workstation, fresh_lab: Lab
    ) -> None:
        keep = "keep: [{value: 'HTTP/*', reason: reports%s}]\n"
        admin.add_values(fresh_lab, "hv01", PORTAL)
        desk.inventory(FOUR + keep % "")
        with untouched(fresh_lab):
            blocked(desk.run("apply", "--yes"), "flag-change")
        desk.inventory(FOUR + keep % ", protocol_transition: accept")
        assert desk.run("apply", "--yes").code == 0
        assert values(fresh_lab, "hv01") == towards("hv02", "hv03", "hv04") | {PORTAL}

    def test_what_is_added_after_an_apply_survives_its_rollback(
        self, desk: Workstation, fresh_lab: Lab
    ) -> None:
        desk.inventory(FOUR)
        assert desk.run("apply", "--yes").code == 0
        admin.add_values(fresh_lab, "hv02", "MSSQLSvc/db1.corp.example:1433")
        assert desk.run("rollback", "--yes").code == 0
        left = {host: found for host, (_, found) in mesh(fresh_lab).items() if found}
        assert left == {"hv02": ["MSSQLSvc/db1.corp.example:1433"]}

    def test_another_spelling_is_no_difference(self, desk: Workstation, fresh_lab: Lab) -> None:
        desk.inventory("hosts: {hv01: , hv02: }")
        delegating(fresh_lab, "hv01", "hv02")
        admin.add_values(fresh_lab, "hv01", *(value.upper() for value in towards("hv02")))
        admin.add_values(fresh_lab, "hv02", *(value.swapcase() for value in towards("hv01")))
        with untouched(fresh_lab):
            assert desk.run("plan").code == 0
            assert desk.run("audit").code == 0
            assert desk.run("apply", "--yes").code == 0

    def test_removal_restores_the_original_spelling(
        self, desk: Workstation, fresh_lab: Lab
    ) -> None:
        desk.inventory("hosts: {hv01: , hv02: }\nretired: [hv99]")
        delegating(fresh_lab, "hv01")
        odd = {"CIFS/Hv99", "cifs/HV99.Corp.Example", "HTTP/Ünïted"}
        admin.add_values(fresh_lab, "hv01", *odd)
        with restored(fresh_lab):
            assert desk.run("apply", "--yes").code == 0
            assert values(fresh_lab, "hv01") == towards("hv02") | {"HTTP/Ünïted"}
            assert desk.run("rollback", "--yes").code == 0


class TestWhatGoes:
    def test_a_retired_host_vanishes_from_all_its_peers(
        self, desk: Workstation, fresh_lab: Lab
    ) -> None:
        desk.inventory(FOUR)
        assert desk.run("apply", "--yes").code == 0
        admin.add_values(fresh_lab, "hv01", PORTAL, "HTTP/hv04")
        with restored(fresh_lab):
            desk.inventory("hosts: {'hv[01-03]': }\nretired: [hv04]\n")
            with untouched(fresh_lab):
                plan = desk.run("plan", "--format", "json").data
            removed = {
                change["computer"]: {removal["value"] for removal in change["remove"]}
                for change in plan["changes"]
            }
            peers = dict.fromkeys(("hv01", "hv02", "hv03"), towards("hv04"))
            assert removed == {**peers, "hv04": towards("hv01", "hv02", "hv03")}
            assert desk.run("apply", "--yes").code == 0
            assert values(fresh_lab, "hv01") == towards("hv02", "hv03") | {PORTAL, "HTTP/hv04"}
            assert values(fresh_lab, "hv02") == towards("hv01", "hv03")
            assert desk.run("rollback", "--yes").code == 0

    def test_many_removals_need_to_be_allowed(self, desk: Workstation, fresh_lab: Lab) -> None:
        desk.inventory("hosts: {'hv[01-07]': }\n")
        assert desk.run("apply", "--yes").code == 0
        desk.inventory("""
            hosts: {'hv[01-07]': }
            meshes: {a: {members: ['hv[01-04]']}, b: {members: ['hv[05-07]']}}
        """)
        with restored(fresh_lab):
            with untouched(fresh_lab):
                refused = desk.run("apply", "--yes")
                blocked(refused, "max-removals")
                assert "--allow removals" in refused.err
            assert desk.run("apply", "--yes", "--allow", "removals").code == 0
            # The way back is exempt.
            assert desk.run("rollback", "--yes").code == 0

    def test_a_host_that_leaves_a_mesh_takes_its_values_along_and_nothing_else(
        self, desk: Workstation, fresh_lab: Lab
    ) -> None:
        desk.inventory("hosts: {'hv[01-05]': }\nmeshes: {a: {members: ['hv[01-04]', hv05]}}")
        assert desk.run("apply", "--yes").code == 0
        # An ISO library on a host outside the mesh, with no migration value beside it.
        admin.add_values(fresh_lab, "hv01", PORTAL, "cifs/hv06", ISO_LIBRARY)
        desk.inventory("""
            hosts: {'hv[01-06]': }
            meshes:
              a: {members: ['hv[01-03]']}
              b: {members: ['hv[04-06]']}
        """)
        with restored(fresh_lab):
            plan = desk.run("plan", "--format", "json").data
            from_hv01 = next(one for one in plan["changes"] if one["computer"] == "hv01")
            assert {one["value"] for one in from_hv01["remove"]} == towards("hv04", "hv05")
            assert desk.run("apply", "--yes", "--allow", "removals").code == 0
            own = {PORTAL, "cifs/hv06", ISO_LIBRARY}
            assert values(fresh_lab, "hv01") == towards("hv02", "hv03") | own
            assert values(fresh_lab, "hv02") == towards("hv01", "hv03")
            assert values(fresh_lab, "hv04") == towards("hv05", "hv06")
            assert desk.run("rollback", "--yes").code == 0

    def test_a_migration_value_alone_goes_alone(self, desk: Workstation, fresh_lab: Lab) -> None:
        desk.inventory("""
            hosts: {'hv[01-04]': }
            meshes: {a: {members: [hv01, hv02]}, b: {members: [hv03, hv04]}}
        """)
        delegating(fresh_lab, "hv01")
        admin.add_values(fresh_lab, "hv01", *migration_values("hv03"), *cifs_values("hv04"))
        assert desk.run("apply", "--yes").code == 0
        assert values(fresh_lab, "hv01") == towards("hv02") | set(cifs_values("hv04"))


class TestUnconstrained:
    CLEAR = "hosts: {hv01: , hv02: }\npolicy: {unconstrained: clear}\n"

    def test_it_is_reported_and_left_alone(self, desk: Workstation, fresh_lab: Lab) -> None:
        desk.inventory("hosts: {hv01: , hv02: }\n")
        admin.set_flags(fresh_lab, "hv01", on=TRUSTED_FOR_DELEGATION)
        assert desk.run("check").code == 1
        assert desk.run("apply", "--yes").code == 0
        assert user_account_control(fresh_lab, "hv01") == DELEGATING | TRUSTED_FOR_DELEGATION
        audit = desk.run("audit", "--inside-only", "--format", "json")
        assert audit.code == 3
        assert [found["rule"] for found in audit.data["findings"]] == ["KCD005"]

    def test_clear_clears_it_and_a_rollback_has_to_be_allowed(
        self, desk: Workstation, fresh_lab: Lab
    ) -> None:
        desk.inventory(self.CLEAR)
        admin.set_flags(fresh_lab, "hv01", on=TRUSTED_FOR_DELEGATION)
        with restored(fresh_lab):
            assert desk.run("apply", "--yes").code == 0
            assert user_account_control(fresh_lab, "hv01") == DELEGATING
            with untouched(fresh_lab):
                refused = desk.run("rollback", "--yes")
                blocked(refused, "unconstrained")
                assert "--allow unconstrained" in refused.err
            assert desk.run("rollback", "--yes", "--allow", "unconstrained").code == 0


STORAGE = """
hosts: {hv01: , hv02: }
meshes: {m: {members: [hv01, hv02]}}
file_servers: {sofs01: {fqdn: sofs01.corp.example, reached_from: [m]}}
"""


class TestDomainController:
    @pytest.mark.parametrize(
        "inventory",
        [
            "hosts: {hv01: , dc1: }",
            "hosts: {hv01: , dc1: }\nmeshes: {m: {sources: [dc1], targets: [hv01]}}",
            "hosts: {hv01: , dc1: }\nmeshes: {m: {sources: [hv01], targets: [dc1]}}",
            STORAGE.replace("sofs01", "dc1"),
        ],
        ids=["member", "source", "target", "file server"],
    )
    def test_it_is_refused_whatever_is_allowed(
        self, desk: Workstation, fresh_lab: Lab, inventory: str
    ) -> None:
        desk.inventory(inventory)
        with untouched(fresh_lab):
            assert desk.run("check").code == 1
            assert desk.run("plan").code == 4
            blocked(desk.run("apply", "--yes", *EVERYTHING), "domain-controller")

    def test_nor_by_another_name_for_it(self, desk: Workstation, fresh_lab: Lab) -> None:
        """sofs01's account exists; the name that tickets would be asked for is the DC's."""
        desk.inventory(STORAGE.replace("sofs01.corp.example", fresh_lab.dc_fqdn))
        with untouched(fresh_lab):
            refused = desk.run("apply", "--yes", *EVERYTHING)
        blocked(refused, "domain-controller")

    def test_a_rollback_does_not_bring_one_back(self, desk: Workstation, fresh_lab: Lab) -> None:
        desk.inventory("hosts: {hv01: , hv02: }\nretired: [dc1]\n")
        delegating(fresh_lab, "hv01")
        admin.add_values(fresh_lab, "hv01", "cifs/dc1")
        assert desk.run("apply", "--yes").code == 0
        assert values(fresh_lab, "hv01") == towards("hv02")
        with untouched(fresh_lab):
            blocked(desk.run("rollback", "--yes"), "domain-controller")

    def test_a_host_whose_service_name_somebody_holds_is_refused(
        self, desk: Workstation, fresh_lab: Lab
    ) -> None:
        """Tickets for cifs/hv02 would go to the holder."""
        desk.inventory(FOUR)
        admin.add_computer(fresh_lab, "thief", services=["cifs/hv02"])
        with untouched(fresh_lab):
            refused = desk.run("apply", "--yes", *EVERYTHING)
        blocked(refused, "spn-held")
        assert "THIEF$" in refused.err


class TestTwoWorkstations:
    def test_they_come_to_the_same_digest(self, desk: Workstation, fresh_lab: Lab) -> None:
        admin.add_values(fresh_lab, "hv02", "cifs/hv04", "CIFS/hv01")
        delegating(fresh_lab, "hv02")
        admin.add_values(fresh_lab, "hv02", PORTAL)
        other = Workstation(desk.folder / "other", fresh_lab)
        other.folder.mkdir()
        desk.inventory("hosts: {'hv[01-04]': }\n")
        other.inventory("# the same hosts\nhosts: {hv04: , hv02: , 'hv[01,03]': }\n")
        one, two = (one.run("plan", "--format", "json").data for one in (desk, other))
        assert one["digest"] == two["digest"]
        assert other.run("apply", "--expect", one["digest"], "--yes").code == 0
        # What the other has written, this one may not undo, but sees.
        assert desk.run("plan").code == 0
        assert desk.run("rollback", "--yes").code == 1

    def test_a_plan_saved_by_one_is_applied_by_the_other(
        self, desk: Workstation, fresh_lab: Lab
    ) -> None:
        other = Workstation(desk.folder / "other", fresh_lab)
        other.folder.mkdir()
        for workstation in (desk, other):
            workstation.inventory(FOUR)
        desk.run("plan", "-o", "plan.json")
        assert other.run("apply", str(desk.folder / "plan.json"), "--yes").code == 0
        assert desk.run("plan").code == 0
