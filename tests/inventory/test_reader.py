"""inventory_reader and its sections: every strict rule, all problems at once, and what is read."""

from collections.abc import Sequence
from datetime import date
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delegation import names
from delegation.errors import InventoryError, Problem
from delegation.inventory import (
    Auth,
    Authentication,
    DirectorySettings,
    FileServer,
    Foreign,
    Host,
    Inventory,
    Keep,
    LiveMigration,
    Mesh,
    Network,
    OwnValues,
    Performance,
    Policy,
    Retired,
    Unconstrained,
)
from delegation.inventory.accepted import Acceptance, Trusted
from delegation.inventory.fields import MAX_PROBLEMS, MAX_TEXT
from delegation.inventory.reader import parse

CASES = Path(__file__).parent.parent / "cases" / "inventory"
EXAMPLE = Path(__file__).parents[2] / "inventory.example.yaml"
HEAD = "domain: corp.example\nhosts:\n  hv[01-04]:\n"


def read(text: str) -> Inventory:
    return parse(text.encode(), "inventory.yaml")


def problems(data: bytes) -> list[str]:
    try:
        parse(data, "inventory.yaml")
    except InventoryError as exc:
        return [str(problem) for problem in exc.problems]
    return []


def valid(name: str) -> Inventory:
    return parse((CASES / "valid" / f"{name}.yaml").read_bytes(), f"{name}.yaml")


# --- the cases: a file, and beside it every problem that it has


@pytest.mark.parametrize("case", sorted(path.stem for path in CASES.glob("*.yaml")))
def test_case(case: str) -> None:
    expected = (CASES / f"{case}.problems.txt").read_text().splitlines()
    assert expected
    assert problems((CASES / f"{case}.yaml").read_bytes()) == expected


def test_every_expectation_has_its_case() -> None:
    expected = {path.name.removesuffix(".problems.txt") for path in CASES.glob("*.txt")}
    assert expected == {path.stem for path in CASES.glob("*.yaml")}


def test_an_invalid_file_ends_with_every_problem_behind_its_place() -> None:
    data = (CASES / "many_at_once.yaml").read_bytes()
    with pytest.raises(InventoryError) as caught:
        parse(data, "corp.yaml")
    assert len(caught.value.problems) == 12
    assert caught.value.file == "corp.yaml"
    assert caught.value.exit_code == 2


# --- what is read


def test_the_example_of_the_design() -> None:
    inventory = valid("design")
    first62 = tuple(f"hv{number:02}" for number in range(1, 63))
    migration = LiveMigration(
        enabled=True,
        authentication=Authentication.KERBEROS,
        migrations=2,
        storage_migrations=2,
        performance=Performance.SMB,
        networks=(Network("10.20.0.0/24"), Network("10.21.0.0/24", 2)),
    )
    assert inventory.domain == "corp.example"
    assert inventory.state == ".delegation"
    assert inventory.directory == DirectorySettings(
        url="ldaps://dc1.corp.example",
        auth=Auth.KERBEROS,
        user="svc-delegation",
        keytab="/etc/delegation.keytab",
        ca_file="corp-root-ca.pem",
        site="Branch-1",
        dns_servers=("10.0.0.53",),
        search_base=("OU=Hyper-V,DC=corp,DC=example",),
    )
    assert list(inventory.hosts) == [*first62, "hv63", "hv64"]
    assert inventory.hosts["hv62"] == Host("hv62", "hv62", "hv62.corp.example", True, migration)
    assert inventory.hosts["hv63"].computer == "HV63X"
    assert inventory.hosts["hv63"].fqdn == "hv63.lab.corp.example"
    own = inventory.hosts["hv64"].live_migration
    assert own is not None
    assert (own.migrations, own.storage_migrations, own.networks) == (4, 2, migration.networks)
    assert inventory.meshes == (
        Mesh("production", first62, first62),
        Mesh("recovery", first62, ("hv63", "hv64")),
    )
    assert inventory.file_servers == (
        FileServer("sofs01", "sofs01", "sofs01.corp.example", ("production",)),
    )
    assert inventory.keep == (
        Keep("HTTP/*", ("hv03",), "reporting portal", "web team", date(2027, 6, 30), True),
    )
    assert inventory.retired == (
        Retired("hv99", "hv99.corp.example"),
        Retired("hv98", "hv98.old.example"),
    )
    assert inventory.policy == Policy()


def test_what_is_left_out_has_the_defaults_of_the_design() -> None:
    inventory = valid("minimal")
    both = ("hv01", "hv02")
    assert inventory == Inventory(
        domain="corp.example",
        digest=inventory.digest,
        hosts={label: Host(label, label, f"{label}.corp.example") for label in both},
        meshes=(Mesh("all", both, both),),
    )
    assert inventory.policy == Policy(Foreign.REPORT, Unconstrained.REPORT, 30.0, 1200)
    assert [host.protocol_transition for host in inventory.hosts.values()] == [True, True]
    assert [host.live_migration for host in inventory.hosts.values()] == [None, None]


def test_the_digest_is_that_of_the_bytes() -> None:
    data = b"\xef\xbb\xbf" + HEAD.replace("\n", "\r\n").encode()
    assert parse(data, "x").digest == f"sha256:{sha256(data).hexdigest()}"


def test_other_spellings() -> None:
    inventory = valid("quoted")
    assert inventory.domain == "Corp.Example"
    assert inventory.state == "/var/lib/delegation"
    assert inventory.directory == DirectorySettings(
        url="ldap://dc1:389",
        start_tls=True,
        auth=Auth.SIMPLE,
        user="010",
        search_base=("OU=A\\, B,DC=CORP,DC=EXAMPLE", "DC=corp,DC=example"),
        dns_servers=("::1",),
    )
    transitions = {label: host.protocol_transition for label, host in inventory.hosts.items()}
    assert transitions == {"hv01": None, "hv02": None, "hv03": False, "hv04": True}
    assert inventory.meshes[0].sources == ("hv01", "hv02", "hv03", "hv04")
    assert inventory.file_servers == (
        FileServer("iso", "ISO01", "iso.Corp.Example", ("Production",)),
    )
    assert inventory.keep == (Keep("MSSQLSvc/db?:1433", expires=date(2027, 6, 30)),)
    assert inventory.policy == Policy(Foreign.REMOVE, Unconstrained.CLEAR, 12.5, 1)


def test_live_migration_settings_of_a_host_lie_over_the_defaults() -> None:
    inventory = valid("settings")
    shared = LiveMigration(migrations=2, storage_migrations=0, any_network=True)
    found = {label: host.live_migration for label, host in inventory.hosts.items()}
    assert found == {
        "plain": shared,
        "own": LiveMigration(migrations=4, storage_migrations=0, any_network=True),
        "networks": LiveMigration(
            migrations=2,
            storage_migrations=0,
            networks=(Network("fe80::/64"), Network("10.20.0.0/24", 0)),
        ),
    }
    assert inventory.directory.url == "ldif:C:\\exports\\corp.ldif"


def test_a_host_on_any_network_does_not_inherit_networks() -> None:
    inventory = read(
        "domain: corp.example\n"
        "defaults: {live_migration: {networks: [10.20.0.0/24]}}\n"
        "hosts:\n  hv01: {live_migration: {any_network: true}}\n"
        "  hv02: {live_migration: {any_network: false}}\n"
    )
    assert inventory.hosts["hv01"].live_migration == LiveMigration(any_network=True)
    assert inventory.hosts["hv02"].live_migration == LiveMigration(
        any_network=False, networks=(Network("10.20.0.0/24"),)
    )


def test_the_example_file_is_one_mesh_of_64_hosts() -> None:
    inventory = parse(EXAMPLE.read_bytes(), EXAMPLE.name)
    labels = tuple(f"hv{number:02}" for number in range(1, 65))
    assert tuple(inventory.hosts) == labels
    assert inventory.meshes == (Mesh("production", labels, labels),)
    assert inventory.file_servers == ()
    assert inventory.retired == ()
    assert [host.live_migration for host in inventory.hosts.values()] == [None] * 64
    assert inventory.directory == DirectorySettings()


def test_what_the_example_file_shows_in_comments_works_too() -> None:
    """Each commented setting of the file, uncommented together with the others."""
    shown: list[str] = []
    for line in EXAMPLE.read_text().splitlines():
        before, mark, rest = line.partition("# ")
        first = rest.lstrip().partition(" ")[0]
        looks_like_yaml = (first.endswith(":") or first == "-") and not rest[:1].isupper()
        if mark and not before.strip() and looks_like_yaml:
            line = before + rest  # noqa: PLW2901
        shown.append(line)
    text = "\n".join(shown)
    for refused in ("start_tls: true", "any_network: true", "retired: []\n"):
        assert refused in text
    text = text.replace("retired: []\n", "")
    text = text.replace("  start_tls: true", "").replace("    any_network: true", "")
    text = text.replace("[hv65, hv66]", "[hv65, hv66, hv67, 'hv[70-80]']")
    inventory = read(text)
    assert inventory.directory.url == "ldaps://dc1.corp.example"
    assert inventory.directory.search_base == ("OU=Hyper-V,DC=corp,DC=example",)
    assert inventory.hosts["hv67"].live_migration is not None
    assert inventory.hosts["hv67"].live_migration.migrations == 4
    assert inventory.hosts["hv66"].protocol_transition is False
    assert inventory.hosts["hv70"].fqdn == "hv70.dc2.corp.example"
    assert inventory.hosts["hv80"].former == ("OLD80", "hv80.lab.example")
    assert inventory.former_suffixes == ("old.example",)
    assert [server.name for server in inventory.file_servers] == ["sofs01", "nas01", "share"]
    assert inventory.hosts["hv66"].unconstrained is Unconstrained.CLEAR
    assert len(inventory.retired) == 10
    assert [one.name for one in inventory.retired if one.own is OwnValues.KEEP] == ["hv98"]
    assert [one.value for one in inventory.remove] == ["cifs/hv02:445"]
    assert [one.rule for one in inventory.accept] == ["KCD003"]
    assert [one.account for one in inventory.trusted] == ["WAC01$"]
    assert (inventory.remoting.user, inventory.remoting.https) == ("vmadmin", True)
    assert len(inventory.migrate.affinity) == 3


@pytest.mark.parametrize(
    "settings",
    [
        "{url: ldaps://dc1.corp.example, auth: simple, user: a}",
        "{url: ldap://dc1.corp.example, start_tls: true, auth: simple, user: a}",
        "{url: ldap://dc1.corp.example:636, auth: ntlm}",
        "{url: 'ldap://[::1]:389'}",
        "{url: 'ldif:user@host export.ldif'}",
        "{auth: simple, user: a}",
        "{start_tls: true}",
        "{search_base: [OU=A,DC=corp,DC=example, OU=B,OU=C,DC=corp,DC=example]}",
        "{}",
    ],
)
def test_directory_settings_that_make_sense(settings: str) -> None:
    assert problems(f"{HEAD}directory: {settings}\n".encode()) == []


def test_a_password_in_the_url_is_not_repeated() -> None:
    (problem,) = problems((CASES / "directory_password.yaml").read_bytes())
    assert "secret" not in problem


def test_unquoted_names_in_a_list_are_joined_up_to_the_domain() -> None:
    text = (
        f"{HEAD}directory: {{search_base: [OU=A,DC=corp,DC=example,  OU=B, DC=Corp, DC=example]}}\n"
    )
    assert read(text).directory.search_base == (
        "OU=A,DC=corp,DC=example",
        "OU=B,DC=Corp,DC=example",
    )


def test_a_policy_that_is_declared_in_part() -> None:
    assert read(f"{HEAD}policy: {{foreign: ignore}}\n").policy == Policy(Foreign.IGNORE)


# --- bounds


def test_what_is_accepted_and_who_is_trusted() -> None:
    inventory = read(
        HEAD
        + "retired: [hv09]\n"
        + "accept:\n"
        + "  - {rule: KCD016, hosts: ['hv[01-02]', hv09]}\n"
        + "  - {rule: KCD003, value: 'HTTP/*', reason: portal, owner: web, expires: 2027-06-30}\n"
        + "  - {rule: KCD005, hosts: [hv03]}\n"
        + "trusted: [{account: 'WAC01$', expires: 2027-06-30}, {account: S-1-5-21-1-2-3-4}]\n"
    )
    until = date(2027, 6, 30)
    assert inventory.accept == (
        Acceptance("KCD016", ("hv01", "hv02", "hv09")),
        Acceptance("KCD003", (), "HTTP/*", "portal", "web", until),
        Acceptance("KCD005", ("hv03",)),
    )
    assert inventory.trusted == (
        Trusted("WAC01$", expires=until),
        Trusted("S-1-5-21-1-2-3-4"),
    )
    covers = inventory.accept[1].covers
    assert [covers(value) for value in ("HTTP/x", "http/X", "cifs/x", "")] == [True] * 2 + [
        False
    ] * 2
    assert inventory.accept[0].covers("whatever")


def test_texts_are_bounded() -> None:
    long = "x" * MAX_TEXT
    assert read(f"{HEAD}keep: [{{value: a/b, reason: {long}}}]\n").keep[0].reason == long
    assert problems(f"{HEAD}keep: [{{value: a/b, reason: {long}x}}]\n".encode()) == [
        "4:29: 'reason' is longer than 4,096 characters; shorten it"
    ]


def test_the_default_fqdn_is_no_longer_than_a_name_can_be() -> None:
    domain = ".".join(["d" * 62] * 4)
    hosts = "  {}: {{computer: HV01}}\n  hv2:\n"
    assert read(f"domain: {domain}\nhosts:\n{hosts.format('abc')}")
    (problem,) = problems(f"domain: {domain}\nhosts:\n{hosts.format('abcd')}".encode())
    assert problem.startswith("3:3: 'abcd.ddd")
    assert problem.endswith("is longer than a DNS name can be; shorten the name")


def test_ten_thousand_hosts_in_meshes_of_64() -> None:
    meshes = "".join(
        f"  m{first}: {{members: [hv[{first:05}-{min(first + 63, 10_000):05}]]}}\n"
        for first in range(1, 10_001, 64)
    )
    inventory = read(f"domain: corp.example\nhosts:\n  hv[00001-10000]:\nmeshes:\n{meshes}")
    assert len(inventory.hosts) == 10_000
    assert sum(len(mesh.sources) for mesh in inventory.meshes) == 10_000


def test_the_most_hosts_that_are_allowed() -> None:
    half = names.MAX_HOSTS // 2
    text = f"domain: corp.example\nhosts:\n  a[1-{half}]:\n  b[1-{half}]:\n"
    assert len(read(text).hosts) == names.MAX_HOSTS
    assert problems(f"{text}  c1:\n".encode()) == [
        "5:3: more than 20,000 hosts are declared; split the inventory"
    ]


def test_names_that_ranges_stand_for_are_bounded_in_all() -> None:
    meshes = "".join(f"  m{n}: {{members: [hv[1-20000]]}}\n" for n in range(20_000))
    text = f"domain: corp.example\nhosts:\n  hv[1-20000]:\nmeshes:\n{meshes}"
    (problem,) = problems(text.encode())
    assert problem.startswith("54:19: the ranges of this file stand for more than 1,000,000 names")


def test_the_first_thousand_problems_are_enough() -> None:
    found = problems((HEAD + "".join(f"key{n}: 1\n" for n in range(3_000))).encode())
    assert len(found) == MAX_PROBLEMS + 1
    assert found[-1] == "1004:1: 2,000 more problems follow; correct these first"


# --- laws

WORDS = [
    "domain", "hosts", "meshes", "members", "sources", "targets", "keep", "value", "retired",
    "policy", "directory", "url", "defaults", "live_migration", "networks", "file_servers",
    "reached_from", "max_removals", "expires", "search_base",
    "corp.example", "hv01", "hv[01-03]", "hv[", "HTTP/*", "30%", "true", "keep", "010", "~",
    "2027-06-30", "10.0.0.0/8", "ldap://dc1", "DC=corp", "'x'", "[]", "{}", "&a", "*a", "<<",
]  # fmt: skip
MARKS = [": ", ":\n  ", ":\n    ", "\n", "\n  ", "\n    ", "- ", ", ", "[", "]", "{", "}", " # "]
YAMLISH = st.lists(st.sampled_from([*WORDS, *MARKS]), max_size=60).map("".join)


@given(
    st.one_of(
        st.binary(), YAMLISH.map(str.encode), YAMLISH.map(lambda text: (HEAD + text).encode())
    )
)
def test_any_input_is_an_inventory_or_problems_inside_the_file(data: bytes) -> None:
    try:
        inventory = parse(data, "inventory.yaml")
    except InventoryError as exc:
        they_lie_inside(data, exc.problems)
    else:
        assert every_name_resolves(inventory)


def they_lie_inside(data: bytes, found: Sequence[Problem]) -> None:
    lines = data.decode(errors="replace").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    assert found
    assert list(found) == sorted(set(found))
    for problem in found:
        assert 1 <= problem.line <= len(lines)
        assert 1 <= problem.column <= len(lines[problem.line - 1]) + 1
        assert str(problem).isprintable()
        assert problem.what
        assert problem.fix


def every_name_resolves(inventory: Inventory) -> bool:
    hosts = set(inventory.hosts)
    meshes = {mesh.name for mesh in inventory.meshes}
    meshed = {label for mesh in inventory.meshes for label in (*mesh.sources, *mesh.targets)}
    return (
        meshed == hosts
        and all(set(rule.hosts) <= hosts for rule in inventory.keep)
        and all(set(server.reached_from) <= meshes for server in inventory.file_servers)
    )


LABEL = st.from_regex(r"[a-z][a-z0-9]{0,13}", fullmatch=True)


@st.composite
def inventories(draw: st.DrawFn) -> tuple[str, list[str], list[list[str]]]:
    """A valid file; its hosts in order, and the members of its meshes."""
    labels = draw(st.lists(LABEL, min_size=2, max_size=12, unique=True))
    quote = draw(st.sampled_from(["'", '"']))
    meshes = draw(st.lists(st.lists(st.sampled_from(labels), min_size=2, unique=True), max_size=4))
    meshes.append(labels)
    text = "domain: corp.example\nhosts:\n"
    text += "".join(f"  {quote}{label}{quote}:\n" for label in labels)
    text += "meshes:\n"
    for number, members in enumerate(meshes):
        listed = ", ".join(f"{quote}{name.upper()}{quote}" for name in members)
        text += f"  m{number}: {{members: [{listed}]}}\n"
    return text, labels, meshes


@given(inventories())
def test_a_valid_inventory_is_read_as_it_was_meant(
    written: tuple[str, list[str], list[list[str]]],
) -> None:
    text, labels, meshes = written
    inventory = read(text)
    assert list(inventory.hosts) == labels
    assert [list(mesh.sources) for mesh in inventory.meshes] == meshes
    assert every_name_resolves(inventory)


@given(st.lists(st.integers(1, 99), min_size=2, unique=True))
def test_hosts_read_from_a_folded_range_are_those_that_were_folded(numbers: list[int]) -> None:
    labels = [f"hv{number:02}" for number in sorted(numbers)]
    folded = names.fold(labels)
    inventory = read(
        f"domain: corp.example\nhosts:\n  '{folded}':\nmeshes: {{m: {{members: [{folded}]}}}}\n"
    )
    assert list(inventory.hosts) == labels


@given(inventories(), st.data())
def test_one_misspelt_member_is_one_problem_at_its_line(
    written: tuple[str, list[str], list[list[str]]], data: st.DataObject
) -> None:
    text, labels, meshes = written
    first = len(labels) + 4
    number = data.draw(st.integers(0, len(meshes) - 1))
    lines = text.splitlines()
    lines[first + number - 1] = lines[first + number - 1].replace("]", ", no_such_host]")
    (problem,) = problems("\n".join(lines).encode())
    assert problem.startswith(f"{first + number}:")
    assert "unknown host 'no_such_host'" in problem
