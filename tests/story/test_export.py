"""The plan as a change file, imported by OpenLDAP's client with the rights that an apply has."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.lab import Lab, admin, domain, independent
from tests.lab.description import TRUSTED_FOR_DELEGATION, WRITER, WRITER_WITHOUT_PRIVILEGE
from tests.lab.independent import LdapError, openldap
from tests.powershell import changes, parsed
from tests.story.witness import (
    EMPTY,
    differences,
    first,
    holding,
    mesh,
    mesh_of,
    objects,
    restored,
    untouched,
)
from tests.story.workstation import Workstation

pytestmark = pytest.mark.lab

FOUR = first(4)
NO_SUCH_ATTRIBUTE, ALREADY_THERE = 16, 20

EVENTFUL = """
    hosts: {'hv[01-04]': }
    retired: [hv98]
    keep: [{value: HTTP/portal, reason: portal, protocol_transition: accept}]
    policy: {unconstrained: clear, foreign: remove}
"""


def lived_in(lab: Lab) -> None:
    """A retired host in an odd spelling, a kept value, a wanted one, a flag, odd foreign values."""
    admin.add_values(lab, "hv01", "cifs/HV98", "HTTP/portal", "cifs/hv02")
    admin.set_flags(lab, "hv02", on=TRUSTED_FOR_DELEGATION)
    admin.add_values(lab, "hv03", "HTTP/größe\t<x>", " HTTP/with spaces ")


def import_file(lab: Lab, path: Path) -> None:
    openldap(lab, ["ldapmodify", "-f", str(path)], WRITER)


def refused(lab: Lab, path: Path) -> int:
    """The result code with which the import stops."""
    with pytest.raises(LdapError) as caught:
        import_file(lab, path)
    return caught.value.result


def test_ldapmodify_leaves_what_an_apply_leaves(desk: Workstation, fresh_lab: Lab) -> None:
    desk.inventory(EVENTFUL)
    lived_in(fresh_lab)
    assert desk.run("apply", "--yes").code == 0
    applied = objects(fresh_lab, counters=False)

    domain.reset(fresh_lab)
    lived_in(fresh_lab)
    with untouched(fresh_lab):
        assert desk.run("export", "ldif", "-o", "change.ldif").code == 0
    with restored(fresh_lab):
        import_file(fresh_lab, desk.folder / "change.ldif")
        assert differences(applied, objects(fresh_lab, counters=False)) == []
        assert desk.run("plan").code == 0, "nothing is left to do"
        import_file(fresh_lab, desk.folder / "change-undo.ldif")


def test_sixty_four_hosts_get_their_mesh_and_lose_it_again(
    desk: Workstation, fresh_lab: Lab
) -> None:
    desk.inventory("hosts: {'hv[01-64]': }")
    with untouched(fresh_lab):
        exported = desk.run("export", "ldif", "-o", "-", "--undo", "undo.ldif")
    assert exported.code == 0
    with restored(fresh_lab):
        openldap(fresh_lab, ["ldapmodify"], WRITER, exported.out)
        hosts = first(64)
        assert {host: mesh(fresh_lab)[host] for host in hosts} == mesh_of(*hosts)
        import_file(fresh_lab, desk.folder / "undo.ldif")


@pytest.mark.parametrize("kind", ["ldif", "powershell"])
def test_an_export_writes_two_files_and_nothing_else(
    desk: Workstation, fresh_lab: Lab, kind: str
) -> None:
    desk.inventory("hosts: {'hv[01-04]': }")
    with untouched(fresh_lab):
        exported = desk.run("export", kind)
    assert exported.code == 0
    assert len(list(desk.folder.iterdir())) == 3
    assert not desk.state.exists()
    for path in desk.folder.glob("plan-*"):
        text = path.read_text(encoding="ascii")
        assert fresh_lab.dc_fqdn in text
        assert "hv04.corp.example" in text
        if kind == "powershell":
            assert [one["Computer"] for one in changes(parsed(text))] == list(FOUR)
            assert f"[string] $Server = '{fresh_lab.dc_fqdn}'" in text


def add_a_wanted_value(lab: Lab) -> None:
    admin.add_values(lab, "hv03", "cifs/hv04")


def remove_a_stale_value(lab: Lab) -> None:
    admin.remove_values(lab, "hv03", "cifs/hv98")


def change_a_flag(lab: Lab) -> None:
    admin.set_flags(lab, "hv03", on=TRUSTED_FOR_DELEGATION)


@pytest.mark.parametrize(
    ("meanwhile", "result"),
    [
        (remove_a_stale_value, NO_SUCH_ATTRIBUTE),
        (add_a_wanted_value, ALREADY_THERE),
        (change_a_flag, NO_SUCH_ATTRIBUTE),
    ],
)
def test_a_change_in_between_stops_the_import_there(
    desk: Workstation, fresh_lab: Lab, meanwhile: Callable[[Lab], None], result: int
) -> None:
    desk.inventory("hosts: {'hv[01-04]': }\nretired: [hv98]")
    admin.add_values(fresh_lab, "hv03", "cifs/hv98")
    assert desk.run("export", "ldif", "-o", "change.ldif").code == 0
    meanwhile(fresh_lab)

    with restored(fresh_lab):
        before = mesh(fresh_lab)
        assert refused(fresh_lab, desk.folder / "change.ldif") == result
        after = mesh(fresh_lab)
        assert [host for host in FOUR if after[host] != before[host]] == ["hv01", "hv02"]
        assert {host: after[host] for host in ("hv01", "hv02")} == {
            host: state for host, state in mesh_of(*FOUR).items() if host in ("hv01", "hv02")
        }
        # The undo meets those first that were changed, and stops where the import stopped.
        assert refused(fresh_lab, desk.folder / "change-undo.ldif") in {
            NO_SUCH_ATTRIBUTE,
            ALREADY_THERE,
        }
        assert mesh(fresh_lab) == before


def test_what_is_left_is_exported_again(desk: Workstation, fresh_lab: Lab) -> None:
    desk.inventory("hosts: {'hv[01-04]': }")
    assert desk.run("export", "ldif", "-o", "change.ldif").code == 0
    admin.add_values(fresh_lab, "hv03", "cifs/hv01")
    assert refused(fresh_lab, desk.folder / "change.ldif") == ALREADY_THERE
    again = desk.run("export", "ldif", "-o", "rest.ldif")
    assert "2 of 4 hosts to change" in again.out
    import_file(fresh_lab, desk.folder / "rest.ldif")
    assert {host: mesh(fresh_lab)[host] for host in FOUR} == mesh_of(*FOUR)
    assert desk.run("export", "ldif", "-o", "more.ldif").code == 0
    assert not (desk.folder / "more.ldif").exists()


def test_an_object_that_was_moved_is_not_found(desk: Workstation, fresh_lab: Lab) -> None:
    desk.inventory("hosts: {'hv[01-04]': }")
    assert desk.run("export", "ldif", "-o", "change.ldif").code == 0
    admin.move(fresh_lab, "hv01", f"CN=In the cellar,{fresh_lab.hosts_dn}")
    with untouched(fresh_lab):
        assert refused(fresh_lab, desk.folder / "change.ldif") == 32


def test_who_lacks_the_privilege_changes_nothing(desk: Workstation, fresh_lab: Lab) -> None:
    desk.inventory("hosts: {'hv[01-04]': }")
    assert desk.run("export", "ldif", "-o", "change.ldif").code == 0
    with untouched(fresh_lab), pytest.raises(LdapError) as caught:
        openldap(
            fresh_lab,
            ["ldapmodify", "-f", str(desk.folder / "change.ldif")],
            WRITER_WITHOUT_PRIVILEGE,
        )
    assert caught.value.result == 50


def test_a_domain_controller_is_exported_to_nobody(desk: Workstation, fresh_lab: Lab) -> None:
    desk.inventory("hosts: {'hv[01-04]': , dc1: }")
    with untouched(fresh_lab):
        for kind in ("ldif", "powershell"):
            ran = desk.run("export", kind)
            assert ran.code == 4
            assert "domain controller" in ran.err
    assert [path.name for path in desk.folder.iterdir()] == ["inventory.yaml"]


def test_an_audit_shows_what_was_made(desk: Workstation, fresh_lab: Lab) -> None:
    desk.inventory("hosts: {'hv[01-04]': }")
    desk.run("export", "ldif", "-o", "change.ldif")
    assert desk.run("audit").code == 3
    import_file(fresh_lab, desk.folder / "change.ldif")
    assert desk.run("audit").code == 0
    assert holding(fresh_lab).keys() == set(FOUR)
    assert independent.user_account_control(fresh_lab, "hv05") == EMPTY
    assert desk.run("rollback", "--yes").code == 1, "rollback doesn't know of it"
