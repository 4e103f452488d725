"""Values that lead to a host of the inventory by another name than the one it is listed with."""

import pytest

from delegation.inventory import Mesh
from delegation.mesh import planning
from delegation.mesh.compare import Standing, Verdict
from delegation.mesh.snapshot import Computer
from delegation.names import MIGRATION
from tests.builders import (
    ENABLED,
    MemoryDirectory,
    computer,
    forms,
    host,
    inventory,
    survey,
    two_way,
)

FORMER = inventory("hv01", "hv02", "hv03")._replace(former_suffixes=("old.example",))
TWO = inventory(
    "hv01",
    "hv02",
    "hv03",
    "hv04",
    meshes=[two_way("a", "hv01", "hv02"), two_way("b", "hv03", "hv04")],
)


def named(name: str, *more: str, spns: tuple[str, ...] = ()) -> Computer:
    registered = (*forms(name), f"HOST/{name}", *spns)
    return computer(name, spns=registered)._replace(more_names=more)


def verdict(value: str, *others: Computer, of: object = FORMER) -> Verdict:
    """On hv01, which is a peer of hv02."""
    hv01 = computer("hv01", value, spns=forms("hv01"))
    [found] = survey(of, MemoryDirectory([hv01, *others])).hosts[0].extra  # type: ignore[arg-type]
    return found


@pytest.mark.parametrize("value", ["cifs/hv02.old.example", f"{MIGRATION}/HV02.OLD.example"])
def test_what_names_a_former_name_goes(value: str) -> None:
    found = verdict(value, named("hv02"), named("hv03"))
    assert (found.standing, found.reason) == (Standing.STALE, "a former name of hv02")
    assert found.by_gone_name


@pytest.mark.parametrize("value", ["cifs/hv02.old.example", f"{MIGRATION}/hv02.old.example"])
def test_but_not_where_the_directory_says_that_it_is_alive(value: str) -> None:
    found = verdict(value, named("hv02", "hv02.old.example"), named("hv03"))
    assert (found.standing, found.peer, found.is_of_others) == (Standing.KEPT, "hv02", False)


def test_nor_by_the_short_form_of_such_a_name() -> None:
    renamed = inventory(host("hv02")._replace(former=("old02",)), "hv01", "hv03")._replace()
    alive = named("hv02", "old02.corp.example")
    hv01 = computer("hv01", "cifs/old02", spns=forms("hv01"))
    comparison = survey(renamed, MemoryDirectory([alive, hv01, named("hv03")]))
    [found] = comparison.hosts[1].extra
    assert found.standing is Standing.KEPT


def test_a_service_that_is_not_ours_is_somebody_elses_whatever_it_names() -> None:
    found = verdict("HTTP/hv02.old.example", named("hv02"), named("hv03"))
    assert (found.standing, found.is_of_others) == (Standing.FOREIGN, True)


@pytest.mark.parametrize("value", ["cifs/vmhost", f"{MIGRATION}/vmhost"])
def test_a_name_that_is_registered_on_a_peer_is_that_peers(value: str) -> None:
    found = verdict(value, named("hv02", spns=("HOST/vmhost",)), named("hv03"))
    assert (found.standing, found.peer) == (Standing.KEPT, "hv02")


@pytest.mark.parametrize(
    "thief",
    [
        pytest.param(computer("thief", spns=["cifs/vmhost"]), id="alone, by the very name"),
        pytest.param(computer("thief", spns=["cifs/x", "HOST/vmhost"]), id="as well"),
    ],
)
def test_not_where_another_account_answers_to_it(thief: Computer) -> None:
    """Not even where the directory calls it another name of the host's."""
    hv02 = named("hv02", "vmhost.corp.example", spns=("HOST/vmhost",))
    found = verdict("cifs/vmhost", hv02, named("hv03"), thief)
    assert (found.standing, found.is_of_others) == (Standing.FOREIGN, True)


def test_the_migration_service_of_a_host_that_is_no_peer_goes_by_any_name() -> None:
    others = (named("hv02"), named("hv03", spns=("HOST/vmhost",)), named("hv04"))
    found = verdict(f"{MIGRATION}/vmhost", *others, of=TWO)
    assert (found.standing, found.reason) == (Standing.STALE, "hv03 is not a peer")


def test_a_lone_cifs_value_to_it_may_be_somebodys() -> None:
    others = (named("hv02"), named("hv03", spns=("HOST/vmhost",)), named("hv04"))
    assert verdict("cifs/vmhost", *others, of=TWO).is_of_others


@pytest.mark.parametrize("value", ["cifs/vmhost", "cifs/hv02:445", f"{MIGRATION}/hv02/x"])
def test_none_of_these_stands_in_the_way_of_a_flag(value: str) -> None:
    """The service in a ticket can be substituted: they grant what the peer's own values grant."""
    hv01 = computer("hv01", *forms("hv02"), *forms("hv03"), value, uac=ENABLED)
    others = [named("hv02", spns=("HOST/vmhost",)), named("hv03")]
    plan = planning.plan(
        survey(inventory("hv01", "hv02", "hv03"), MemoryDirectory([hv01, *others]))
    )
    assert [refusal.why for refusal in plan.blocked] == []
    [change] = [change for change in plan.changes if change.target.name == "hv01"]
    assert value in change.after.values


@pytest.mark.parametrize("value", ["cifs/vmhost", "cifs/hv02"])
def test_cifs_of_a_peer_that_is_asked_for_migrations_alone_may_be_somebodys(value: str) -> None:
    farm = [Mesh("farm", ("hv01", "hv02"), ("hv01", "hv02"), (MIGRATION,))]
    hv01 = computer("hv01", *forms("hv02", MIGRATION), value, uac=ENABLED)
    directory = MemoryDirectory([hv01, named("hv02", spns=("HOST/vmhost",))])
    comparison = survey(inventory("hv01", "hv02", meshes=farm), directory)
    [found] = comparison.hosts[0].extra
    assert (found.standing, found.reason) == (Standing.FOREIGN, "no mesh asks for cifs of hv02")
    assert [refusal.why for refusal in planning.plan(comparison).blocked] == ["flag-change"]


def test_one_towards_a_host_that_is_no_peer_does() -> None:
    hv01 = computer("hv01", *forms("hv02"), "cifs/hv03", uac=ENABLED)
    others = [named(name) for name in ("hv02", "hv03", "hv04")]
    plan = planning.plan(survey(TWO, MemoryDirectory([hv01, *others])))
    assert [refusal.why for refusal in plan.blocked] == ["flag-change"]


def test_values_that_may_be_of_a_former_name_are_told_with_what_to_write() -> None:
    hv01 = computer("hv01", *forms("hv02"), "cifs/hv02.old.example", uac=ENABLED)
    plan = planning.plan(survey(inventory("hv01", "hv02"), MemoryDirectory([hv01, named("hv02")])))
    [refusal] = plan.blocked
    assert refusal.message.endswith("say former_suffixes: [old.example]")


def test_former_names_do_not_count_as_removals() -> None:
    """All hosts change their suffix at once: half of all values go, and were written down."""
    labels = [f"hv{n:02}" for n in range(1, 6)]
    accounts = []
    for label in labels:
        old = [
            value
            for other in labels
            if other != label
            for value in (f"cifs/{other}.old.example", f"{MIGRATION}/{other}.old.example")
        ]
        accounts.append(computer(label, *old, spns=forms(label)))
    wanted = inventory(*labels)._replace(former_suffixes=("old.example",))
    assert planning.plan(survey(wanted, MemoryDirectory(accounts))).blocked == ()
