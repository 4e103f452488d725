"""``delegation explain``: who is meant, what is shown, and with which exit code it ends."""

from pathlib import Path

import pytest

from delegation.hosts import failures
from delegation.hosts.machines import Failure
from tests.cli.program import Delegation, at_terminal
from tests.cli.world import (
    DISABLED,
    INVENTORY,
    MEMBER,
    MIGRATION,
    TRANSITION,
    account,
    directory,
    forms,
    tree,
)

DOMAIN = "corp.example"


def names(name: str, fqdn: str = "") -> list[str]:
    hosts = (name, fqdn or f"{name.lower()}.{DOMAIN}")
    return [f"{service}/{host}" for service in ("HOST", MIGRATION) for host in hosts]


def export(
    *values: str, uac: int = MEMBER | TRANSITION, target: int = MEMBER, others: str = ""
) -> bytes:
    """HV01 with these values, and HV02 and HV03, as they are registered in a real domain."""
    return directory(
        account("HV01", *values, uac=uac, spns=names("HV01")),
        account("HV02", uac=target, spns=names("HV02")),
        account("HV03", spns=names("HV03")),
        others,
    )


PERSON = """\
dn: CN=vmadmin,CN=Users,DC=corp,DC=example
objectClass: top
objectClass: person
objectClass: user
userAccountControl: {uac}
sAMAccountName: vmadmin

"""


@pytest.fixture
def intact(delegation: Delegation, here: Path) -> Delegation:
    (here / "directory.ldif").write_bytes(export(*forms("hv02", "hv03")))
    return delegation


# Exit codes


def test_nothing_broken_is_0(intact: Delegation) -> None:
    ran = intact("explain", "hv01", "hv02")
    assert (ran.code, ran.err) == (0, "")
    assert "BROKEN" not in ran.out
    assert "\nnothing is broken\n" in ran.out
    assert "\n  not told: encryption types, operator\n" in ran.out
    assert "\n  next: delegation explain hv01 hv02 --as USER\n" in ran.out
    assert "klist purge -li 0x3e7` on hv01" in ran.out


@pytest.mark.parametrize(
    ("content", "link", "hresult"),
    [
        (export(*forms("hv02")[1:]), "values", "0x8009030E"),
        (export(*forms("hv02"), uac=MEMBER), "protocol transition", "0x8009030E"),
        (export(*forms("hv02"), target=MEMBER | DISABLED), "accounts enabled", "0x80090303"),
        (
            export(*forms("hv02")).replace(b"servicePrincipalName: HOST/hv02.corp.example\n", b""),
            "service names",
            "0x80090303",
        ),
        (
            export(*forms("hv02"), others=account("NAS", spns=["cifs/hv02"])),
            "service names",
            "0x80090322",
        ),
    ],
)
def test_a_broken_link_is_1_and_named_with_what_a_user_sees(
    delegation: Delegation, here: Path, content: bytes, link: str, hresult: str
) -> None:
    (here / "directory.ldif").write_bytes(content)
    ran = delegation("explain", "hv01", "hv02")
    assert ran.code == 1
    assert f"  BROKEN  {link} " in ran.out
    assert f"\nbroken: {link}\n  fix: " in ran.out
    meant = failures.meaning(Failure("", hresult)).what
    seen = f"\n  a migration usually ends with {hresult} ({meant})\n"
    assert seen in ran.out


@pytest.mark.parametrize("pair", [("hv01", "hv77"), ("hv77", "hv01"), ("hv01", "x.other.example")])
def test_an_unknown_computer_is_1(intact: Delegation, pair: tuple[str, str]) -> None:
    ran = intact("explain", *pair)
    assert ran.code == 1
    assert "there is no computer" in ran.out
    assert "not a pair of the inventory" in ran.out


@pytest.mark.parametrize("name", ["", "a b", "cifs/hv02", "hv[01-02]", "*", "x" * 16, "hv02.", "1"])
def test_what_can_be_no_name_is_2(intact: Delegation, name: str) -> None:
    for pair in (("hv01", name), (name, "hv01")):
        ran = intact("explain", *pair)
        assert ran.code == 2
        assert ran.out == ""
        assert "neither a host of the inventory nor the name of a computer" in ran.err


@pytest.mark.parametrize("other", ["hv01", "HV01", "hv01$", "hv01.corp.example"])
def test_a_host_and_itself_is_2(intact: Delegation, other: str) -> None:
    ran = intact("explain", "hv01", other)
    assert ran.code == 2
    assert "the same computer" in ran.err


def test_a_stranger_by_two_names_is_2(delegation: Delegation, here: Path) -> None:
    branch = account("HV70", fqdn="branch.lab.corp.example", spns=names("HV70"))
    (here / "directory.ldif").write_bytes(export(others=branch))
    assert delegation("explain", "hv70", "branch.lab.corp.example").code == 2


@pytest.mark.parametrize("words", [[], ["hv01"], ["hv01", "hv02", "hv03"]])
def test_a_pair_is_two(delegation: Delegation, words: list[str]) -> None:
    assert delegation("explain", *words).code == 2


def test_an_empty_operator_is_2(intact: Delegation) -> None:
    ran = intact("explain", "hv01", "hv02", "--as", " ")
    assert ran.code == 2
    assert "--as" in ran.err


# Who is meant


@pytest.mark.parametrize("target", ["hv02", "HV02", "hv02$", "HV02.corp.example"])
def test_a_host_by_any_of_its_names(intact: Delegation, target: str) -> None:
    ran = intact("explain", "hv01", target)
    assert ran.code == 0
    assert ran.out.startswith("hv01 to hv02, on directory.ldif\n")
    assert "not a pair" not in ran.out


def test_an_inventorys_label_is_not_the_accounts_name(delegation: Delegation, here: Path) -> None:
    text = INVENTORY.replace("hv[01-03]:", "{hv01: , b: {computer: HV02X, fqdn: b2.corp.example}}")
    (here / "inventory.yaml").write_text(text)
    values = [f"{s}/{n}" for s in ("cifs", MIGRATION) for n in ("HV02X", "b2.corp.example")]
    (here / "directory.ldif").write_bytes(
        directory(
            account("HV01", *values, uac=MEMBER | TRANSITION, spns=names("HV01")),
            account("HV02X", fqdn="b2.corp.example", spns=names("HV02X", "b2.corp.example")),
        )
    )
    for name in ("b", "hv02x", "B2.corp.example"):
        ran = delegation("explain", "hv01", name)
        assert ran.code == 0, ran.out
        assert ran.out.startswith("hv01 to b, ")


@pytest.mark.parametrize("name", ["hv70", "HV70$", "branch.lab.corp.example"])
def test_a_computer_outside_the_inventory(delegation: Delegation, here: Path, name: str) -> None:
    fqdn = "branch.lab.corp.example"
    values = [f"{s}/{n}" for s in ("cifs", MIGRATION) for n in ("HV70", fqdn)]
    branch = account("HV70", fqdn=fqdn, spns=names("HV70", fqdn))
    (here / "directory.ldif").write_bytes(export(*values, others=branch))
    ran = delegation("explain", "hv01", name, "--format", "json")
    assert ran.code == 0, ran.out
    assert ran.json["target"] == name
    assert ran.json["granted_by"] == dict.fromkeys(values, "classic")


def test_another_holder_of_a_strangers_name_is_seen(delegation: Delegation, here: Path) -> None:
    """Its DNS name is known only after the first search."""
    fqdn = "branch.lab.corp.example"
    branch = account("HV70", fqdn=fqdn, spns=names("HV70", fqdn))
    thief = account("THIEF", spns=[f"HOST/{fqdn}"])
    (here / "directory.ldif").write_bytes(export(others=branch + thief))
    ran = delegation("explain", "hv01", "hv70")
    assert "registered on HV70$ and THIEF$" in ran.out


def test_a_file_server(delegation: Delegation, here: Path) -> None:
    (here / "inventory.yaml").write_text(
        INVENTORY.replace("hv[01-03]:", "hv[01-02]:")
        + "meshes: {all: {members: ['hv[01-02]']}}\n"
        + "file_servers: {sofs: {computer: SOFS01, fqdn: sofs01.corp.example, "
        "reached_from: [all]}}\n"
    )
    values = ["cifs/SOFS01", "cifs/sofs01.corp.example"]
    server = account("SOFS01", spns=["HOST/SOFS01", "HOST/sofs01.corp.example"])
    (here / "directory.ldif").write_bytes(export(*values, others=server))
    ran = delegation("explain", "hv01", "sofs", "--format", "json")
    assert ran.code == 0, ran.out
    assert ran.json["granted_by"] == dict.fromkeys(values, "classic")


# What is shown


def test_json_is_pure_and_complete(intact: Delegation) -> None:
    ran = intact("explain", "hv01", "hv02", "--format", "json")
    assert ran.err == ""
    data = ran.json
    assert list(data) == [
        "source",
        "target",
        "operator",
        "domain",
        "dc",
        "ok",
        "links",
        "evidence",
        "granted_by",
    ]
    assert (data["operator"], data["domain"], data["dc"]) == (None, DOMAIN, "directory.ldif")
    assert (data["ok"], data["evidence"]) == (True, "s4u2self")
    assert data["granted_by"] == dict.fromkeys(forms("hv02"), "classic")
    for link in data["links"]:
        assert list(link) == ["name", "state", "evidence", "fix", "hresult"]
        assert link["state"] in {"ok", "broken", "unknown"}


def test_json_of_a_broken_pair(delegation: Delegation, here: Path) -> None:
    (here / "directory.ldif").write_bytes(export("cifs/hv02"))
    ran = delegation("explain", "hv01", "hv02", "--format", "json")
    assert (ran.code, ran.json["ok"]) == (1, False)
    assert list(ran.json["granted_by"].values()) == ["classic", None, None, None]


@pytest.mark.parametrize(
    ("uac", "code", "words"),
    [
        (0x200, 0, "which groups vmadmin is in, this directory does not tell"),
        (0x202, 1, "vmadmin is disabled"),
        (0x100200, 1, 'vmadmin is marked "sensitive and cannot be delegated"'),
    ],
)
def test_an_operator_of_an_export(
    delegation: Delegation, here: Path, uac: int, code: int, words: str
) -> None:
    person = PERSON.format(uac=uac)
    (here / "directory.ldif").write_bytes(export(*forms("hv02"), others=person))
    ran = delegation("explain", "hv01", "hv02", "--as", "vmadmin")
    assert ran.code == code
    assert words in ran.out
    assert ran.out.startswith("hv01 to hv02 as vmadmin, ")


def test_an_operator_that_an_export_does_not_hold_is_not_told(intact: Delegation) -> None:
    ran = intact("explain", "hv01", "hv02", "--as", "joe")
    assert ran.code == 0
    assert "this export holds no account joe" in ran.out
    assert "--as USER" not in ran.out


def test_verbose_shows_every_step_of_the_kdc(intact: Delegation) -> None:
    ran = intact("explain", "-v", "hv01", "hv03")
    for value in forms("hv03"):
        assert f"\n  {value}, with s4u2self\n" in ran.out
    assert ran.out.count("[MS-SFU 3.2.5.2.1]") == 4


def test_the_next_command_can_be_typed(delegation: Delegation, here: Path) -> None:
    (here / "directory.ldif").write_bytes(export("cifs/hv02"))
    ran = delegation("-i", "inventory.yaml", "explain", "hv01", "hv02", "--as", "joe x")
    assert "\n  next: delegation plan --limit hv01\n" in ran.out
    (here / "other.yaml").write_text(INVENTORY)
    (here / "directory.ldif").write_bytes(export(*forms("hv02"), target=MEMBER | DISABLED))
    ran = delegation("-i", "other.yaml", "explain", "hv01", "hv02", "--as", "joe x")
    again = "delegation --inventory other.yaml explain hv01 hv02 --as 'joe x'"
    assert f"\n  then: {again}\n" in ran.out


def test_missing_values_of_strangers_are_no_plans_business(
    delegation: Delegation, here: Path
) -> None:
    stranger = account("HV70", spns=names("HV70"))
    (here / "directory.ldif").write_bytes(export(others=stranger))
    ran = delegation("explain", "hv01", "hv70")
    assert "fix: add both hosts to the inventory" in ran.out
    assert "plan --limit" not in ran.out


def test_nothing_is_written(intact: Delegation, here: Path) -> None:
    before = tree(here)
    intact("explain", "hv01", "hv02")
    assert tree(here) == before


def test_at_a_terminal_long_evidence_hangs_below_its_beginning(
    intact: Delegation, here: Path
) -> None:
    (here / "directory.ldif").write_bytes(export())
    with at_terminal("explain", "--no-color", "hv01", "hv02", cwd=here) as terminal:
        assert terminal.ends() == 1
        lines = [line for line in terminal.screen.splitlines() if "klist" not in line]
    assert any(line.startswith(" " * 32) and line.strip() for line in lines)


# At the hosts, where nobody can log on to them


@pytest.fixture
def without_a_logon(intact: Delegation, here: Path, monkeypatch: pytest.MonkeyPatch) -> Delegation:
    """Hosts that vmadmin is to ask, who has neither a ticket nor a password here."""
    (here / "inventory.yaml").write_text(INVENTORY + "remoting: {user: vmadmin}\n")
    monkeypatch.setenv("KRB5CCNAME", "FILE:nobodys")
    monkeypatch.delenv("DELEGATION_HOSTS_PASSWORD", raising=False)
    return intact


# Without a ticket, and not without the library that would look for one, as in scripts/test --unit.
@pytest.mark.lab
def test_without_a_logon_to_the_hosts_there_is_all_that_the_directory_says(
    without_a_logon: Delegation,
) -> None:
    ran = without_a_logon("explain", "hv01", "hv02")
    assert (ran.code, ran.err) == (0, "")
    assert "\n  ok      values " in ran.out
    [told] = [line for line in ran.out.splitlines() if "  ?       remote management " in line]
    assert "the hosts were not asked: vmadmin has no valid Kerberos ticket here" in told
    assert "\n  ?       TCP 445 " in ran.out
    assert "\nthe hosts were not asked\n  fix: get a ticket with kinit vmadmin@" in ran.out
    data = without_a_logon("explain", "hv01", "hv02", "--format", "json").json
    [link] = [one for one in data["links"] if one["name"] == "remote management"]
    assert (link["state"], link["fix"][:12]) == ("unknown", "get a ticket")


def test_a_password_file_that_cannot_be_read_is_2(without_a_logon: Delegation) -> None:
    ran = without_a_logon("explain", "hv01", "hv02", "--hosts-password-file", "nowhere")
    assert ran.code == 2
    assert "--hosts-password-file nowhere can't be read" in ran.err


def test_the_next_command_asks_for_the_same(without_a_logon: Delegation) -> None:
    ran = without_a_logon("explain", "hv01", "hv02", "--hosts", "--vm", "web 01")
    again = "delegation explain hv01 hv02 --hosts --vm 'web 01' --as USER"
    assert f"\n  next: {again}\n" in ran.out
    assert "\n  ?       migration check " in ran.out
    ran = without_a_logon("explain", "hv01", "hv02", "--vm", "web01", "--with-checkpoints")
    again = "delegation explain hv01 hv02 --vm web01 --with-checkpoints --as USER"
    assert f"\n  next: {again}\n" in ran.out


def test_checkpoints_are_of_a_machine(without_a_logon: Delegation) -> None:
    ran = without_a_logon("explain", "hv01", "hv02", "--with-checkpoints")
    assert (ran.code, ran.out) == (2, "")
    assert "--with-checkpoints is about a virtual machine" in ran.err


# Slips


@pytest.mark.parametrize("name", ["hv2", "hvo2", "HV002", "hv2$", "hv-02"])
def test_a_name_that_nobody_has_is_no_host_without_an_account(
    intact: Delegation, name: str
) -> None:
    for pair in (("hv01", name), (name, "hv01")):
        ran = intact("explain", *pair)
        assert ran.code == 2
        assert ran.out == ""
        assert f"{name} is no host of the inventory, and no account of corp.example" in ran.err
        assert "did you mean hv02" in ran.err


def test_a_computer_that_is_there_may_be_called_nearly_so(
    delegation: Delegation, here: Path
) -> None:
    other = account("HV2", spns=names("HV2"))
    (here / "directory.ldif").write_bytes(export(*forms("hv02"), others=other))
    ran = delegation("explain", "hv01", "hv2")
    assert ran.code == 1
    assert "not a pair of the inventory" in ran.out


def test_a_retired_host_that_still_works_is_nothing_to_be_content_with(
    delegation: Delegation, here: Path
) -> None:
    retired = "hosts: {'hv[02-03]': }\nretired: [hv01]\n"
    head = INVENTORY.partition("hosts:")[0]
    (here / "inventory.yaml").write_text(head + retired, encoding="utf-8")
    (here / "directory.ldif").write_bytes(export(*forms("hv02", "hv03")))
    ran = delegation("explain", "hv01", "hv02")
    assert "nothing is broken" not in ran.out
    assert "it still works, although hv01 is retired" in ran.out
    assert "next: delegation plan   to see what goes" in ran.out
    assert delegation("plan").code == 3
