"""``delegation explain`` on the lab: one link broken at a time, and the KDC asked each time."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.lab import Lab, admin, independent, kdc, ldif
from tests.lab.description import (
    ACCOUNTDISABLE,
    OPERATOR,
    PROTECTED_OPERATOR,
    TRUSTED_FOR_DELEGATION,
    TRUSTED_TO_AUTH_FOR_DELEGATION,
    LabError,
    cifs_values,
    escaped,
    migration_values,
)
from tests.lab.kdc import Evidence, Granted, Question
from tests.story.workstation import Workstation

pytestmark = pytest.mark.lab

VALUES = [*cifs_values("hv02"), *migration_values("hv02")]
NO_CREDENTIALS, TARGET_UNKNOWN, WRONG_PRINCIPAL = "0x8009030E", "0x80090303", "0x80090322"


@pytest.fixture
def intact(desk: Workstation, fresh_lab: Lab) -> Workstation:
    """HV01 may delegate to HV02, as an apply leaves it."""
    return prepared(desk, fresh_lab)


def prepared(desk: Workstation, lab: Lab) -> Workstation:
    desk.inventory("hosts: {'hv[01-02]': }")
    admin.add_values(lab, "hv01", *VALUES)
    admin.set_flags(lab, "hv01", on=TRUSTED_TO_AUTH_FOR_DELEGATION)
    return desk


def explained(desk: Workstation, *words: str, user: str = OPERATOR) -> tuple[int, Any]:
    ends = words or ("hv01", "hv02")
    answer = desk.run("explain", *ends, "--as", user, "--format", "json")
    return answer.code, answer.data


def broken(data: Any) -> list[str]:
    return [link["name"] for link in data["links"] if link["state"] == "broken"]


def granted(data: Any) -> dict[str, bool]:
    return {spn: route is not None for spn, route in data["granted_by"].items()}


def answers(lab: Lab, data: Any) -> dict[str, bool]:
    """The KDC's answer to the same."""
    evidence = Evidence(data["evidence"])
    with kdc.mirrored(lab):
        return {
            spn: answer(lab, Question(data["source"], data["operator"], spn, evidence))
            for spn in data["granted_by"]
        }


def answer(lab: Lab, question: Question) -> bool:
    """A service that the KDC does not know is one that it does not give."""
    try:
        return kdc.decide_all(lab, [question]) == [Granted()]
    except LabError as error:
        if "Server not found" not in str(error):
            raise
        return False


def test_an_intact_pair(intact: Workstation, fresh_lab: Lab) -> None:
    code, data = explained(intact)
    assert (code, data["ok"], data["dc"]) == (0, True, fresh_lab.dc_fqdn)
    assert {link["state"] for link in data["links"]} == {"ok"}
    assert data["granted_by"] == dict.fromkeys(VALUES, "classic")
    assert answers(fresh_lab, data) == dict.fromkeys(VALUES, True)


def no_source(lab: Lab) -> None:
    admin.delete(lab, "hv01")


def no_target(lab: Lab) -> None:
    admin.delete(lab, "hv02")


def other_dns_name(lab: Lab) -> None:
    names = independent.computer(lab, "hv02").texts("servicePrincipalName")
    admin.set_attribute(lab, "hv02", "dNSHostName", "hv02.lab.corp.example")
    # The directory renames what is registered along with it.
    admin.set_attribute(lab, "hv02", "servicePrincipalName", *names)


def source_disabled(lab: Lab) -> None:
    admin.set_flags(lab, "hv01", on=ACCOUNTDISABLE)


def target_disabled(lab: Lab) -> None:
    admin.set_flags(lab, "hv02", on=ACCOUNTDISABLE)


def vmms_registered_nothing(lab: Lab) -> None:
    names = independent.computer(lab, "hv02").texts("servicePrincipalName")
    admin.set_attribute(
        lab, "hv02", "servicePrincipalName", *(n for n in names if not n.startswith("Microsoft"))
    )


def one_name_gone(lab: Lab) -> None:
    name = migration_values("HV02")[0]
    change = ("delete", "servicePrincipalName", [name, escaped(name)])
    admin.modify(lab, ldif.modification(lab.computer_dn("hv02"), change))


def taken_by_another(lab: Lab) -> None:
    change = ("add", "servicePrincipalName", ["cifs/hv02.corp.example"])
    admin.modify(lab, ldif.modification(lab.computer_dn("hv05"), change))


def one_value_gone(lab: Lab) -> None:
    admin.remove_values(lab, "hv01", VALUES[1])


def all_values_gone(lab: Lab) -> None:
    admin.remove_values(lab, "hv01", *VALUES)


def no_transition(lab: Lab) -> None:
    admin.set_flags(lab, "hv01", off=TRUSTED_TO_AUTH_FOR_DELEGATION)


def operator_disabled(lab: Lab) -> None:
    flags = admin.account_of(lab, OPERATOR).number("userAccountControl")
    admin.set_object(lab, OPERATOR, "userAccountControl", str(flags | ACCOUNTDISABLE))


@pytest.mark.parametrize(
    ("break_it", "expected", "user"),
    [
        (no_target, ("target account", "join hv02", TARGET_UNKNOWN), OPERATOR),
        (other_dns_name, ("target account", "fqdn hv02.corp.example", WRONG_PRINCIPAL), OPERATOR),
        (source_disabled, ("accounts enabled", "enable it", NO_CREDENTIALS), OPERATOR),
        (target_disabled, ("accounts enabled", "enable it", TARGET_UNKNOWN), OPERATOR),
        (vmms_registered_nothing, ("service names", "vmms", TARGET_UNKNOWN), OPERATOR),
        (one_name_gone, ("service names", "vmms", TARGET_UNKNOWN), OPERATOR),
        (
            taken_by_another,
            ("service names", f'setspn -D "{VALUES[1]}" HV05', WRONG_PRINCIPAL),
            OPERATOR,
        ),
        (one_value_gone, ("values", "delegation apply", NO_CREDENTIALS), OPERATOR),
        (all_values_gone, ("values", "delegation apply", NO_CREDENTIALS), OPERATOR),
        (no_transition, ("protocol transition", "delegation apply", NO_CREDENTIALS), OPERATOR),
        (operator_disabled, ("operator", "enable it", ""), OPERATOR),
        (lambda _lab: None, ("operator", "neither marked", NO_CREDENTIALS), PROTECTED_OPERATOR),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_one_broken_link_is_named_and_the_kdc_agrees(
    intact: Workstation,
    fresh_lab: Lab,
    break_it: Callable[[Lab], None],
    expected: tuple[str, str, str],
    user: str,
) -> None:
    link, fix, hresult = expected
    break_it(fresh_lab)
    code, data = explained(intact, user=user)
    assert (code, data["ok"]) == (1, False)
    first, *others = broken(data)
    assert first == link
    if link != "target account":  # all else hangs on it
        assert set(others) <= {"delegation"}
    (found,) = [one for one in data["links"] if one["name"] == link]
    assert fix in found["fix"]
    assert found["hresult"] == hresult
    assert granted(data) == answers(fresh_lab, data)
    text = intact.run("explain", "hv01", "hv02", "--as", user)
    assert text.code == 1
    assert f"broken: {link}\n  fix: {found['fix']}\n" in text.out
    assert not hresult or f"usually ends with {hresult} " in text.out


def test_a_source_without_an_account(intact: Workstation, fresh_lab: Lab) -> None:
    no_source(fresh_lab)
    code, data = explained(intact)
    assert code == 1
    assert broken(data) == ["source account"]
    assert data["granted_by"] == {}


def test_a_domain_controller_is_no_target(intact: Workstation, fresh_lab: Lab) -> None:
    values = cifs_values("dc1")
    admin.add_values(fresh_lab, "hv01", *values)
    code, data = explained(intact, "hv01", "dc1")
    assert code == 1
    assert broken(data)[0] == "no domain controller"
    data["granted_by"] = {spn.replace("DC1", "dc1"): r for spn, r in data["granted_by"].items()}
    assert {spn for spn, is_granted in granted(data).items() if is_granted} == set(values)
    assert granted(data) == answers(fresh_lab, data)


def test_kerberos_only_as_declared(intact: Workstation, fresh_lab: Lab) -> None:
    intact.inventory("defaults: {protocol_transition: false}\nhosts: {'hv[01-02]': }")
    no_transition(fresh_lab)
    code, data = explained(intact)
    assert (code, data["evidence"]) == (0, "ticket")
    assert granted(data) == answers(fresh_lab, data) == dict.fromkeys(VALUES, True)


def test_a_computer_outside_the_inventory_by_its_dns_name(
    intact: Workstation, fresh_lab: Lab
) -> None:
    admin.set_attribute(fresh_lab, "hv66", "dNSHostName", "branch.lab.corp.example")
    ran = intact.run("explain", "hv01", "branch.lab.corp.example")
    assert "not a pair of the inventory" in ran.out
    assert "HV66$" in ran.out
    assert ran.code == 1


def test_nothing_is_written(intact: Workstation, fresh_lab: Lab) -> None:
    before = independent.mesh(fresh_lab)
    assert explained(intact)[0] == 0
    assert independent.mesh(fresh_lab) == before
    assert not intact.state.exists()


class TestOnTheHardenedLab:
    @pytest.fixture
    def desk(self, fresh_hardened_lab: Lab, tmp_path: Path) -> Workstation:
        return Workstation(tmp_path, fresh_hardened_lab)

    def test_a_pair_that_works_by_the_targets_list(
        self, desk: Workstation, fresh_hardened_lab: Lab
    ) -> None:
        lab = prepared(desk, fresh_hardened_lab).lab
        all_values_gone(lab)
        admin.add_group(lab, "movers", [lab.computer_dn("hv01")])
        admin.set_rbcd(lab, "hv02", "movers")
        code, data = explained(desk)
        assert code == 0
        assert data["granted_by"] == dict.fromkeys(VALUES, "rbcd")
        assert answers(lab, data) == dict.fromkeys(VALUES, True)
        (values,) = [link for link in data["links"] if link["name"] == "values"]
        assert values["state"] == "unknown"
        assert "RBCD" in values["evidence"]

        admin.set_rbcd(lab, "hv02", "movers", denied=["hv01"])
        code, data = explained(desk)
        assert (code, broken(data)[0]) == (1, "values")
        assert granted(data) == answers(lab, data) == dict.fromkeys(VALUES, False)

    def test_unconstrained_delegation_is_told_and_decides_nothing(
        self, desk: Workstation, fresh_hardened_lab: Lab
    ) -> None:
        lab = prepared(desk, fresh_hardened_lab).lab
        admin.set_flags(lab, "hv01", on=TRUSTED_FOR_DELEGATION)
        code, data = explained(desk)
        assert code == 0
        (flag,) = [link for link in data["links"] if link["name"] == "protocol transition"]
        assert "any service" in flag["evidence"]
        one_value_gone(lab)
        _, data = explained(desk)
        assert granted(data) == answers(lab, data)
        assert not granted(data)[VALUES[1]]
