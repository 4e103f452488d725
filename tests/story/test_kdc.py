"""The proof: what the KDC grants a host, before an apply, after it, and after its rollback."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests.lab import Lab, admin, kdc
from tests.lab.description import (
    OPERATOR,
    PROTECTED_OPERATOR,
    SPARE,
    TRUSTED_TO_AUTH_FOR_DELEGATION,
    cifs_values,
    migration_values,
)
from tests.lab.kdc import Granted
from tests.story.witness import holding
from tests.story.workstation import Workstation

pytestmark = pytest.mark.lab

SERVICES = [*cifs_values("hv02"), *migration_values("hv02")]
"""Storage and migration, each by its short and its full name."""


def granted(
    lab: Lab, services: Sequence[str], *, source: str = "hv01", user: str = OPERATOR
) -> list[str]:
    """For which of the services the KDC lets the source act as the user; the others it refuses."""
    with kdc.mirrored(lab):
        answers = kdc.ask_each(lab, source, user, services)
    return [service for service, answer in answers.items() if isinstance(answer, Granted)]


def test_refused_before_granted_after_apply_refused_after_rollback(
    desk: Workstation, fresh_lab: Lab
) -> None:
    desk.inventory("hosts: {'hv[01-04]': }")
    assert granted(fresh_lab, SERVICES) == []
    assert desk.run("apply", "--yes").code == 0
    assert granted(fresh_lab, SERVICES) == SERVICES
    assert desk.run("rollback", "--yes").code == 0
    assert granted(fresh_lab, SERVICES) == []


def test_an_account_is_reached_by_its_own_name_too(desk: Workstation, fresh_lab: Lab) -> None:
    """A value need not be a service: who looks for these alone misses a way to the domain."""
    names = ["DC1$", "krbtgt", "HV02$", "hv03"]
    admin.add_values(fresh_lab, "hv65", *names)
    admin.set_flags(fresh_lab, "hv65", on=TRUSTED_TO_AUTH_FOR_DELEGATION)
    assert granted(fresh_lab, [*names, "HV04$"], source="hv65") == names
    desk.inventory("hosts: {'hv[01-04]': , hv65: }\npolicy: {foreign: ignore}")
    found = desk.run("audit", "--format", "json").data["findings"]
    assert [one["value"] for one in found if one["rule"] == "KCD015"] == ["DC1$", "krbtgt"]
    desk.inventory("hosts: {'hv[01-04]': }")
    found = desk.run("audit", "--format", "json").data["findings"]
    assert [one["computer"] for one in found if one["rule"] == "KCD029"] == ["hv02", "hv03"]


def test_every_pair_of_a_mesh_both_ways_and_nobody_outside(
    desk: Workstation, fresh_lab: Lab
) -> None:
    desk.inventory("hosts: {'hv[01-04]': }")
    inside = ("hv01", "hv02", "hv03", "hv04")
    outside = [value for host in ("hv05", *SPARE) for value in cifs_values(host)]
    assert desk.run("apply", "--yes").code == 0
    for source in inside:
        peers = [value for host in inside if host != source for value in cifs_values(host)]
        assert granted(fresh_lab, [*peers, *outside], source=source) == peers


def test_a_pair_outside_the_mesh_is_refused_throughout(desk: Workstation, fresh_lab: Lab) -> None:
    desk.inventory("hosts: {'hv[01-04]': }")
    one, other = SPARE
    outside = [*cifs_values(other), *migration_values(other)]
    assert granted(fresh_lab, outside, source=one) == []
    assert desk.run("apply", "--yes").code == 0
    assert granted(fresh_lab, outside, source=one) == []
    assert granted(fresh_lab, SERVICES, source=one) == []
    assert granted(fresh_lab, outside, source="hv01") == []
    assert desk.run("rollback", "--yes").code == 0
    assert granted(fresh_lab, outside, source=one) == []


def test_one_way_is_one_way(desk: Workstation, fresh_lab: Lab) -> None:
    desk.inventory("""
        hosts: {'hv[01-02]': }
        meshes: {recovery: {sources: [hv01], targets: [hv02]}}
    """)
    assert desk.run("apply", "--yes").code == 0
    assert granted(fresh_lab, SERVICES) == SERVICES
    assert granted(fresh_lab, cifs_values("hv01"), source="hv02") == []


def test_a_file_server_is_reached_for_storage_only(desk: Workstation, fresh_lab: Lab) -> None:
    desk.inventory("""
        hosts: {'hv[01-02]': }
        meshes: {production: {members: ["hv[01-02]"]}}
        file_servers: {sofs01: {fqdn: sofs01.corp.example, reached_from: [production]}}
    """)
    asked = [*cifs_values("sofs01"), "HOST/sofs01"]
    assert granted(fresh_lab, asked) == []
    assert desk.run("apply", "--yes").code == 0
    assert granted(fresh_lab, asked) == list(cifs_values("sofs01"))


def test_kerberos_only_is_not_enough_without_the_operators_own_ticket(
    desk: Workstation, fresh_lab: Lab
) -> None:
    desk.inventory("""
        defaults: {protocol_transition: false}
        hosts: {'hv[01-02]': }
    """)
    assert desk.run("apply", "--yes").code == 0
    assert set(SERVICES) == holding(fresh_lab)["hv01"]
    assert granted(fresh_lab, SERVICES) == []

    desk.inventory("""
        hosts: {hv01: {protocol_transition: true}, hv02: {protocol_transition: false}}
    """)
    assert desk.run("apply", "--yes").code == 0
    assert granted(fresh_lab, SERVICES) == SERVICES
    assert granted(fresh_lab, cifs_values("hv01"), source="hv02") == []


def test_an_operator_protected_from_delegation_is_refused(
    desk: Workstation, fresh_lab: Lab
) -> None:
    desk.inventory("hosts: {'hv[01-02]': }")
    assert desk.run("apply", "--yes").code == 0
    assert granted(fresh_lab, SERVICES, user=PROTECTED_OPERATOR) == []
    assert granted(fresh_lab, SERVICES, user=OPERATOR) == SERVICES


def test_a_retired_host_is_no_longer_reached(desk: Workstation, fresh_lab: Lab) -> None:
    desk.inventory("hosts: {'hv[01-03]': }")
    assert desk.run("apply", "--yes").code == 0
    assert granted(fresh_lab, SERVICES) == SERVICES
    desk.inventory("""
        hosts: {hv01: , hv03: }
        retired: [hv02]
        policy: {max_removals: 100%}
    """)
    assert desk.run("apply", "--yes").code == 0
    assert granted(fresh_lab, SERVICES) == []
    assert granted(fresh_lab, cifs_values("hv03")) == list(cifs_values("hv03"))
