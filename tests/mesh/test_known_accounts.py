"""Accounts that are other objects than they were: refused, found, and allowed host by host."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from delegation.errors import UsageError
from delegation.inventory import Inventory
from delegation.inventory.accepted import Acceptance
from delegation.mesh import checks, known_accounts, planning
from delegation.mesh.checks import Finding
from delegation.mesh.compare import Comparison
from delegation.mesh.identities import NEW_ACCOUNT, AccountName, KnownAccount, KnownAccounts
from delegation.mesh.new_account_refusal import refuse_unknown_hosts
from delegation.mesh.snapshot import Computer
from tests.builders import (
    TODAY,
    MemoryDirectory,
    computer,
    file_server,
    forms,
    host,
    inventory,
    retired,
    survey,
)

FOUR = inventory("hv01", "hv02", "hv03", "hv04")
SINCE = "2026-01-02T03:04:05.000+00:00"


def object_of(number: int) -> UUID:
    """As a directory makes one: at random."""
    return UUID(int=number, version=4)


def account(name: str, number: int, *values: str, dns: str | None = "") -> Computer:
    made = computer(name, *values, dns=dns)
    return made._replace(guid=object_of(number), created=datetime(2026, 6, 1, 22, 15, tzinfo=UTC))


def mesh(**others: int) -> list[Computer]:
    """hv01 to hv04 as objects 1 to 4, or as the numbers that are given."""
    numbers = {f"hv{n:02}": n for n in range(1, 5)} | others
    return [account(name, number) for name, number in numbers.items()]


KNOWN = KnownAccounts(
    {f"hv{n:02}": KnownAccount(object_of(n), 3, SINCE) for n in range(1, 5)},
    called={
        object_of(n): (AccountName(f"hv{n:02}", f"hv{n:02}.corp.example"),) for n in range(1, 5)
    },
)


def identified(
    accounts: list[Computer],
    known: KnownAccounts = KNOWN,
    wanted: Inventory = FOUR,
    limit: frozenset[str] | None = None,
) -> Comparison:
    directory = MemoryDirectory(accounts)
    comparison = survey(wanted, directory, limit=limit)
    return replace(comparison, identities=known_accounts.identified(comparison, known, directory))


def found(comparison: Comparison, rule: str) -> list[Finding]:
    return [one for one in checks.findings(comparison) if one.rule == rule]


def test_an_account_that_is_the_known_one_is_no_news() -> None:
    comparison = identified(mesh())
    assert planning.plan(comparison).blocked == ()
    assert found(comparison, "KCD025") == []


def test_another_object_of_that_name_is_refused_in_one_line() -> None:
    """What it is, what to look at, and what to type."""
    [refusal] = planning.plan(identified(mesh(hv04=40))).blocked
    assert (refusal.computer, refusal.why) == ("hv04", NEW_ACCOUNT)
    assert refusal.override == "new-account=hv04"
    assert refusal.message == (
        "hv04$ is another account than in run 3 (2026-01-02): made on 2026-06-01 22:15 UTC, by "
        "whom is not known (its owner is Domain Admins); look whether hv04 was reinstalled, or "
        "joined again, then; if so: delegation apply --allow new-account=hv04"
    )


def test_each_host_is_allowed_by_itself_in_any_case() -> None:
    comparison = identified(mesh(hv03=30, hv04=40))
    assert len(planning.plan(comparison).blocked) == 2
    [left] = planning.plan(comparison, ["new-account=HV04"]).blocked
    assert left.computer == "hv03"
    both = ["new-account=hv03", "new-account=hv04"]
    assert planning.plan(comparison, both).blocked == ()
    assert planning.plan(comparison, [NEW_ACCOUNT]).blocked != ()


@pytest.mark.parametrize(
    ("accepted", "is_refused"),
    [
        pytest.param(Acceptance("KCD025", ("hv04",), str(object_of(40)).upper()), False, id="it"),
        pytest.param(Acceptance("KCD025", ("hv04",), str(object_of(41))), True, id="another"),
        pytest.param(Acceptance("KCD025", ("hv03",), str(object_of(40))), True, id="of another"),
        pytest.param(Acceptance("KCD025", (), str(object_of(40))), True, id="of no host by name"),
        pytest.param(Acceptance("KCD025", ("hv04",), "*"), True, id="whichever it is"),
        pytest.param(Acceptance("KCD016", ("hv04",), str(object_of(40))), True, id="another rule"),
        pytest.param(
            Acceptance("KCD025", ("hv04",), str(object_of(40)), expires=TODAY - timedelta(days=1)),
            True,
            id="until yesterday",
        ),
    ],
)
def test_an_inventory_accepts_exactly_one_object(
    accepted: Acceptance,
    is_refused: bool,  # noqa: FBT001
) -> None:
    """It is told by audits all the same, until an apply has gone by it."""
    comparison = identified(mesh(hv04=40), wanted=FOUR._replace(accept=(accepted,)))
    assert bool(planning.plan(comparison).blocked) is is_refused
    assert [new.account.guid for new in comparison.identities.new] == [object_of(40)]


@pytest.mark.parametrize("name", ["hv[01-04]", "hv99", "hv01,hv02"])
def test_what_is_not_one_host_of_the_inventory_allows_nothing(name: str) -> None:
    with pytest.raises(UsageError, match="names no host"):
        refuse_unknown_hosts(FOUR, [f"new-account={name}"])


def test_the_digest_of_a_plan_does_not_depend_on_what_a_journal_knows() -> None:
    accounts = mesh(hv04=40)
    assert planning.plan(identified(accounts)).digest == (
        planning.plan(identified(accounts, KnownAccounts())).digest
    )


def test_a_limited_plan_is_refused_where_it_reaches_one() -> None:
    comparison = identified(mesh(hv04=40), limit=frozenset({"hv01"}))
    assert [one.computer for one in planning.plan(comparison).blocked] == ["hv04"]
    assert found(comparison, "KCD025") == [], "an audit of hv01 does not look at hv04"


def test_so_is_one_towards_a_file_server_that_was_made_again() -> None:
    wanted = inventory("hv01", "hv02", file_servers=[file_server("sofs01", "all")])
    known = KnownAccounts({"sofs01": KnownAccount(object_of(9), 3, SINCE)})
    accounts = [*mesh()[:2], account("sofs01", 90)]
    comparison = identified(accounts, known, wanted)
    assert [one.computer for one in planning.plan(comparison).blocked] == ["sofs01"]
    [finding] = found(comparison, "KCD025")
    assert (finding.computer, finding.guid) == ("sofs01", str(object_of(90)))


def test_taking_from_a_retired_account_is_not_refused() -> None:
    wanted = inventory("hv01", "hv02", retired=[retired("hv03")])
    accounts = [*mesh()[:2], account("hv03", 30, *forms("hv01"))]
    plan = planning.plan(identified(accounts, KNOWN, wanted))
    assert plan.blocked == ()
    assert "hv03" in {change.target.name for change in plan.changes}


def test_it_is_found_as_that_very_object_and_once() -> None:
    comparison = identified(mesh(hv04=40))
    [finding] = found(comparison, "KCD025")
    assert (finding.computer, finding.value, str(finding.severity)) == (
        "hv04",
        str(object_of(40)),
        "high",
    )
    assert "--allow new-account=hv04" in finding.fix
    assert found(comparison, "KCD011") == [], "it has a rule of its own"


def test_an_export_without_guids_says_nothing_of_objects() -> None:
    """There they are made of the name: another place is another number."""
    assert planning.plan(identified([computer(f"hv{n:02}") for n in range(1, 5)])).blocked == ()


def test_whoever_made_it_by_the_quota_is_named() -> None:
    stranger = account("hv04", 40)._replace(creator="S-1-5-21-1-2-3-1105")
    [refusal] = planning.plan(identified([*mesh()[:3], stranger])).blocked
    assert "by S-1-5-21-1-2-3-1105, through the machine-account quota" in refusal.message


@pytest.mark.parametrize(
    ("by_name", "by_label", "meant"),
    [
        pytest.param((1, 5, False), None, 1, id="seen"),
        pytest.param((1, 5, False), (2, 3, True), 2, id="an apply of 0.1 counts more than a look"),
        pytest.param((1, 5, True), (2, 3, True), 1, id="of two applies the last"),
        pytest.param(None, (2, 3, True), 2, id="by label alone"),
    ],
)
def test_what_was_allowed_counts_more_than_what_was_seen(
    by_name: tuple[int, int, bool] | None, by_label: tuple[int, int, bool] | None, meant: int
) -> None:
    def as_known(it: tuple[int, int, bool] | None) -> Mapping[str, KnownAccount]:
        return {"hv04": KnownAccount(object_of(it[0]), it[1], SINCE, it[2])} if it else {}

    known = KnownAccounts(as_known(by_name), as_known(by_label)).meant_by("HV04", "hv04")
    assert known is not None
    assert known.guid == object_of(meant)


# Renamed


def test_a_renamed_account_is_told_with_both_names_and_what_to_write() -> None:
    wanted = inventory("hv01", "hv02", "hv03", "hv90")
    comparison = identified([*mesh()[:3], account("hv90", 4)], KNOWN, wanted)
    assert planning.plan(comparison).blocked == ()
    [finding] = found(comparison, "KCD027")
    assert finding.message.startswith(
        "hv90$ (hv90.corp.example) was hv04$ (hv04.corp.example): the same account"
    )
    assert "former: [hv04, hv04.corp.example] at hv90" in finding.fix


@pytest.mark.parametrize("former", [("hv04",), ("HV04", "hv04.corp.example")])
def test_it_is_no_news_where_the_inventory_says_so(former: tuple[str, ...]) -> None:
    renamed = host("hv90")._replace(former=former)
    wanted = inventory("hv01", "hv02", "hv03", renamed)
    assert found(identified([*mesh()[:3], account("hv90", 4)], KNOWN, wanted), "KCD027") == []


def test_another_suffix_is_another_name() -> None:
    moved = host("hv04", fqdn="hv04.dc2.example")
    wanted = inventory("hv01", "hv02", "hv03", moved)
    accounts = [*mesh()[:3], account("hv04", 4, dns="hv04.dc2.example")]
    assert [one.computer for one in found(identified(accounts, KNOWN, wanted), "KCD027")] == [
        "hv04"
    ]
    said = wanted._replace(former_suffixes=("corp.example",))
    assert found(identified(accounts, KNOWN, said), "KCD027") == []


def test_two_hosts_that_have_exchanged_their_names_are_two_new_accounts() -> None:
    """Neither can be a former name of the other: both are in use."""
    comparison = identified(mesh(hv03=4, hv04=3))
    refusals = planning.plan(comparison).blocked
    assert [one.computer for one in refusals] == ["hv03", "hv04"]
    assert "(it was hv04$ (hv04.corp.example))" in refusals[0].message
    assert found(comparison, "KCD027") == []


def test_a_host_whose_account_is_called_otherwise_now_is_told_where_it_is() -> None:
    comparison = identified([*mesh()[:3], account("HV90", 4)])
    [finding] = found(comparison, "KCD010")
    assert "there is no computer hv04$" in finding.message
    assert "is HV90$ now (CN=HV90,OU=Hyper-V,DC=corp,DC=example)" in finding.message
    assert "hv90: {former: [hv04]}" in finding.message


# Made by anybody

QUOTA = "S-1-5-21-1-2-3-1105"


def joined(*values: str, creator: str = QUOTA) -> Computer:
    return account("hv04", 4, *values)._replace(creator=creator)


def test_a_new_host_that_somebody_made_by_himself_is_a_remark() -> None:
    [finding] = found(identified([*mesh()[:3], joined()]), "KCD026")
    assert (finding.computer, str(finding.severity)) == ("hv04", "low")
    assert f"by {QUOTA}, through the machine-account quota" in finding.message


@pytest.mark.parametrize(
    "accounts",
    [
        pytest.param([*mesh()[:3], joined(creator="")], id="made by an administrator"),
        pytest.param([*mesh()[:3], joined("cifs/hv01")], id="it holds a value of the mesh"),
        pytest.param(
            [account("hv01", 1, "cifs/hv04"), *mesh()[1:3], joined()], id="a peer may reach it"
        ),
    ],
)
def test_of_others_somebody_has_decided_before(accounts: list[Computer]) -> None:
    assert found(identified(accounts), "KCD026") == []
