"""Every advice to write something into the inventory, followed: the reader takes it, and it helps.

What the hints of a plan, the fixes of findings and the comments of ``init`` say is put into the
file as it stands there; then the value that it was about goes with the next plan.
"""

import re
from collections.abc import Sequence

import pytest

from delegation.inventory import Inventory
from delegation.inventory.reader import parse
from delegation.mesh import checks, planning
from delegation.mesh.discovery import draft
from delegation.mesh.identities import AccountName, KnownAccount, KnownAccounts
from delegation.mesh.inventory_lines import InventoryLines
from delegation.mesh.plan_view import foreign_hints
from delegation.mesh.snapshot import Computer
from delegation.mesh.state import removed
from delegation.names import MIGRATION
from tests.builders import ENABLED, TRANSITION, MemoryDirectory, computer, forms, survey
from tests.mesh.test_discovery import complete, proposed
from tests.mesh.test_known_accounts import account, identified, object_of

HEAD = """\
domain: corp.example
hosts:
  hv[01-02]: {suffix: lab.example}
  hv03: {former: [old03]}
meshes: {m: {members: ["hv[01-03]"]}}
"""
RETIRED = "retired: [hv98]\n"
SERVER = "file_servers: {sofs01: {reached_from: [m]}}\n"


def read(text: str) -> Inventory:
    return parse(text.encode(), "inventory.yaml")


def followed(text: str, advice: str, value: str) -> Inventory:
    """The inventory with what an advice says to write."""
    if suffix := re.search(r"add (\S+) to former_suffixes|former_suffixes: \[(\S+)\]", advice):
        return read(f"{text}former_suffixes: [{suffix[1] or suffix[2]}]\n")
    if item := re.search(r"list (.+) under retired", advice):
        if "retired: [" in text:
            return read(text.replace("retired: [", f"retired: [{item[1]}, "))
        return read(f"{text}retired: [{item[1]}]\n")
    assert "under remove" in advice
    return read(f"{text}remove: [{{value: '{value}', hosts: [hv01]}}]\n")


def mesh(*values: str, of: Sequence[str] = ("hv02", "hv03")) -> MemoryDirectory:
    """hv01 holds these besides what it must."""
    own = [value for name in of for value in forms(name)]
    return MemoryDirectory(
        [
            computer("hv01", *own, *values, dns="hv01.lab.example"),
            computer("hv02", dns="hv02.lab.example"),
            computer("hv03"),
            computer("sofs01"),
        ]
    )


def goes(inventory: Inventory, directory: MemoryDirectory, value: str) -> bool:
    plan = planning.plan(survey(inventory, directory))
    gone = [it for change in plan.changes if change.target.name == "hv01" for it in removed(change)]
    return value in gone


@pytest.mark.parametrize(
    ("value", "advice"),
    [
        ("cifs/hv99", "list hv99 under retired"),
        ("cifs/hv99.corp.example", "list hv99 under retired"),
        ("cifs/hv99.old.example", "list {name: hv99, fqdn: hv99.old.example} under retired"),
        ("cifs/off.old.example", 'list {name: "off", fqdn: off.old.example} under retired'),
        ("cifs/hv02.old.example", "add old.example to former_suffixes"),
        ("cifs/HV01.corp.example", "add corp.example to former_suffixes"),
        (f"{MIGRATION}/hv02.OLD.example", "add old.example to former_suffixes"),
        ("cifs/hv98.old.example", "list it under remove"),
        ("cifs/sofs01.old.example", "list it under remove"),
        ("cifs/hv02:445", "list it under remove"),
        ("cifs/hv99/x", "list it under remove"),
        ("HTTP/hv99", "list it under remove"),
        ("cifs/averyveryverylongname", "list it under remove"),
        ("no slash", "list it under remove"),
    ],
)
def test_the_hint_at_a_foreign_value_is_one_that_removes_it(value: str, advice: str) -> None:
    text = HEAD + RETIRED + SERVER
    directory = mesh(value)
    comparison = survey(read(text), directory)
    [hv01, *_] = comparison.hosts
    runs = {(hv01.computer.guid, value.casefold()): 7}
    hints = {it.value: it.hint for it in foreign_hints(comparison, runs)}
    assert hints[value] == f"run 7 added this; {InventoryLines(read(text)).to_remove(value)}"
    assert hints[value].startswith(f"run 7 added this; {advice}")
    assert goes(followed(text, hints[value], value), directory, value)


def test_a_value_that_is_a_pattern_is_cleared_by_hand() -> None:
    assert InventoryLines(read(HEAD)).to_remove("cifs/*") == "clear it by hand"


@pytest.mark.parametrize("name", ["hv02", "old03", "hv98", "sofs01", "a very long name", "123"])
def test_nothing_that_has_a_place_is_called_gone(name: str) -> None:
    assert InventoryLines(read(HEAD + RETIRED + SERVER)).retired_item(name) == ""


def test_the_fix_of_an_unexpected_value_removes_it() -> None:
    directory = mesh("cifs/hv02.old.example")
    comparison = survey(read(HEAD), directory)
    found = {one.value: one for one in checks.findings(comparison) if one.rule == "KCD003"}
    finding = found["cifs/hv02.old.example"]
    wanted = followed(HEAD, finding.fix, finding.value)
    assert goes(wanted, directory, "cifs/hv02.old.example")


def test_the_fix_of_a_dropped_host_is_taken() -> None:
    """One of them has a name that the inventory has already: that one is cleared by hand."""
    dropped = [
        computer("hv97", *forms("hv03"), spns=forms("hv97")),
        computer("hv96", *forms("hv03"), spns=forms("hv96"), dns="hv96.lab.example"),
        computer("old03", *forms("hv03"), spns=forms("old03")),
    ]
    directory = mesh()
    for one in dropped:
        directory.put(one)
    found = [one for one in checks.findings(survey(read(HEAD), directory)) if one.rule == "KCD023"]
    assert {one.computer for one in found} == {"hv97", "hv96", "old03"}
    [line] = set(re.findall(r"retired: \[.*\]", found[0].fix))
    wanted = read(HEAD + line + "\n")
    assert {gone.name for gone in wanted.retired} == {"hv96", "hv97"}
    plan = planning.plan(survey(wanted, directory))
    assert {"hv96", "hv97"} <= {change.target.name for change in plan.changes}


@pytest.mark.parametrize("rule", ["KCD008", "KCD024"])
def test_a_host_is_moved_and_not_named_twice(rule: str) -> None:
    [fix] = [it.fix for it in checks.RULES if it.id == rule]
    assert "from hosts to retired" in fix
    with pytest.raises(Exception, match="1 problem"):
        read(HEAD + "retired: [hv03]\n")


@pytest.mark.parametrize(
    ("now", "dns"), [("hv44", ""), ("hv04", "hv04.dc2.example"), ("hv44", "hv44.dc2.example")]
)
def test_the_fix_of_a_renamed_host_is_taken(now: str, dns: str) -> None:
    known = KnownAccounts(
        {"hv04": KnownAccount(object_of(4), 3, "2026-01-02T03:04:05.000+00:00")},
        called={object_of(4): (AccountName("hv04", "hv04.corp.example"),)},
    )
    fqdn = dns or f"{now}.corp.example"
    names = "" if fqdn == f"{now}.corp.example" else f"fqdn: {fqdn}"
    text = f"domain: corp.example\nhosts: {{hv01: , {now}: {{{names}}}}}\n"
    accounts = [account("hv01", 1, *forms("hv04")), account(now, 4, dns=fqdn)]
    [finding] = [
        one
        for one in checks.findings(identified(accounts, known, read(text)))
        if one.rule == "KCD027"
    ]
    [former] = re.findall(r"former: \[.*?\]", finding.fix)
    said = ", ".join(filter(None, (names, former)))
    wanted = read(f"domain: corp.example\nhosts: {{hv01: , {now}: {{{said}}}}}\n")
    comparison = identified(accounts, known, wanted)
    assert [one for one in checks.findings(comparison) if one.rule == "KCD027"] == []
    left = planning.plan(comparison).changes[0].after.values
    assert not [it for it in left if it.endswith(("/hv04.corp.example",))]


def test_the_name_that_a_host_has_now_is_taken() -> None:
    known = KnownAccounts({"hv04": KnownAccount(object_of(4), 3, "2026-01-02")})
    text = "domain: corp.example\nhosts: {hv01: , hv04: }\n"
    accounts = [account("hv01", 1), account("HV90", 4, dns="hv90.corp.example")]
    [finding] = [
        one
        for one in checks.findings(identified(accounts, known, read(text)))
        if one.rule == "KCD010"
    ]
    [line] = re.findall(r"hv90: \{former: \[hv04\]\}", finding.message)
    wanted = read(f"domain: corp.example\nhosts: {{hv01: , {line}}}\n")
    assert planning.plan(identified(accounts, known, wanted)).blocked == ()


# What init says


def with_values(*values: str) -> list[Computer]:
    accounts = complete("hv01", "hv02", "hv03", uac=ENABLED | TRANSITION)
    accounts[0] = accounts[0]._replace(values=(*accounts[0].values, *values))
    return accounts


@pytest.mark.parametrize(
    ("values", "advice"),
    [
        (forms("hv99"), "list it under retired:"),
        (("cifs/hv99.old.example",), "retired ({name: hv99, fqdn: hv99.old.example}):"),
        (("cifs/hv99.a.example", "cifs/hv99.b.example"), "remove, value by value:"),
        (("cifs/hv02.old.example", "cifs/hv03.old.example"), "former_suffixes: [old.example]:"),
        (
            ("cifs/hv02.a.example", "cifs/hv03.b.example"),
            "former_suffixes: [a.example, b.example]:",
        ),
    ],
)
def test_what_init_says_of_values_that_nobody_answers_to(
    values: Sequence[str], advice: str
) -> None:
    accounts = with_values(*values)
    text = draft.text(proposed(accounts))
    told = " ".join(re.sub(r"\n  # ", " ", text).split())
    assert advice in told
    # Delete these rules, as it says, and write the other thing.
    kept = [line for line in text.splitlines() if not line.startswith("  - {value: ")]
    bare = "\n".join(kept).replace("\nkeep:\n", "\n").replace("retired: []\n", "") + "\n"
    if "former_suffixes" in advice:
        bare += advice.removesuffix(":") + "\n"
    elif "retired" in advice:
        item = re.search(r"\((.*)\)", advice)
        bare += f"retired: [{item[1] if item else 'hv99'}]\n"
    else:
        items = ", ".join(f"{{value: {value}, hosts: [hv01]}}" for value in values)
        bare += f"remove: [{items}]\n"
    for value in values:
        assert goes(read(bare), MemoryDirectory(accounts), value)


def without_rules(accounts: Sequence[Computer]) -> str:
    """The inventory that ``init`` proposes, its keep rules deleted as a comment says."""
    lines = draft.text(proposed(accounts, all_hosts=False)).splitlines()
    return "\n".join(line for line in lines if not line.startswith(("  - {value", "keep:")))


def comments(accounts: Sequence[Computer]) -> str:
    text = draft.text(proposed(accounts, all_hosts=False))
    return " ".join(text.replace("#", "").split())


def holding(accounts: Sequence[Computer], *values: str) -> list[Computer]:
    """The first of them holds these besides."""
    first, *others = accounts
    return [first._replace(values=(*first.values, *values)), *others]


def test_a_file_server_is_listed_as_its_comment_says() -> None:
    server = computer("sofs01", spns=("HOST/sofs01", "HOST/sofs01.corp.example"))
    accounts = [*holding(complete("hv01", "hv02"), *forms("sofs01", "cifs")), server]
    assert "Then list it under file_servers, with the meshes that reach it" in comments(accounts)
    [one] = proposed(accounts, all_hosts=False).inventory.meshes
    wanted = read(
        f"{without_rules(accounts)}\nfile_servers: {{sofs01: {{reached_from: [{one.name}]}}}}\n"
    )
    plan = planning.plan(survey(wanted, MemoryDirectory(accounts)))
    assert plan.blocked == ()
    assert [change.target.name for change in plan.changes] == ["hv02"], "hv01 has what it needs"


def test_what_leads_to_another_mesh_goes_or_is_made_one() -> None:
    apart = [*complete("hv01", "hv02"), *complete("hv03", "hv04")]
    accounts = holding(apart, f"{MIGRATION}/hv03")
    assert "make one mesh of both (init --one-mesh does)" in comments(accounts)
    directory = MemoryDirectory(accounts)
    assert goes(read(without_rules(accounts)), directory, f"{MIGRATION}/hv03")
    both = proposed(accounts, one_mesh=True, all_hosts=False).inventory
    assert both.keep == ()
    assert not goes(
        read(draft.text(proposed(accounts, one_mesh=True, all_hosts=False))),
        directory,
        f"{MIGRATION}/hv03",
    )


def test_what_leads_to_the_host_itself_goes_without_its_rules() -> None:
    accounts = holding(complete("hv01", "hv02"), *forms("hv01"))
    assert "Towards the host itself, which is of no use" in comments(accounts)
    assert goes(read(without_rules(accounts)), MemoryDirectory(accounts), f"{MIGRATION}/hv01")


@pytest.mark.parametrize("value", ["cifs/dc1", "WSMAN/nowhere"])
def test_what_is_to_be_listed_under_remove_is_taken_there(value: str) -> None:
    controller = computer("dc1", uac=0x82000, spns=("HOST/dc1", "HOST/dc1.corp.example"))
    accounts = [*holding(complete("hv01", "hv02"), value), controller]
    assert "and list the values under remove" in comments(accounts)
    wanted = read(f"{without_rules(accounts)}\nremove: [{{value: {value}, hosts: [hv01]}}]\n")
    assert goes(wanted, MemoryDirectory(accounts), value)
