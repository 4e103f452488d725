"""The chain of links of one pair: which link is broken, by what evidence, and what mends it."""

from collections.abc import Sequence
from typing import Any

import pytest

from delegation.explain import Explanation, Link, LinkState, Pair, explain, stranger
from delegation.hosts import failures
from delegation.hosts.machines import Failure
from delegation.inventory import Inventory, Policy
from delegation.mesh import snapshot
from delegation.mesh.desired import Endpoint, expand
from delegation.mesh.kdc import Evidence, Route
from delegation.mesh.snapshot import NOT_DELEGATED, Ace, Computer, Directory, Operator
from delegation.names import MIGRATION
from tests.builders import (
    DIRECTORY,
    DISABLED,
    DOMAIN,
    ENABLED,
    TRANSITION,
    UNCONSTRAINED,
    computer,
    domain_controller,
    file_server,
    forms,
    host,
    inventory,
    one_way,
    two_way,
    user,
)

SID = "S-1-5-21-1-1-1"
OWN, GROUP = f"{SID}-1101", f"{SID}-2101"
VALUES = forms("hv02")
ON = ENABLED | TRANSITION
NO_CREDENTIALS, TARGET_UNKNOWN, WRONG_PRINCIPAL = "0x8009030E", "0x80090303", "0x80090322"
EXPORT = Directory("ldif:export.ldf", DOMAIN, DIRECTORY.base_dn, "export.ldf")

NAMES = [
    "source account",
    "target account",
    "accounts enabled",
    "same domain",
    "no domain controller",
    "encryption types",
    "service names",
    "values",
    "protocol transition",
    "operator",
    "value limit",
    "delegation",
]


def registered(name: str) -> tuple[str, ...]:
    """What a domain join and VMMS register."""
    hosts = (name, f"{name}.{DOMAIN}")
    return tuple(f"{service}/{one}" for service in ("HOST", MIGRATION) for one in hosts)


HV01 = computer("hv01", *VALUES, uac=ON, spns=registered("hv01"))._replace(sid=OWN)
HV02 = computer("hv02", uac=ON, spns=registered("hv02"))
BOTH = inventory("hv01", "hv02")
VMADMIN = Operator("vmadmin", user("vmadmin")._replace(sid=f"{SID}-1104"), frozenset())


def explained(
    *accounts: Computer,
    inventory: Inventory = BOTH,
    ends: Sequence[Endpoint] = (),
    operator: Operator | None = VMADMIN,
    directory: Directory = DIRECTORY,
    **more: Any,
) -> Explanation:
    """Of hv01 and hv02 of an inventory, unless other ends are given."""
    source, target = ends or [Endpoint.of_host(inventory.hosts[n]) for n in ("hv01", "hv02")]
    wanted = [source.computer, target.computer]
    bases = more.pop("bases", ())
    found = snapshot.resolve(directory, wanted, accounts or (HV01, HV02), bases)
    pair = Pair.of(inventory, expand(inventory), source, target)
    return explain(found, pair, operator, **more)


def link(explanation: Explanation, name: str) -> Link:
    [found] = [one for one in explanation.links if one.name == name]
    return found


def first(explanation: Explanation) -> tuple[str, str]:
    """The first broken link with its HRESULT; each one that is broken has a fix."""
    assert all(one.fix for one in explanation.links if one.state is LinkState.BROKEN)
    assert explanation.broken is not None
    return explanation.broken.name, explanation.broken.hresult


# The chain


def test_an_intact_pair() -> None:
    chain = explained()
    assert [one.name for one in chain.links] == NAMES
    assert {one.state for one in chain.links} == {LinkState.OK}
    assert all(one.evidence for one in chain.links)
    assert not any(one.fix or one.hresult for one in chain.links)
    assert chain.broken is None
    assert chain.evidence is Evidence.S4U2SELF
    assert chain.granted_by == dict.fromkeys(VALUES, Route.CLASSIC)


@pytest.mark.parametrize("hresult", [NO_CREDENTIALS, TARGET_UNKNOWN, WRONG_PRINCIPAL])
def test_every_error_is_explained(hresult: str) -> None:
    meant = failures.meaning(Failure("", hresult))
    assert meant.hresult == hresult
    assert meant.fix


def spns(account: Computer, *names: str) -> Computer:
    return account._replace(spns=names)


def without(account: Computer, *names: str) -> Computer:
    return spns(account, *(name for name in account.spns if name not in names))


@pytest.mark.parametrize(
    ("accounts", "name", "hresult", "words"),
    [
        ([HV02], "source account", NO_CREDENTIALS, "there is no computer hv01$"),
        ([HV01], "target account", TARGET_UNKNOWN, "there is no computer hv02$"),
        (
            [HV01, HV02, HV02._replace(dn=f"CN=x,{DIRECTORY.base_dn}", guid=HV01.guid)],
            "target account",
            TARGET_UNKNOWN,
            "several accounts are hv02$",
        ),
        (
            [HV01, HV02._replace(dns_host_name="hv02.lab.corp.example")],
            "target account",
            WRONG_PRINCIPAL,
            "hv02.lab.corp.example",
        ),
        ([HV01._replace(dns_host_name=None), HV02], "source account", "", "not set"),
        (
            [HV01, spns(HV02, *HV02.spns, "MSClusterVirtualServer/hv02")],
            "target account",
            "",
            "a cluster name object",
        ),
        (
            [HV01._replace(uac=ON | DISABLED), HV02],
            "accounts enabled",
            NO_CREDENTIALS,
            "hv01$ is disabled",
        ),
        (
            [HV01, HV02._replace(uac=ON | DISABLED)],
            "accounts enabled",
            TARGET_UNKNOWN,
            "hv02$ is disabled",
        ),
        (
            [HV01, HV02._replace(dn="CN=HV02,DC=other,DC=example")],
            "same domain",
            NO_CREDENTIALS,
            "CN=HV02,DC=other,DC=example is in another domain",
        ),
        (
            [HV01, HV02._replace(uac=0x2000)],
            "no domain controller",
            "",
            "hv02$ is a domain controller",
        ),
        (
            [HV01._replace(uac=0x4000000 | ON), HV02],
            "no domain controller",
            "",
            "hv01$ is a domain controller",
        ),
        (
            [HV01, HV02, domain_controller()._replace(spns=("HOST/hv02",))],
            "no domain controller",
            "",
            "leads to a domain controller",
        ),
        (
            [HV01, without(HV02, "HOST/hv02.corp.example")],
            "service names",
            TARGET_UNKNOWN,
            "nobody holds cifs/hv02.corp.example, nor HOST/hv02.corp.example",
        ),
        (
            [HV01, without(HV02, f"{MIGRATION}/hv02")],
            "service names",
            TARGET_UNKNOWN,
            "event 14050",
        ),
        (
            [HV01, HV02, user("svc", "cifs/HV02")],
            "service names",
            WRONG_PRINCIPAL,
            "tickets for cifs/hv02 go to svc",
        ),
        (
            [HV01, HV02, user("svc", "host/HV02")],
            "service names",
            TARGET_UNKNOWN,
            "which stands for cifs/hv02 (default sPNMappings assumed), is registered on hv02$ and ",
        ),
        (
            [HV01._replace(values=VALUES[1:]), HV02],
            "values",
            NO_CREDENTIALS,
            "1 of 4 missing on hv01$: cifs/hv02",
        ),
        (
            [HV01._replace(values=()), HV02],
            "values",
            NO_CREDENTIALS,
            "4 of 4 missing on hv01$: cifs/hv02, cifs/hv02.corp.example and 2 more",
        ),
        ([HV01._replace(uac=ENABLED), HV02], "protocol transition", NO_CREDENTIALS, "off"),
    ],
)
def test_the_first_broken_link(
    accounts: list[Computer], name: str, hresult: str, words: str
) -> None:
    chain = explained(*accounts)
    assert first(chain) == (name, hresult)
    assert words in link(chain, name).evidence
    # Whatever is broken before the verdict, the others speak for themselves.
    assert all(one.evidence for one in chain.links)


def test_an_account_outside_the_search_base() -> None:
    chain = explained(bases=("OU=Elsewhere,DC=corp,DC=example",))
    assert first(chain) == ("source account", "")
    assert "search_base" in link(chain, "target account").fix


def test_without_accounts_nothing_else_is_told() -> None:
    chain = explained(domain_controller())
    states = {one.name: one.state for one in chain.links}
    assert {name for name, state in states.items() if state is LinkState.BROKEN} == {
        "source account",
        "target account",
    }
    assert {name for name, state in states.items() if state is LinkState.OK} == {"operator"}
    assert chain.granted_by == {}


# Values and lists


@pytest.mark.parametrize(
    ("source", "target", "state", "what"),
    [
        (24, 24, LinkState.OK, "AES"),
        (None, None, LinkState.OK, "AES, or the domain's default"),
        (0, 0x1F, LinkState.OK, "AES"),
        (24, 4, LinkState.OK, "hv02$ takes RC4 only"),
        (0x24, 4, LinkState.OK, "hv01$ and hv02$ take RC4 only"),
        (24, 3, LinkState.BROKEN, "hv02$ takes DES only"),
        (1, 24, LinkState.BROKEN, "hv01$ takes DES only"),
    ],
)
def test_encryption_types_of_both_ends(
    source: int | None, target: int | None, state: LinkState, what: str
) -> None:
    ends = (HV01._replace(encryption_types=source), HV02._replace(encryption_types=target))
    link = {one.name: one for one in explained(*ends).links}["encryption types"]
    assert (link.state, what in link.evidence) == (state, True)
    assert bool(link.fix) is (state is LinkState.BROKEN)
    assert link.hresult == ("0x80090342" if state is LinkState.BROKEN else "")
    old = HV02._replace(uac=ON | 0x200000, encryption_types=24)
    assert {one.name: one for one in explained(HV01, old).links}[
        link.name
    ].state is LinkState.BROKEN
    in_export = explained(HV01, HV02, directory=EXPORT).links
    assert {one.name: one for one in in_export}[link.name].state is LinkState.UNKNOWN


def test_values_are_compared_without_case() -> None:
    chain = explained(HV01._replace(values=tuple(map(str.upper, VALUES))), HV02)
    assert chain.broken is None


@pytest.mark.parametrize(
    ("inventory", "words"),
    [
        (BOTH, "delegation apply writes it"),
        (
            inventory("hv01", "hv02", meshes=[one_way("back", ["hv02"], ["hv01"])]),
            "no mesh of the inventory",
        ),
        (BOTH._replace(policy=Policy(value_limit=3)), "the value limit comes first"),
    ],
)
def test_what_mends_missing_values(inventory: Inventory, words: str) -> None:
    assert (
        words in link(explained(HV01._replace(values=()), HV02, inventory=inventory), "values").fix
    )


def test_values_that_nobody_asked_for_are_told() -> None:
    back = inventory("hv01", "hv02", meshes=[one_way("back", ["hv02"], ["hv01"])])
    values = link(explained(inventory=back), "values")
    assert values.state is LinkState.OK
    assert "the inventory does not ask for them" in values.evidence


def acting(*sids: str) -> Computer:
    return HV02._replace(acting=tuple(Ace(allows=True, mask=0xF01FF, sid=sid) for sid in sids))


def test_a_pair_that_works_by_the_targets_list_says_so() -> None:
    chain = explained(HV01._replace(values=("HTTP/x",)), acting(OWN), token=frozenset({OWN}))
    assert chain.broken is None
    values = link(chain, "values")
    assert values.state is LinkState.UNKNOWN
    assert "RBCD" in values.evidence
    assert "not confirmed" in values.evidence
    assert chain.granted_by == dict.fromkeys(VALUES, Route.RBCD)
    assert "by the target's list" in link(chain, "delegation").evidence


def test_both_lists_together() -> None:
    chain = explained(HV01._replace(values=VALUES[:1]), acting(OWN), token=frozenset({OWN}))
    assert list(chain.granted_by.values()) == [Route.CLASSIC, *[Route.RBCD] * 3]
    evidence = link(chain, "delegation").evidence
    assert "cifs/hv02 by the source's list" in evidence
    assert f"{MIGRATION}/hv02 by the target's list (RBCD)" in evidence


def test_an_empty_list_needs_no_protocol_transition_for_the_targets() -> None:
    source = HV01._replace(values=(), uac=ENABLED)
    chain = explained(source, acting(OWN), token=frozenset({OWN}))
    assert chain.broken is None
    assert link(chain, "protocol transition").state is LinkState.UNKNOWN
    assert first(explained(source, HV02)) == ("values", NO_CREDENTIALS)


def test_a_group_on_the_targets_list_that_nobody_tells_of() -> None:
    chain = explained(HV01._replace(values=()), acting(GROUP))
    assert chain.broken is None
    assert link(chain, "values").state is LinkState.UNKNOWN
    assert link(chain, "delegation").state is LinkState.UNKNOWN
    assert set(chain.granted_by.values()) == {None}
    member = explained(HV01._replace(values=()), acting(GROUP), token=frozenset({OWN, GROUP}))
    assert set(member.granted_by.values()) == {Route.RBCD}


# Protocol transition


def kerberos_only(*, transition: bool | None) -> Inventory:
    return inventory(host("hv01", transition=transition), "hv02")


@pytest.mark.parametrize(
    ("declared", "state"),
    [(False, LinkState.OK), (None, LinkState.UNKNOWN), (True, LinkState.BROKEN)],
)
def test_protocol_transition_off(declared: bool | None, state: LinkState) -> None:  # noqa: FBT001
    chain = explained(
        HV01._replace(uac=ENABLED), HV02, inventory=kerberos_only(transition=declared)
    )
    flag = link(chain, "protocol transition")
    assert flag.state is state
    assert chain.evidence is (Evidence.S4U2SELF if declared else Evidence.TICKET)
    assert (set(chain.granted_by.values()) == {Route.CLASSIC}) is not declared
    assert ("Move-VM may have to be typed on the source" in flag.evidence) is not declared


def test_protocol_transition_on_though_declared_off() -> None:
    chain = explained(inventory=kerberos_only(transition=False))
    assert chain.broken is None
    assert "declares it off" in link(chain, "protocol transition").evidence
    assert chain.evidence is Evidence.S4U2SELF


@pytest.mark.parametrize("uac", [ON, ENABLED])
def test_unconstrained_delegation_is_told(uac: int) -> None:
    chain = explained(HV01._replace(uac=uac | UNCONSTRAINED), HV02)
    assert "any service" in link(chain, "protocol transition").evidence


# The operator


def operator(*groups: str, uac: int = 0x200, token: bool = True) -> Operator:
    account = user("vmadmin")._replace(uac=uac, sid=f"{SID}-1104")
    return Operator("vmadmin", account, frozenset(groups) if token else None)


@pytest.mark.parametrize(
    ("who", "state", "hresult", "words"),
    [
        (operator(), LinkState.OK, "", "vmadmin may be delegated"),
        (None, LinkState.UNKNOWN, "", "not looked at"),
        (Operator("joe", None), LinkState.BROKEN, "", "nobody in DC=corp,DC=example is called joe"),
        (operator(uac=0x202), LinkState.BROKEN, "", "disabled"),
        (operator(uac=0x200 | NOT_DELEGATED), LinkState.BROKEN, NO_CREDENTIALS, "sensitive"),
        (operator(f"{SID}-525"), LinkState.BROKEN, NO_CREDENTIALS, "Protected Users"),
        (operator(token=False), LinkState.UNKNOWN, "", "does not tell"),
    ],
)
def test_the_operator(who: Operator | None, state: LinkState, hresult: str, words: str) -> None:
    chain = explained(operator=who)
    found = link(chain, "operator")
    assert (found.state, found.hresult) == (state, hresult)
    assert words in found.evidence
    if who is not None and who.account is not None:
        assert link(chain, "delegation").state is state


# The value limit


@pytest.mark.parametrize(
    ("values", "limit", "state", "words"),
    [
        (VALUES, 6, LinkState.OK, "4 of at most 6 values"),
        (VALUES, 5, LinkState.OK, "split the mesh soon"),
        (VALUES, 3, LinkState.OK, "split the mesh soon"),
        (VALUES[:3], 4, LinkState.OK, "4 of at most 4"),
        (VALUES[:3], 3, LinkState.BROKEN, "4 of at most 3 values with this pair's"),
    ],
)
def test_the_value_limit(values: tuple[str, ...], limit: int, state: LinkState, words: str) -> None:
    narrow = BOTH._replace(policy=Policy(value_limit=limit))
    found = link(explained(HV01._replace(values=values), HV02, inventory=narrow), "value limit")
    assert found.state is state
    assert words in found.evidence


# Beyond the inventory


def test_strangers() -> None:
    ends = [stranger("hv70", "hv70", f"hv70.{DOMAIN}"), Endpoint.of_host(BOTH.hosts["hv02"])]
    source = computer("hv70", *VALUES, uac=ENABLED)
    chain = explained(source, HV02, ends=ends)
    assert first(chain) == ("protocol transition", NO_CREDENTIALS)
    chain = explained(source._replace(values=()), HV02, ends=ends)
    assert "add both hosts to the inventory" in link(chain, "values").fix


def test_a_file_server_takes_cifs_alone() -> None:
    farm = inventory(
        "hv01",
        "hv02",
        meshes=[two_way("all", "hv01", "hv02")],
        file_servers=[file_server("sofs01", "all")],
    )
    ends = [
        Endpoint.of_host(farm.hosts["hv01"]),
        Endpoint.of_file_server(farm.file_servers[0]),
    ]
    values = forms("sofs01", "cifs")
    names = ("HOST/sofs01", f"HOST/sofs01.{DOMAIN}", "MSClusterVirtualServer/sofs01")
    server = computer("sofs01", spns=names)
    chain = explained(HV01._replace(values=values), server, inventory=farm, ends=ends)
    assert chain.broken is None
    assert chain.granted_by == dict.fromkeys(values, Route.CLASSIC)
    missing = explained(HV01._replace(values=()), server, inventory=farm, ends=ends)
    assert "delegation apply writes it" in link(missing, "values").fix


# Exports


def test_an_export_does_not_tell_of_people() -> None:
    chain = explained(directory=EXPORT, operator=Operator("joe", None))
    assert chain.broken is None
    assert link(chain, "operator").state is LinkState.UNKNOWN
    assert link(chain, "delegation").state is LinkState.OK


def test_an_export_without_registered_names() -> None:
    chain = explained(spns(HV01), spns(HV02), directory=EXPORT)
    assert chain.broken is None
    assert link(chain, "service names").state is LinkState.UNKNOWN
    assert link(chain, "delegation").state is LinkState.UNKNOWN
    nothing = spns(HV01)._replace(values=())
    missing = explained(nothing, spns(HV02), directory=EXPORT)
    assert first(missing) == ("values", NO_CREDENTIALS)
    by_group = explained(nothing, spns(acting(GROUP)), directory=EXPORT)
    assert link(by_group, "values").state is LinkState.UNKNOWN
