"""Whose name an operator's is: this domain's, or another's, of which nothing is known here."""

from dataclasses import replace

import pytest

from delegation.explain import LinkState, Pair, explain
from delegation.explain.account_links import operator as operator_link
from delegation.explain.chain import PairCase, stranger
from delegation.mesh import checks, survey
from delegation.mesh.operator_names import OperatorName
from delegation.mesh.seams import Inspector
from delegation.mesh.snapshot import Operator
from tests.builders import DIRECTORY, ENABLED, MemoryDirectory, computer, forms, inventory, user
from tests.builders import survey as compared

FOREST = {"corp": "corp.example", "root": "root.example"}


@pytest.mark.parametrize(
    ("text", "elsewhere"),
    [
        ("vmadmin", ""),
        ("CORP\\vmadmin", ""),
        ("corp.example\\vmadmin", ""),
        ("ROOT\\vmadmin", "root.example"),
        ("root.example\\vmadmin", "root.example"),
        ("TRUSTED\\vmadmin", "TRUSTED"),
        ("vmadmin@corp.example", ""),
        ("vmadmin@root.example", ""),
    ],
)
def test_of_another_domain_is_what_says_so(text: str, elsewhere: str) -> None:
    """A principal's suffix alone says nothing: it need not be a domain's name."""
    assert OperatorName.parse(text).domain_elsewhere("corp.example", FOREST) == elsewhere


@pytest.mark.parametrize(("text", "is_elsewhere"), [("CORP\\x", False), ("ROOT\\x", True)])
def test_without_the_forests_names_the_first_part_is_taken(
    text: str, *, is_elsewhere: bool
) -> None:
    assert bool(OperatorName.parse(text).domain_elsewhere("corp.example", {})) is is_elsewhere


def test_a_domain_may_be_called_otherwise_than_its_first_part() -> None:
    forest = {"contoso": "corp.example", "corp": "corp.other.example"}
    assert OperatorName.parse("CONTOSO\\x").domain_elsewhere("corp.example", forest) == ""
    assert OperatorName.parse("CORP\\x").domain_elsewhere("corp.example", forest) == (
        "corp.other.example"
    )


class Forest:
    """An Inspector that knows one vmadmin, of corp.example, who is disabled."""

    directory = DIRECTORY

    def domains(self) -> dict[str, str]:
        return FOREST

    def people(self, name: str) -> list[object]:
        here = {"vmadmin", "corp\\vmadmin", "vmadmin@corp.example"}
        return [user("vmadmin")] if name.casefold() in here else []

    def token(self, account: object) -> None:
        pass


def asked(name: str) -> Operator:
    inspector: Inspector = Forest()  # type: ignore[assignment]
    return survey.operator(inspector, name)


@pytest.mark.parametrize(
    ("name", "has_account", "elsewhere"),
    [
        ("vmadmin", True, ""),
        ("CORP\\vmadmin", True, ""),
        ("ROOT\\vmadmin", False, "root.example"),
        ("vmadmin@root.example", False, "root.example"),
        ("nobody", False, ""),
        ("nobody@corp.example", False, ""),
        ("CORP\\nobody", False, ""),
    ],
)
def test_a_namesake_is_never_taken(name: str, *, has_account: bool, elsewhere: str) -> None:
    found = asked(name)
    assert (found.account is not None, found.elsewhere) == (has_account, elsewhere)


HOSTS = inventory("hv01", "hv02")
MESH = [
    computer("hv01", *forms("hv02"), uac=ENABLED | 0x1000000, spns=[*forms("hv01"), "HOST/hv01"]),
    computer("hv02", *forms("hv01"), uac=ENABLED | 0x1000000, spns=[*forms("hv02"), "HOST/hv02"]),
]


@pytest.mark.parametrize("name", ["ROOT\\vmadmin", "vmadmin@root.example"])
def test_nothing_is_broken_for_an_operator_of_another_domain(name: str) -> None:
    snapshot = compared(HOSTS, MemoryDirectory(MESH)).snapshot
    pair = Pair(
        stranger("hv01", "hv01", "hv01.corp.example"), stranger("hv02", "hv02", "hv02.corp.example")
    )
    found = explain(snapshot, pair, asked(name))
    assert found.broken is None
    states = {link.name: link.state for link in found.links}
    assert states["operator"] is states["delegation"] is LinkState.UNKNOWN


def test_somebody_whom_nobody_knows_here_is_broken_and_told_how_to_name_another() -> None:
    pair = Pair(
        stranger("hv01", "hv01", "x.corp.example"), stranger("hv02", "hv02", "y.corp.example")
    )
    snapshot = compared(HOSTS, MemoryDirectory(MESH)).snapshot
    link = operator_link(PairCase(snapshot, pair, asked("nobody")))
    assert (link.state, "user@domain" in link.fix) == (LinkState.BROKEN, True)


@pytest.mark.parametrize(
    ("name", "rule"),
    [("ROOT\\vmadmin", "KCD018"), ("vmadmin@root.example", "KCD018"), ("nobody", "KCD017")],
)
def test_a_finding_says_what_is_not_known(name: str, rule: str) -> None:

    comparison = compared(HOSTS, MemoryDirectory(MESH))
    evidence = replace(comparison.snapshot, operators=(asked(name),))
    found = [one for one in checks.findings(replace(comparison, snapshot=evidence)) if one.value]
    assert [(one.rule, one.value) for one in found] == [(rule, name)]
    assert ("which is not looked at" in found[0].message) is (rule == "KCD018")
