"""Who answers to a name of the inventory, and what is to be done: never what harms somebody."""

import pytest

from delegation.mesh import name_owners, snapshot
from delegation.mesh.desired import Endpoint
from delegation.mesh.name_owners import NameOwners, look_alikes
from delegation.mesh.snapshot import Computer, Snapshot
from delegation.mesh.spn_mappings import SpnMappings
from delegation.names import MIGRATION
from tests.builders import DIRECTORY, DOMAIN, READ, computer, file_server, forms, host, user

ENDPOINT = Endpoint.of_host(host("hv02"))
HOST = ("HOST/HV02", f"HOST/hv02.{DOMAIN}")
MIGRATING = forms("hv02", MIGRATION)
HV02 = computer("hv02", spns=[*HOST, *MIGRATING])
BARE = HV02._replace(spns=MIGRATING)


def found(*accounts: Computer, mappings: SpnMappings = READ) -> Snapshot:
    return snapshot.resolve(DIRECTORY, ["hv02", "sofs01"], accounts, mappings=mappings)


def of(value: str, *accounts: Computer) -> NameOwners:
    return NameOwners.of(found(*accounts), ENDPOINT, value)


def test_the_hosts_own() -> None:
    for value in ENDPOINT.values:
        assert of(value, HV02).held_elsewhere == ""
        assert not of(value, HV02).is_unregistered


@pytest.mark.parametrize(
    ("accounts", "value", "fix"),
    [
        ((BARE, computer("old", spns=HOST)), "cifs/hv02", 'setspn -D "HOST/hv02" old, then '),
        ((HV02, computer("old", spns=["cifs/hv02"])), "cifs/hv02", 'setspn -D "cifs/hv02" old'),
        ((HV02, user("hv02", "cifs/hv02")), "cifs/hv02", 'setspn -U -D "cifs/hv02" hv02'),
        (
            (HV02._replace(spns=()), user("svc", "cifs/hv02")),
            "cifs/hv02",
            'setspn -D "cifs/hv02" svc, then setspn -S "HOST/hv02" hv02',
        ),
        (
            (HV02._replace(spns=HOST), user("svc x", MIGRATING[0])),
            MIGRATING[0],
            f'setspn -D "{MIGRATING[0]}" "svc x", then on hv02: Restart-Service vmms',
        ),
    ],
)
def test_the_name_that_is_registered_is_taken_from_whom_it_does_not_belong_to(
    accounts: tuple[Computer, ...], value: str, fix: str
) -> None:
    assert fix in of(value, *accounts).fix


@pytest.mark.parametrize(
    ("accounts", "words"),
    [
        pytest.param(
            (HV02._replace(dns_host_name="x.corp.example"), user("nas", f"cifs/hv02.{DOMAIN}")),
            "nas may need it",
            id="an alias",
        ),
        pytest.param(
            (
                HV02._replace(dns_host_name="x.corp.example", spns=()),
                computer("nas", dns=f"hv02.{DOMAIN}", spns=[HOST[1]]),
            ),
            "it is nas$'s own name and stays there",
            id="another computer's own",
        ),
        pytest.param(
            (BARE, computer("nas", dns=f"hv02.{DOMAIN}", spns=[HOST[1]])),
            "look which of the two the host uses",
            id="both are called so",
        ),
        pytest.param((user("nas", f"cifs/hv02.{DOMAIN}"),), "nas may need it", id="no account"),
        pytest.param(
            (BARE, computer("x", spns=HOST)._replace(account="$DUPLICATE-4f2")),
            "leftover of a replication conflict",
            id="renamed by a conflict",
        ),
    ],
)
def test_no_name_is_taken_from_whom_it_may_belong_to(
    accounts: tuple[Computer, ...], words: str
) -> None:
    owners = of(f"cifs/hv02.{DOMAIN}", *accounts)
    assert owners.held_elsewhere
    assert words in owners.fix
    assert "setspn" not in owners.fix


def test_accounts_called_alike_are_told_by_their_dn() -> None:
    owners = of("cifs/hv02", HV02, computer("hv02", spns=HOST, base=f"OU=Lab,{DIRECTORY.base_dn}"))
    assert "OU=Lab" in owners.held_elsewhere


def test_nobody_is_no_other() -> None:
    assert of("cifs/hv02", BARE).is_unregistered
    assert of("cifs/hv02", BARE).held_elsewhere == ""
    assert not of(MIGRATING[0], HV02._replace(spns=HOST)).is_unregistered


def test_the_domains_own_answer_before_those_of_another() -> None:
    other = computer("hv02", spns=["cifs/hv02", *HOST], base="DC=other,DC=example")
    assert of("cifs/hv02", HV02, other).held_elsewhere == ""
    assert of("cifs/hv02", BARE, other).held_elsewhere


@pytest.mark.parametrize(
    "spn",
    ["cifs/h\u1e7d02", "HOST/hv\uff102", "host/hv02\u200b", "\u00c7IFS/hv02.corp.ex\u00e4mple"],
)
def test_a_look_alike(spn: str) -> None:
    [(endpoint, _, told, account)] = look_alikes(found(HV02, user("evil", spn)), [ENDPOINT])
    assert (endpoint, told, account.account) == (ENDPOINT, spn, "evil")
    assert list(look_alikes(found(HV02._replace(spns=(spn,))), [ENDPOINT])) == [], "the host's own"


@pytest.mark.parametrize("spn", ["cifs/h\u1e7d05", "HTTP/h\u1e7d02.x", "cifs/hv02"])
def test_no_look_alike(spn: str) -> None:
    assert list(look_alikes(found(HV02, user("evil", spn)), [ENDPOINT])) == []


def test_a_file_server_without_a_dns_name_is_judged_by_its_account() -> None:
    server = Endpoint.of_file_server(file_server("sofs01"))
    account = computer("sofs01", dns=None, spns=["cifs/sofs01"])
    assert not NameOwners.of(found(account), server, "cifs/sofs01").held_elsewhere


@pytest.mark.parametrize(
    ("stands", "registers"), [("cifs", 'setspn -S "HOST/hv02"'), ("dns", 'setspn -S "cifs/hv02"')]
)
def test_what_the_target_is_to_hold_is_what_stands_for_it_in_this_forest(
    stands: str, registers: str
) -> None:
    """Where HOST does not stand for cifs, the name itself has to be registered."""
    mappings = SpnMappings.of([f"host={stands}"])
    thief = computer("oldbox", spns=["cifs/hv02"])
    [held] = [
        one
        for one in name_owners.of_endpoint(found(BARE, thief, mappings=mappings), ENDPOINT)
        if one.value == "cifs/hv02"
    ]
    assert registers in held.fix


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("OLDBOX", "OLDBOX"),
        ("svc-web.1", "svc-web.1"),
        ("svc web", '"svc web"'),
        ("-U", '"-U"'),
        ("$DUPLICATE-4f2", "'$DUPLICATE-4f2'"),
        ("a`b", "'a`b'"),
        ('a"b', "'a\"b'"),
        ("$it's", "'$it''s'"),
        ("$it\u2019s", "'$it\u2019\u2019s'"),
        ("", '""'),
    ],
)
def test_a_word_that_powershell_takes_as_it_stands(text: str, word: str) -> None:
    assert name_owners.in_powershell(text, plain=True) == word


def test_a_name_is_always_quoted_where_it_need_not_be_plain() -> None:
    assert name_owners.in_powershell("HOST/hv02") == '"HOST/hv02"'
