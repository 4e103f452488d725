"""Findings: each rule by example, and when there is drift."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given

from delegation.inventory import Foreign, Inventory, Keep, Mesh, Policy, Unconstrained
from delegation.mesh import checks
from delegation.mesh.checks import DRIFT, RULES, Severity
from delegation.mesh.snapshot import NOT_DELEGATED, Ace, Computer, Directory, Operator
from delegation.mesh.state import flags
from delegation.names import MIGRATION, peer_values
from tests.builders import (
    BASE,
    DIRECTORY,
    DISABLED,
    DOMAIN,
    ENABLED,
    EVERY_OVERRIDE,
    READ_ONLY_DC,
    TODAY,
    TRANSITION,
    UNCONSTRAINED,
    MemoryDirectory,
    World,
    applied,
    computer,
    domain_controller,
    file_server,
    forms,
    host,
    inventory,
    one_way,
    planned,
    retired,
    survey,
    user,
    worlds,
)

SOUND = ENABLED | TRANSITION
FILES = ("FTP/a", "FTP/b", "FTP/c", "FTP/d")
EXPIRED = Keep("HTTP/*", reason="portal", owner="web team", expires=TODAY - timedelta(days=1))


def _hv01(*values: str, uac: int = SOUND) -> Computer:
    return computer("hv01", *forms("hv02"), *values, uac=uac)


def _found(hv01: Computer, inventory: Inventory) -> list[checks.Finding]:
    hv02 = computer("hv02", *forms("hv01"), uac=SOUND)
    return checks.findings(survey(inventory, MemoryDirectory([hv01, hv02])))


@pytest.mark.parametrize(
    ("hv01", "rules", "expected"),
    [
        pytest.param(_hv01(), {}, [], id="all is well"),
        pytest.param(
            computer("hv01", *forms("hv02")[1:], uac=SOUND),
            {},
            [("KCD001", "high", "cifs/hv02")],
            id="missing",
        ),
        pytest.param(
            _hv01("cifs/hv99"),
            {"retired": [retired("hv99")]},
            [("KCD002", "high", "cifs/hv99")],
            id="retired",
        ),
        pytest.param(
            _hv01(f"{MIGRATION}/hv01"),
            {},
            [("KCD002", "high", f"{MIGRATION}/hv01")],
            id="itself",
        ),
        pytest.param(_hv01("HTTP/x"), {}, [("KCD003", "medium", "HTTP/x")], id="foreign"),
        pytest.param(
            _hv01("HTTP/x"), {"policy": Policy(foreign=Foreign.IGNORE)}, [], id="foreign, ignored"
        ),
        pytest.param(_hv01("HTTP/x"), {"keep": [Keep("HTTP/*")]}, [], id="kept"),
        pytest.param(_hv01(uac=ENABLED), {}, [("KCD004", "high", "")], id="flag"),
        pytest.param(
            _hv01(uac=SOUND | UNCONSTRAINED), {}, [("KCD005", "critical", "")], id="unconstrained"
        ),
        pytest.param(_hv01("CIFS/hv02"), {}, [("KCD006", "low", "CIFS/hv02")], id="twice"),
        pytest.param(
            _hv01("HTTP/x"), {"keep": [EXPIRED]}, [("KCD007", "high", "HTTP/x")], id="expired"
        ),
        pytest.param(
            _hv01("HTTP/x"),
            {"keep": [EXPIRED], "policy": Policy(foreign=Foreign.IGNORE)},
            [("KCD007", "high", "HTTP/x")],
            id="expired, though foreign values are ignored",
        ),
        pytest.param(_hv01(uac=SOUND | DISABLED), {}, [("KCD008", "medium", "")], id="disabled"),
        pytest.param(
            _hv01(*FILES),
            {"keep": [Keep("FTP/*")], "policy": Policy(value_limit=10)},
            [("KCD009", "medium", "")],
            id="80% full",
        ),
        pytest.param(
            _hv01(*FILES),
            {"keep": [Keep("FTP/*")], "policy": Policy(value_limit=11)},
            [],
            id="less than 80% full",
        ),
        pytest.param(
            computer("hv01", "HTTP/x", uac=ENABLED | UNCONSTRAINED | DISABLED),
            {},
            [
                ("KCD005", "critical", ""),
                *(("KCD001", "high", value) for value in forms("hv02")),
                ("KCD004", "high", ""),
                ("KCD011", "high", ""),
                ("KCD003", "medium", "HTTP/x"),
                ("KCD008", "medium", ""),
            ],
            id="the worst comes first",
        ),
    ],
)
def test_what_is_found(
    hv01: Computer, rules: dict[str, object], expected: list[tuple[str, str, str]]
) -> None:
    found = _found(hv01, inventory("hv01", "hv02", **rules))  # type: ignore[arg-type]
    assert [(f.rule, str(f.severity), f.value) for f in found] == expected
    assert all(f.computer == "hv01" and f.message and f.fix for f in found)


def test_an_expired_rule_names_its_owner() -> None:
    [found] = _found(_hv01("HTTP/x"), inventory("hv01", "hv02", keep=[EXPIRED]))
    assert "web team" in found.message
    assert "2026-06-14" in found.message


def test_rules_have_ids_that_stay() -> None:
    assert [rule.id for rule in RULES] == [f"KCD{n:03}" for n in range(1, 36)]
    assert {f"KCD{n:03}" for n in (1, 2, 3, 4, 5, 31, 34)} == DRIFT
    of_audits = {"KCD023", "KCD029", "KCD030", "KCD033", "KCD035"}
    assert {rule.id for rule in RULES if not rule.preflight} == DRIFT - {"KCD005"} | of_audits
    titles = {rule.id: rule.title for rule in RULES}
    assert "exactly one account" in titles[checks.ACCOUNT_RULE]
    assert "a plan refuses" in titles[checks.REFUSAL_RULE]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_each_rule_says_what_is_found_what_to_do_and_where_it_is_written(
    rule: checks.Rule,
) -> None:
    assert rule.title
    assert rule.fix
    assert rule.reference


def test_severities_ascend() -> None:
    assert sorted(Severity) == [Severity.LOW, Severity.MEDIUM, Severity.HIGH, Severity.CRITICAL]


@given(worlds())
def test_drift_is_what_a_plan_changes_and_what_it_only_reports(world: World) -> None:
    comparison = survey(world.inventory, world.directory)
    found = {(f.rule, f.computer) for f in checks.findings(comparison)}
    changed = {change.target.name for change in planned(world.inventory, world.directory).changes}
    policy = world.inventory.policy
    mended = {"KCD001", "KCD002", "KCD004"}
    mended |= {"KCD003"} if policy.foreign is Foreign.REMOVE else set()
    mended |= {"KCD005"} if policy.unconstrained is Unconstrained.CLEAR else set()
    assert {computer for rule, computer in found if rule in mended} == changed


@given(worlds())
def test_after_an_apply_no_drift_is_left_that_the_policy_has_cleared(world: World) -> None:
    directory = world.directory
    applied(planned(world.inventory, directory, allow=EVERY_OVERRIDE), directory)
    rules = {f.rule for f in checks.findings(survey(world.inventory, directory))}
    assert not rules & {"KCD001", "KCD002", "KCD004"}
    if world.inventory.policy.foreign is not Foreign.REPORT:
        assert "KCD003" not in rules
    if world.inventory.policy.unconstrained is Unconstrained.CLEAR:
        assert "KCD005" not in rules


@given(worlds())
def test_findings_are_sorted_and_those_without_drift_are_a_part_of_them(world: World) -> None:
    comparison = survey(world.inventory, world.directory)
    every = checks.findings(comparison)
    rest = checks.findings(comparison, preflight=True)
    assert [f.severity for f in every] == sorted((f.severity for f in every), reverse=True)
    assert rest == [f for f in every if f.rule not in DRIFT or f.rule == "KCD005"]


@given(worlds())
def test_a_flag_differs_where_the_finding_says_so(world: World) -> None:
    comparison = survey(world.inventory, world.directory)
    found = {f.computer for f in checks.findings(comparison) if f.rule == "KCD004"}
    changed = {
        change.target.name
        for change in planned(world.inventory, world.directory, allow=EVERY_OVERRIDE).changes
        if "protocol_transition" in flags(change)
    }
    assert found == changed


# Whom values lead to, and who runs migrations. What the edge looks up for that is given here.

PAIR = inventory("hv01", "hv02")
SID = "S-1-5-21-1-2-3"


def _spns(name: str) -> list[str]:
    return peer_values(name, f"{name}.{DOMAIN}", ["HOST", MIGRATION])


def _host(name: str, *values: str, spns: Sequence[str] | None = None, uac: int = SOUND) -> Computer:
    """A host of PAIR as VMMS and an apply leave it, with further values."""
    peer = {"hv01": "hv02", "hv02": "hv01"}[name]
    return computer(
        name, *forms(peer), *values, spns=_spns(name) if spns is None else spns, uac=uac
    )


HV01, HV02 = _host("hv01"), _host("hv02")
DC = domain_controller()._replace(spns=("HOST/dc1", "HOST/dc1.corp.example", "ldap/dc1"))
KRBTGT = user("krbtgt", "kadmin/changepw")


def _all(
    *accounts: Computer,
    of: Inventory = PAIR,
    scope: frozenset[str] | None = None,
    operators: Sequence[Operator] = (),
    known: Mapping[str, str] | None = None,
    directory: Directory = DIRECTORY,
) -> list[checks.Finding]:
    comparison = survey(of, MemoryDirectory(accounts, directory), limit=scope)
    snapshot = replace(
        comparison.snapshot,
        accounts=accounts,
        operators=tuple(operators),
        account_names=known or {},
    )
    return checks.findings(replace(comparison, snapshot=snapshot), scope)


def _told(rule: str, findings: Sequence[checks.Finding]) -> list[tuple[str, str]]:
    return [(f.computer, f.value) for f in findings if f.rule == rule]


def test_a_pair_as_it_should_be_has_no_findings() -> None:
    assert _all(HV01, HV02, DC, KRBTGT) == []


@pytest.mark.parametrize(
    ("value", "others"),
    [
        pytest.param("HTTP/portal", [], id="nobody"),
        pytest.param("HTTP/portal.corp.example:8080", [], id="port"),
        pytest.param("MSSQLSvc/db1:1433/x", [], id="three parts"),
        pytest.param("cifs/hv99", [user("hv99")], id="a user of that name is no computer"),
        pytest.param("HTTP/portal", [computer("web", spns=["HTTP/other"])], id="another's name"),
        pytest.param("cifs/10.0.0.5", [], id="address"),
        pytest.param(
            "cifs/nas", [computer("nas", base="DC=other,DC=example")], id="another domain's"
        ),
        pytest.param("cifs/hv02.lab.corp.example", [], id="another name of a host"),
    ],
)
def test_a_ghost(value: str, others: list[Computer]) -> None:
    found = _all(_host("hv01", value), HV02, *others)
    assert _told("KCD012", found) == [("hv01", value)]
    [ghost] = [f for f in found if f.rule == "KCD012"]
    assert BASE in ghost.message


@pytest.mark.parametrize(
    ("value", "others"),
    [
        pytest.param("HTTP/portal", [user("svc-web", "http/PORTAL")], id="explicit, any case"),
        pytest.param("HTTP/portal", [computer("web", spns=["HOST/portal"])], id="by HOST"),
        pytest.param("cifs/hv02:445", [], id="port, by HOST"),
        pytest.param("MSSQLSvc/db1:1433", [computer("db1")], id="by the account's name"),
        pytest.param("MSSQLSvc/db1.corp.example:1433", [computer("db1")], id="by dNSHostName"),
        pytest.param("HTTP/DB1/x", [computer("db1")], id="three parts"),
        pytest.param("no slash at all", [], id="no name at all"),
        pytest.param("cifs/", [], id="no host"),
        pytest.param("/hv02", [], id="no service"),
        pytest.param("cifs/:445", [], id="a port of nobody"),
        pytest.param("krbtgt/CORP.EXAMPLE", [], id="worse than a ghost"),
    ],
)
def test_no_ghost(value: str, others: list[Computer]) -> None:
    assert not _told("KCD012", _all(_host("hv01", value), HV02, *others))


def test_kept_and_stale_values_may_be_ghosts_and_ignoring_does_not_hide_them() -> None:
    of = inventory(
        "hv01",
        "hv02",
        keep=[Keep("HTTP/*")],
        retired=[retired("hv99")],
        policy=Policy(foreign=Foreign.IGNORE),
    )
    found = _all(_host("hv01", "HTTP/portal", "cifs/hv99", "FTP/x"), HV02, of=of)
    assert {value for _, value in _told("KCD012", found)} == {"HTTP/portal", "cifs/hv99", "FTP/x"}
    assert not _told("KCD003", found)


def test_a_host_without_an_account_is_told_once() -> None:
    """Not by each of its values on each of its peers; but other values of its name are."""
    found = _all(_host("hv01", "HTTP/hv02"), DC)
    assert _told("KCD010", found) == [("hv02", "")]
    assert _told("KCD012", found) == [("hv01", "HTTP/hv02")]


def test_a_file_server_without_an_account_is_a_ghost() -> None:
    of = inventory("hv01", "hv02", file_servers=[file_server("sofs01", "all")])
    hv01 = _host("hv01", *forms("sofs01", "cifs"))
    assert {value for _, value in _told("KCD012", _all(hv01, HV02, of=of))} == set(
        forms("sofs01", "cifs")
    )
    assert not _told("KCD012", _all(hv01, HV02, computer("sofs01"), of=of))


def test_without_any_registered_name_nothing_is_told_of_them() -> None:
    """As in an export without servicePrincipalName."""
    found = _all(_host("hv01", "HTTP/portal", spns=()), _host("hv02", spns=()))
    assert not {f.rule for f in found} & {"KCD012", "KCD013", "KCD014"}


def test_of_an_export_a_ghost_says_where_it_was_looked_for() -> None:
    directory = DIRECTORY._replace(url="ldif:/tmp/export.ldf")
    found = _all(_host("hv01", "HTTP/portal"), HV02, directory=directory)
    [ghost] = [f for f in found if f.rule == "KCD012"]
    assert "nobody in this export answers to it" in ghost.message


@pytest.mark.parametrize(
    ("value", "others"),
    [
        pytest.param("HTTP/x", [user("a", "HTTP/x"), user("b", "http/X")], id="explicit"),
        pytest.param("cifs/hv02", [user("a", "HOST/HV02")], id="by HOST, desired"),
        pytest.param("cifs/hv02:445", [user("a", "HOST/hv02")], id="by HOST, port"),
        pytest.param(f"{MIGRATION}/hv02", [user("a", f"{MIGRATION}/hv02")], id="migration"),
    ],
)
def test_a_duplicate(value: str, others: list[Computer]) -> None:
    hv01 = HV01 if value in HV01.values else _host("hv01", value)
    found = _all(hv01, HV02, *others)
    assert ("hv01", value) in _told("KCD013", found)
    assert "a and " in next(f.message for f in found if f.rule == "KCD013" and f.value == value)


def test_a_duplicate_matters_before_it_is_written() -> None:
    hv01 = computer("hv01", spns=_spns("hv01"), uac=SOUND)
    found = _all(hv01, HV02, user("a", "HOST/hv02"))
    assert ("hv01", "cifs/hv02") in _told("KCD013", found)


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(user("a", "cifs/hv02"), id="an explicit name wins"),
        pytest.param(user("a", "HOST/hv02.other.example"), id="another name"),
        pytest.param(
            computer("hv02", spns=["HOST/hv02"], base="DC=other,DC=example"), id="another domain"
        ),
    ],
)
def test_no_duplicate(other: Computer) -> None:
    assert not _told("KCD013", _all(HV01, HV02, other))


def test_a_host_that_did_not_register() -> None:
    short, full = peer_values("hv02", f"hv02.{DOMAIN}", [MIGRATION])
    for spns, lacking in (
        (["HOST/hv02"], [short, full]),
        (["HOST/hv02", full.upper()], [short]),
        (["HOST/hv02", short], [full]),
    ):
        found = _all(HV01, _host("hv02", spns=spns))
        assert _told("KCD014", found) == [("hv02", value) for value in lacking]
        assert "VMMS event 14050" in found[0].message
    thief = user("svc", short, full)
    found = _all(HV01, _host("hv02", spns=["HOST/hv02"]), thief)
    assert _told("KCD014", found) == [("hv02", short), ("hv02", full)]
    assert all("but on svc" in f.message for f in found if f.rule == "KCD014")


def test_only_who_is_migrated_to_has_to_register() -> None:
    quiet = ["HOST/hv01"]
    for mesh, told in ((one_way("m", ["hv01"], ["hv02"]), []), (None, ["hv01", "hv01"])):
        of = inventory("hv01", "hv02", meshes=[mesh] if mesh else ())
        found = _all(_host("hv01", spns=quiet), HV02, of=of)
        assert [label for label, _ in _told("KCD014", found)] == told
    alone = inventory("hv01", meshes=[Mesh("m", ("hv01",), ("hv01",))])
    assert not _told("KCD014", _all(_host("hv01", spns=quiet), of=alone))
    limited = _all(HV01, _host("hv02", spns=["HOST/hv02"]), scope=frozenset({"hv01"}))
    assert not _told("KCD014", limited)


@pytest.mark.parametrize(
    "value",
    [
        "cifs/dc1",
        "CIFS/DC1.corp.example",
        "ldap/dc1.corp.example/corp.example",
        "HTTP/dc1:8080",
        "anything/dc1",
        "krbtgt/CORP.EXAMPLE",
        "KRBTGT/corp",
        "kadmin/changepw",
        "kadmin/nobody",
        "DC1$",
        "dc1",
        "krbtgt",
        "ldap/dc1.corp.example.",
    ],
)
@pytest.mark.parametrize("keep", [[], [Keep("*")]], ids=["foreign", "kept"])
def test_the_domain_itself(value: str, keep: list[Keep]) -> None:
    found = _all(_host("hv01", value), HV02, DC, KRBTGT, of=inventory("hv01", "hv02", keep=keep))
    assert _told("KCD015", found) == [("hv01", value)]
    assert found[0].severity is Severity.CRITICAL


def test_the_domain_by_a_name_of_its_own() -> None:
    """What a domain controller or a read-only one's krbtgt has registered, whatever its host."""
    rodc = computer("rodc", uac=ENABLED | READ_ONLY_DC, primary_group=521, spns=["HTTP/portal"])
    branch = user("krbtgt_12345", "made/up")
    found = _all(_host("hv01", "HTTP/portal", "made/up"), HV02, rodc, branch)
    assert _told("KCD015", found) == [("hv01", "HTTP/portal"), ("hv01", "made/up")]


@pytest.mark.parametrize("value", ["cifs/dc", "cifs/dc10", "dc1/nas", "cifs/", "dc10", "dc1$$"])
def test_not_the_domain(value: str) -> None:
    assert not _told("KCD015", _all(_host("hv01", value), HV02, DC, KRBTGT))


def test_who_may_act_on_a_host_is_named() -> None:
    aces = (
        Ace(allows=True, mask=0xF01FF, sid=f"{SID}-1105"),
        Ace(allows=True, mask=0xF01FF, sid="S-1-1-0"),
        Ace(allows=True, mask=0xF01FF, sid=f"{SID}-9999", is_certain=False),
        Ace(allows=False, mask=0xF01FF, sid=f"{SID}-1106"),
    )
    known = {f"{SID}-1105": "HV03$", f"{SID}-1106": "HV04$"}
    found = _all(HV01._replace(acting=aces), HV02, known=known)
    assert [(f.rule, f.computer) for f in found] == [("KCD016", "hv01")]
    assert found[0].message.endswith(f": Everyone, HV03$, {SID}-9999")
    assert _all(HV01._replace(acting=aces[3:]), HV02, known=known) == []


def _operator(
    name: str = "vmadmin", *, uac: int = 0x200, token: frozenset[str] | None = frozenset()
) -> Operator:
    account = user(name)._replace(uac=uac, sid=f"{SID}-1107")
    return Operator(name, account, token)


PROTECTED = frozenset({f"{SID}-1107", f"{SID}-1108", f"{SID}-525"})


@pytest.mark.parametrize(
    ("operator", "words"),
    [
        (_operator(uac=0x200 | NOT_DELEGATED), ["sensitive"]),
        (_operator(token=PROTECTED), ["Protected Users"]),
        (_operator(uac=0x200 | NOT_DELEGATED, token=PROTECTED), ["sensitive", "Protected Users"]),
        (_operator(uac=0x200 | DISABLED), ["disabled"]),
        (_operator(uac=0x200 | NOT_DELEGATED, token=None), ["sensitive"]),
        (Operator("nobody", None), ["nobody in DC=corp,DC=example is called so"]),
    ],
)
def test_an_operator_who_cannot_be_delegated(operator: Operator, words: list[str]) -> None:
    found = _all(HV01, HV02, operators=[operator])
    assert {f.rule for f in found} == {"KCD017"}
    assert len(found) == len(words)
    for finding, word in zip(found, words, strict=True):
        assert (finding.computer, finding.value) == ("", operator.name)
        assert word in finding.message


def test_an_operator_who_can() -> None:
    assert _all(HV01, HV02, operators=[_operator(token=frozenset({f"{SID}-513"}))]) == []


def test_an_operator_of_whom_it_cannot_be_told() -> None:
    export = DIRECTORY._replace(url="ldif:/tmp/export.ldf")
    for operator in (_operator(token=None), Operator("nobody", None)):
        found = _all(HV01, HV02, operators=[operator], directory=export)
        assert [(f.rule, f.value) for f in found] == [("KCD018", operator.name)]
    assert [f.rule for f in _all(HV01, HV02, operators=[_operator(token=None)])] == ["KCD018"]


@pytest.mark.parametrize(
    ("values", "keep", "told"),
    [
        ((), Keep("HTTP/*"), [("", "HTTP/*")]),
        (("HTTP/x",), Keep("HTTP/*"), []),
        (("HTTP/x",), Keep("http/X", expires=TODAY - timedelta(days=1)), []),
        (("HTTP/x",), Keep("HTTP/*", hosts=("hv02",)), [("hv02", "HTTP/*")]),
        (("HTTP/x",), Keep("HTTP/*", hosts=("hv01", "hv02")), []),
        ((), Keep("FTP/*", hosts=("hv01", "hv02"), owner="web"), [("hv[01-02]", "FTP/*")]),
        ((), Keep("cifs/*"), [("", "cifs/*")]),  # what is desired needs no keeping
    ],
)
def test_a_keep_rule_that_matches_nothing(
    values: tuple[str, ...], keep: Keep, told: list[tuple[str, str]]
) -> None:
    of = inventory("hv01", "hv02", keep=[keep])
    found = _all(_host("hv01", *values), HV02, of=of)
    assert _told("KCD019", found) == told
    assert all(keep.owner in f.message for f in found if f.rule == "KCD019")


def test_a_keep_rule_is_judged_only_where_all_its_hosts_were_looked_at() -> None:
    of = inventory("hv01", "hv02", keep=[Keep("HTTP/*"), Keep("FTP/*", hosts=("hv01",))])
    limited = _all(HV01, HV02, of=of, scope=frozenset({"hv01"}))
    assert _told("KCD019", limited) == [("hv01", "FTP/*")]
    assert _told("KCD019", _all(HV01, of=of)) == [("hv01", "FTP/*")]


@pytest.mark.parametrize(
    ("count", "message"),
    [
        (955, None),
        (996, "1,000 of 1,200 values; room for 50 more peers at 4 values each"),
        (1_000, "1,004 of 1,200 values; room for 49 more peers at 4 values each"),
        (1_192, "1,196 of 1,200 values; room for 1 more peer at 4 values each"),
        (1_195, "1,199 of 1,200 values; room for 0 more peers at 4 values each"),
        (1_300, "1,304 of 1,200 values; room for 0 more peers at 4 values each"),
    ],
)
def test_the_room_that_is_left(count: int, message: str | None) -> None:
    of = inventory("hv01", "hv02", policy=Policy(foreign=Foreign.IGNORE))
    hv01 = _host("hv01", *(f"FTP/{n}" for n in range(count)), spns=())
    found = _all(hv01, _host("hv02", spns=()), of=of)
    assert [f.message for f in found if f.rule == "KCD009"] == ([message] if message else [])


def test_the_room_counts_what_an_apply_takes_away() -> None:
    gone = [retired(f"x{n}") for n in range(300)]
    values = [f"cifs/x{n}" for n in range(300)]
    of = inventory("hv01", "hv02", retired=gone, policy=Policy(value_limit=300))
    found = _all(_host("hv01", *values, spns=()), _host("hv02", spns=()), of=of)
    assert not _told("KCD009", found)


def test_accounts_and_refusals_are_rules_like_others() -> None:
    of = inventory("hv01", "hv02", "hv03", host("hv04", fqdn="other.corp.example"), "hv05")
    accounts = [
        HV01,
        HV02,
        computer("hv03", base="DC=other,DC=example"),
        computer("hv04"),
        computer("hv05", uac=SOUND | UNCONSTRAINED),
        computer("hv05", base=f"OU=Lab,{BASE}"),
    ]
    found = checks.findings(survey(of, MemoryDirectory(accounts)))
    assert {label for label, _ in _told("KCD010", found)} == {"hv03", "hv05"}
    assert ("hv04", "") in _told("KCD011", found)
    limited = survey(of, MemoryDirectory(accounts), limit={"hv01"})
    in_scope = checks.findings(limited, {"hv01"})
    assert {label for label, _ in _told("KCD010", in_scope)} == {"hv03", "hv05"}, "its peers"


def test_a_controller_as_a_target_is_critical() -> None:
    dc = domain_controller("hv02")
    found = checks.findings(survey(PAIR, MemoryDirectory([HV01, dc])))
    refused = [f for f in found if f.rule == "KCD011"]
    assert {f.severity for f in refused if "domain controller" in f.message} == {Severity.CRITICAL}
    assert ("hv01", "cifs/hv02") in _told("KCD015", found)
