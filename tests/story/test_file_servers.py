"""File servers by the names that paths have: what the KDC grants towards each."""

from __future__ import annotations

import pytest

from tests.lab import Lab, admin, independent
from tests.lab.description import FILE_SERVER, OPERATOR
from tests.lab.kdc import Granted, Refused, ask
from tests.story.witness import holding
from tests.story.workstation import Workstation

pytestmark = pytest.mark.lab

INVENTORY = """
    hosts: {'hv[01-02]': }
    meshes:
      farm: {members: [hv01, hv02], services: [migration]}
    file_servers:
      sofs01: {aliases: [vmstore, isos], reached_from: [farm]}
      share: {account: svc-share, fqdn: share.files.example, reached_from: [farm]}
"""


def test_an_alias_and_a_users_account(desk: Workstation, fresh_lab: Lab) -> None:
    """Machines on shares: hosts ask each other for no cifs, and servers for nothing else."""
    own = independent.computer(fresh_lab, FILE_SERVER).texts("servicePrincipalName")
    admin.set_attribute(fresh_lab, FILE_SERVER, "servicePrincipalName", *own, "cifs/vmstore")
    admin.add_user(fresh_lab, "svc-share")
    share = "cifs/share.files.example"
    admin.set_object(fresh_lab, "svc-share", "servicePrincipalName", share)
    desk.inventory(INVENTORY)

    plan = desk.run("plan")
    assert plan.code == 3
    assert "sofs01: nobody answers to cifs/isos: no host gets it" in plan.err
    assert 'setspn -S "cifs/isos" SOFS01' in plan.err
    assert desk.run("apply", "--yes").code == 0
    assert {it for it in holding(fresh_lab)["hv01"] if it.startswith("cifs/")} == {
        "cifs/sofs01",
        "cifs/sofs01.corp.example",
        "cifs/vmstore",
        share,
    }
    for granted in ("cifs/vmstore", share):
        assert isinstance(ask(fresh_lab, "hv01", OPERATOR, granted), Granted)
    assert isinstance(ask(fresh_lab, "hv01", OPERATOR, "cifs/hv02"), Refused)

    audit = desk.run("audit", "--format", "json")
    assert audit.code == 3
    found = [one for one in audit.data["findings"] if one["rule"] == "KCD028"]
    assert [(one["computer"], one["value"]) for one in found] == [("sofs01", "cifs/isos")]
    assert desk.run("explain", "hv01", "vmstore").code == 1, "one of its names is nobody's"
    assert desk.run("explain", "hv01", "share").code == 0
    assert desk.run("rollback", "--yes").code == 0
    assert isinstance(ask(fresh_lab, "hv01", OPERATOR, "cifs/vmstore"), Refused)
