"""Somebody changes an object in between: it is named, and nothing is written anywhere."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from tests.lab import Lab, admin
from tests.lab.description import TRUSTED_TO_AUTH_FOR_DELEGATION
from tests.story.witness import mesh, untouched
from tests.story.workstation import Answer, Workstation

pytestmark = pytest.mark.lab

ACCOUNTDISABLE = 2
FOUR = "hosts: {'hv[01-04]': }\n"


def value_added(lab: Lab) -> None:
    admin.add_values(lab, "hv03", "cifs/hv01")


def foreign_value_added(lab: Lab) -> None:
    admin.add_values(lab, "hv03", "HTTP/portal")


def value_removed(lab: Lab) -> None:
    admin.remove_values(lab, "hv03", "cifs/hv99")


def account_disabled(lab: Lab) -> None:
    admin.set_flags(lab, "hv03", on=ACCOUNTDISABLE)


def host_renamed(lab: Lab) -> None:
    admin.move(lab, "hv03", f"CN=Moved,{lab.hosts_dn}")


def host_deleted(lab: Lab) -> None:
    admin.delete(lab, "hv03")


def host_made_again(lab: Lab) -> None:
    """As a re-join does: name, path, values and flags as they were, and another account."""
    was = admin.account_of(lab, "hv03")
    admin.delete(lab, "hv03")
    services = was.texts("servicePrincipalName")
    admin.add_computer(lab, "hv03", dns="hv03.corp.example", services=services)
    admin.add_values(lab, "hv03", "cifs/hv99")
    admin.set_flags(lab, "hv03", on=TRUSTED_TO_AUTH_FOR_DELEGATION)
    again = admin.account_of(lab, "hv03")
    assert again.dn == was.dn
    assert again.attributes["objectGUID"] != was.attributes["objectGUID"]


Edit = Callable[[Lab], None]
EDITS: dict[Edit, str] = {
    value_added: "cifs/hv01",
    foreign_value_added: "HTTP/portal",
    value_removed: "cifs/hv99",
    account_disabled: "user_account_control",
    host_renamed: "CN=Moved",
    host_made_again: "is another account of that name",
}
"""What somebody does, and the words by which it is told."""
edits = pytest.mark.parametrize(
    ("edit", "words"), EDITS.items(), ids=[edit.__name__ for edit in EDITS]
)


@pytest.fixture
def story(desk: Workstation, fresh_lab: Lab) -> Workstation:
    """Four hosts, of which hv03 delegates already, to one that is gone."""
    desk.inventory(FOUR)
    admin.add_values(fresh_lab, "hv03", "cifs/hv99")
    admin.set_flags(fresh_lab, "hv03", on=TRUSTED_TO_AUTH_FOR_DELEGATION)
    return desk


def refused(answer: Answer, words: str) -> None:
    """Refused, and hv03 named with what happened to it."""
    assert answer.code == 4
    assert "nothing was written" in answer.text
    told = [line for line in answer.text.splitlines() if "hv03" in line]
    assert any(words.casefold() in line.casefold() for line in told), answer.text


class TestBetweenPlanAndApply:
    @edits
    def test_the_reviewed_file_no_longer_holds(
        self, story: Workstation, fresh_lab: Lab, edit: Edit, words: str
    ) -> None:
        story.run("plan", "-o", "plan.json")
        edit(fresh_lab)
        with untouched(fresh_lab):
            refused(story.run("apply", "plan.json", "--yes"), words)
        assert story.runs() == []

    @pytest.mark.parametrize("edit", [value_added, account_disabled, host_made_again])
    def test_the_expected_digest_no_longer_holds(
        self, story: Workstation, fresh_lab: Lab, edit: Edit
    ) -> None:
        digest = story.run("plan", "--format", "json").data["digest"]
        edit(fresh_lab)
        with untouched(fresh_lab):
            answer = story.run("apply", "--expect", digest, "--yes")
        assert answer.code == 4
        now = story.run("plan", "--format", "json").data["digest"]
        assert f"expected  {digest}" in answer.err
        assert f"now       {now}" in answer.err

    def test_another_inventory_is_another_plan(self, story: Workstation, fresh_lab: Lab) -> None:
        story.run("plan", "-o", "plan.json")
        story.inventory("hosts: {'hv[01-05]': }\n")
        with untouched(fresh_lab):
            answer = story.run("apply", "plan.json", "--yes")
        assert answer.code == 4
        assert "hv05: would be changed as well" in answer.err
        assert "hv01: now to add: cifs/hv05" in answer.err

    def test_a_host_that_is_gone(self, story: Workstation, fresh_lab: Lab) -> None:
        story.run("plan", "-o", "plan.json")
        host_deleted(fresh_lab)
        with untouched(fresh_lab):
            answer = story.run("apply", "plan.json", "--yes")
        assert answer.code == 1
        assert "there is no computer hv03$" in answer.err

    def test_what_concerns_other_objects_does_not_matter(
        self, story: Workstation, fresh_lab: Lab
    ) -> None:
        story.run("plan", "-o", "plan.json")
        admin.add_values(fresh_lab, "hv40", "HTTP/portal")
        assert story.run("apply", "plan.json", "--yes").code == 0


class TestBetweenPromptAndWrite:
    @edits
    def test_what_was_confirmed_is_not_what_would_happen(
        self, story: Workstation, fresh_lab: Lab, edit: Edit, words: str
    ) -> None:
        terminal = story.at_terminal("apply")
        terminal.wait_for("[y/N]")
        edit(fresh_lab)
        with untouched(fresh_lab):
            terminal.type("yes\n")
            answer = terminal.end()
        _, _, after = answer.text.partition("[y/N]")
        if edit is host_renamed:  # the same plan, of an object with another name
            words = "dn"
        refused(Answer(answer.code, after, ""), words)
        assert story.runs() == []

    def test_at_a_rollback(self, story: Workstation, fresh_lab: Lab) -> None:
        assert story.run("apply", "--yes").code == 0
        terminal = story.at_terminal("rollback")
        terminal.wait_for("[y/N]")
        admin.remove_values(fresh_lab, "hv03", "cifs/hv01")
        with untouched(fresh_lab):
            terminal.type("y\n")
            answer = terminal.end()
        _, _, after = answer.text.partition("[y/N]")
        refused(Answer(answer.code, after, ""), "cifs/hv01")

    def test_at_a_rollback_a_value_of_somebody_else(
        self, story: Workstation, fresh_lab: Lab
    ) -> None:
        """It is no conflict with what the run did, but the object is not what was looked at."""
        before = mesh(fresh_lab)
        assert story.run("apply", "--yes").code == 0
        terminal = story.at_terminal("rollback")
        terminal.wait_for("[y/N]")
        admin.add_values(fresh_lab, "hv03", "HTTP/portal")
        with untouched(fresh_lab):
            terminal.type("y\n")
            answer = terminal.end()
        _, _, after = answer.text.partition("[y/N]")
        refused(Answer(answer.code, after, ""), "HTTP/portal")
        assert story.run("rollback", "--yes").code == 0
        admin.remove_values(fresh_lab, "hv03", "HTTP/portal")
        assert mesh(fresh_lab) == before


class TestBetweenApplyAndRollback:
    def took_one_back(self, lab: Lab) -> None:
        admin.remove_values(lab, "hv03", "cifs/hv01.corp.example")

    def cleared_the_flag(self, lab: Lab) -> None:
        admin.set_flags(lab, "hv02", off=TRUSTED_TO_AUTH_FOR_DELEGATION)

    @pytest.mark.parametrize(
        ("edit", "words"),
        [
            (took_one_back, "1 value of hv03 as before already"),
            (cleared_the_flag, "1 flag of hv02 as before already"),
        ],
        ids=["value removed", "flag cleared"],
    )
    def test_what_is_as_before_already_counts_as_done(
        self,
        story: Workstation,
        fresh_lab: Lab,
        edit: Callable[[TestBetweenApplyAndRollback, Lab], None],
        words: str,
    ) -> None:
        before = mesh(fresh_lab)
        assert story.run("apply", "--yes").code == 0
        edit(self, fresh_lab)
        answer = story.run("rollback", "--yes")
        assert answer.code == 0
        assert words in answer.out
        assert mesh(fresh_lab) == before

    def test_a_renamed_account_is_told_by_both_its_names(
        self, story: Workstation, fresh_lab: Lab
    ) -> None:
        """It is the same object: what the run wrote is taken back, under the name of now."""
        assert story.run("apply", "--yes").code == 0
        dn = admin.account_of(fresh_lab, "hv03").dn
        admin.set_attribute(fresh_lab, "hv03", "sAMAccountName", "FORMER03$")
        answer = story.run("rollback", "--yes")
        assert answer.code == 0
        assert f"FORMER03 ({dn}) is what the journal calls hv03 ({dn})" in answer.err
        [row] = [line for line in answer.out.splitlines() if "FORMER03" in line and "12" in line]
        assert "hv03" not in row
        assert admin.account_of(fresh_lab, "FORMER03$").texts("msDS-AllowedToDelegateTo") == (
            "cifs/hv99",
        )

    def test_what_an_apply_has_repaired_is_a_conflict_until_that_is_undone(
        self, story: Workstation, fresh_lab: Lab
    ) -> None:
        before = mesh(fresh_lab)
        assert story.run("apply", "--yes").code == 0
        self.took_one_back(fresh_lab)
        assert story.run("apply", "--yes").code == 0
        with untouched(fresh_lab):
            answer = story.run("rollback", "1", "--yes")
        assert answer.code == 4
        assert "hv03: cifs/hv01.corp.example, written again by run 2" in answer.err
        assert [run["kind"] for run in story.runs()] == ["apply", "apply"]
        assert story.run("rollback", "--yes").code == 0
        assert story.run("rollback", "--yes").code == 0
        assert mesh(fresh_lab) == before


def test_the_directory_alone_is_compared_not_the_clock(story: Workstation, fresh_lab: Lab) -> None:
    """What others write elsewhere on the object does not matter: only the delegation does."""
    story.run("plan", "-o", "plan.json")
    saved = json.loads((story.folder / "plan.json").read_text())
    admin.set_attribute(fresh_lab, "hv03", "description", "moved to rack 7")
    assert story.run("apply", "plan.json", "--expect", saved["digest"], "--yes").code == 0
