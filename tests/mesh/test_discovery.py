"""What is proposed for a directory: whatever it holds, the first plan only adds what is missing."""

from collections.abc import Callable, Iterable, Sequence
from datetime import date
from uuid import UUID, uuid5

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from delegation.inventory import Auth, DirectorySettings, Inventory
from delegation.inventory.reader import parse
from delegation.inventory.yaml_writing import comment, scalar
from delegation.mesh import discovery
from delegation.mesh.compare import Standing
from delegation.mesh.discovery import InventoryProposal, ProposalTerms, draft, units
from delegation.mesh.discovery.leftover_words import LeftoverKind
from delegation.mesh.discovery.leftovers import sayable
from delegation.mesh.discovery.proposal import registered
from delegation.mesh.discovery.proposing import questions
from delegation.mesh.snapshot import Ace, Computer
from delegation.mesh.state import added, flags, removed
from delegation.names import MIGRATION
from tests.builders import (
    BASE,
    DIRECTORY,
    DISABLED,
    DOMAIN,
    ENABLED,
    RECASINGS,
    TODAY,
    TRANSITION,
    UNCONSTRAINED,
    WRITABLE_DC,
    MemoryDirectory,
    World,
    computer,
    domain_controller,
    forms,
    planned,
    survey,
    user,
    worlds,
)

_SPACE = UUID("0d6b9a3e-2f0e-4c57-9d10-5e9f3a1c7b42")


def host(name: str, *values: str, unit: str = "OU=Hyper-V", **changes: object) -> Computer:
    """The account of a Hyper-V host, below ``unit``."""
    spns = (f"{MIGRATION}/{name}", f"{MIGRATION}/{name}.{DOMAIN}", f"HOST/{name}")
    made = computer(name, *values, spns=spns)
    dn = f"CN={name.upper()},{unit},{BASE}"
    return made._replace(dn=dn, guid=uuid5(_SPACE, dn), **changes)  # type: ignore[arg-type]


def complete(
    *labels: str, uac: int = ENABLED | TRANSITION, unit: str = "OU=Hyper-V"
) -> list[Computer]:
    """Hosts that reach each other, all of them."""
    return [
        host(
            one, *(v for other in labels if other != one for v in forms(other)), uac=uac, unit=unit
        )
        for one in labels
    ]


def cifs_of(name: str) -> list[str]:
    return [value for value in forms(name) if value.startswith("cifs/")]


def migration_of(name: str) -> list[str]:
    return [value for value in forms(name) if value.startswith(MIGRATION)]


def proposed(
    accounts: Iterable[Computer],
    *,
    one_mesh: bool = False,
    all_hosts: bool = True,
    chosen: Sequence[Computer] | None = None,
    reached: DirectorySettings | None = None,
    today: date = TODAY,
) -> InventoryProposal:
    accounts = list(accounts)
    chosen = registered(accounts) if chosen is None else chosen
    terms = ProposalTerms(reached or DirectorySettings(), today, one_mesh, all_hosts)
    return discovery.propose(DIRECTORY, chosen, accounts, terms)


def written(proposal: InventoryProposal) -> Inventory:
    """What the reader makes of the file; it is exactly what was proposed."""
    read = parse(draft.text(proposal).encode(), "inventory.yaml")
    assert read._replace(digest="") == proposal.inventory
    return read


def left_out(proposal: InventoryProposal) -> dict[str, str]:
    return {one.name: one.reason for one in proposal.left_out}


def kept(proposal: InventoryProposal) -> dict[str, tuple[str, ...]]:
    return {rule.value: rule.hosts for rule in proposal.inventory.keep}


def kinds(proposal: InventoryProposal) -> dict[LeftoverKind, list[str]]:
    return {group.kind: [rule.value for rule in group.rules] for group in proposal.groups}


def first_plan_is_safe(inventory: Inventory, accounts: Sequence[Computer]) -> None:
    """It adds values, and changes no flag that works; nothing is removed, nothing blocked."""
    directory = MemoryDirectory(accounts)
    comparison = survey(inventory, directory)
    assert len(comparison.hosts) == len(inventory.hosts), "each has one account"
    plan = planned(inventory, directory)
    assert plan.blocked == ()
    found = {account.guid: account for account in accounts}
    for change in plan.changes:
        assert removed(change) == ()
        assert added(change)
        assert "unconstrained" not in flags(change)
        if found[change.target.guid].values:
            assert flags(change) == {}


# Directories as bad as they come

_NAMES = (
    *("hv01", "HV02", "hv03", "hv3", "hv10", "web", "ON", "null", "a1b2", "x_1", "-x", "123"),
    *("hv 1", "hv[1]", "hv\u00f6", "hv: {x", "a" * 15, "b" * 16, "hv\n1"),
)
_DNS = (None, f"hv01.{DOMAIN}", "other.example", "a.b", "no", "1.2.3.4", "x\ny.example", "bad..dot")
_UNITS = (
    *("OU=Hyper-V", "OU=Hyper-V,OU=Berlin", "OU=Hyper-V,OU=Paris", "OU=hyper v", "CN=Computers"),
    *("OU=a\\, b # c: {d}", 'OU="]: *x', "OU=\u2028\ue000\U0001f600", "OU=no", "OU=\\C3\\9C", ""),
)
_VALUES = (
    *(v for name in ("hv01", "hv02", "hv03", "hv10", "web") for v in forms(name)),
    *forms("hv99"),
    *("HTTP/portal", "cifs/sofs01", f"cifs/sofs01.{DOMAIN}", "MSSQLSvc/db:1433", "cifs/dc1"),
    *(f"{MIGRATION}/hv01:*", f"{MIGRATION}/hv02/[x]", f"{MIGRATION}/hv03:\u2028", "cifs/*", "*/*"),
    *(
        "krbtgt/CORP",
        "x",
        "cifs/",
        " cifs/hv01",
        "HTTP/a: b # c",
        'HTTP/"\\',
        "HTTP/\u00e9",
        "a/\n- b",
    ),
)
_ODD_FLAGS = st.sampled_from([0, DISABLED, WRITABLE_DC, DISABLED | UNCONSTRAINED])
_FLAGS = st.sampled_from([0, TRANSITION, TRANSITION | UNCONSTRAINED])
_ODDLY = st.integers(0, 5).map(lambda number: number == 5)


@st.composite
def messes(draw: st.DrawFn) -> list[Computer]:
    """Accounts that nobody made with care, most of them Hyper-V hosts."""
    accounts = [domain_controller(), computer("sofs01"), user("svc", "HTTP/portal")]
    places = draw(st.lists(st.sampled_from(_UNITS), min_size=1, max_size=2))
    for number in range(1, draw(st.integers(3, 7))):
        name = draw(st.sampled_from(_NAMES)) if draw(_ODDLY) else f"hv{number:02}"
        dns = draw(st.sampled_from(_DNS)) if draw(_ODDLY) else f"{name}.{DOMAIN}"
        values = draw(st.lists(st.sampled_from(_VALUES), unique=True, max_size=12))
        recase = draw(st.sampled_from(RECASINGS))
        made = computer(
            name,
            *dict.fromkeys(recase(value) for value in values),
            uac=ENABLED | draw(_ODD_FLAGS if draw(_ODDLY) else _FLAGS),
            dns=dns,
            spns=[] if draw(_ODDLY) else [f"{MIGRATION}/{name}"],
        )
        unit = draw(st.sampled_from(places))
        dn = ",".join(filter(None, (f"CN=x{number}", unit, BASE)))
        accounts.append(made._replace(dn=dn, guid=uuid5(_SPACE, dn)))
    return accounts


def holds_what_it_says(proposal: InventoryProposal, accounts: Sequence[Computer]) -> None:
    """Each value found on a host is desired, kept by a rule that means it alone, or told."""
    inventory = proposal.inventory
    bare = inventory._replace(keep=())
    for host in survey(bare, MemoryDirectory(accounts)).hosts:
        for verdict in host.extra:
            [*rules] = [
                rule
                for rule in inventory.keep
                if host.label in rule.hosts and rule.covers(verdict.value)
            ]
            if verdict.standing is Standing.KEPT:
                assert verdict.peer, "another name of a peer stays without a rule"
            elif sayable(verdict.value):
                [rule] = rules
                assert rule.value.casefold() == verdict.value.casefold()
                assert not rule.accepts_transition
            else:
                assert rules == []
                assert (host.label, verdict.value) in proposal.unsaid


# Laws


class TestForAnyAccounts:
    @given(worlds(dangers=True), st.booleans(), st.booleans(), st.booleans())
    def test_the_first_plan_only_adds(
        self,
        world: World,
        one_mesh: bool,  # noqa: FBT001
        everyone: bool,  # noqa: FBT001
        idle: bool,  # noqa: FBT001
    ) -> None:
        chosen = world.accounts if everyone else None
        proposal = proposed(world.accounts, one_mesh=one_mesh, all_hosts=idle, chosen=chosen)
        if proposal.inventory.hosts:
            first_plan_is_safe(written(proposal), world.accounts)
            holds_what_it_says(proposal, world.accounts)

    @settings(max_examples=150)
    @given(messes(), st.booleans(), st.booleans(), st.booleans())
    def test_so_it_does_in_a_mess(
        self,
        accounts: list[Computer],
        one_mesh: bool,  # noqa: FBT001
        everyone: bool,  # noqa: FBT001
        idle: bool,  # noqa: FBT001
    ) -> None:
        chosen = accounts if everyone else None
        proposal = proposed(accounts, one_mesh=one_mesh, all_hosts=idle, chosen=chosen)
        wanted = accounts if everyone else registered(accounts)
        told = [*proposal.accounts.values(), *(one.account for one in proposal.left_out)]
        assert not idle or not proposal.waiting
        told += proposal.waiting.values()
        assert {a.guid for a in told} == {a.guid for a in wanted}, "in, or left out with a reason"
        if proposal.inventory.hosts:
            first_plan_is_safe(written(proposal), accounts)
            holds_what_it_says(proposal, accounts)

    @given(st.integers(2, 5), st.integers(0, 4), st.sampled_from(RECASINGS), st.data())
    def test_complete_meshes_need_nothing(
        self, here: int, there: int, recase: Callable[[str], str], data: st.DataObject
    ) -> None:
        """Flags and spellings as they are; new hosts alone get anything."""
        flag = st.sampled_from([ENABLED, ENABLED | TRANSITION, ENABLED | UNCONSTRAINED])
        accounts = [
            a._replace(values=tuple(map(recase, a.values)), uac=data.draw(flag))
            for a in (
                *complete(*(f"hv{n:02}" for n in range(here))),
                *complete(*(f"br{n}" for n in range(there)), unit="OU=Branch"),
            )
        ]
        proposal = proposed(accounts)
        assert planned(written(proposal), MemoryDirectory(accounts)).changes == ()
        assert proposal.first.changes == ()
        assert proposal.inventory.keep == ()

    @given(messes())
    def test_reading_more_changes_nothing(self, accounts: list[Computer]) -> None:
        """``questions`` ask for all that matters: more accounts of the domain are no news."""
        chosen = registered(accounts)
        who, spns = questions(chosen)
        directory = MemoryDirectory(accounts)
        asked = [*directory.find(()), *directory.find(who, spns)]
        assert draft.text(proposed(asked, chosen=chosen)) == draft.text(
            proposed(accounts, chosen=chosen)
        )


class TestText:
    @given(st.text(), st.text())
    def test_no_scalar_says_anything_else(self, one: str, other: str) -> None:
        text = f"a: {{k: {scalar(one)}, l: [{scalar(other)}]}}\nb: {scalar(one)}\n"
        assert yaml.safe_load(text) == {"a": {"k": one, "l": [other]}, "b": one}

    @example("yes")
    @example("2026-06-15")
    @example("~")
    @example("1e5")
    @example("<<")
    @given(st.text(alphabet="aeyn0159:-+._/ #\"'\\[]{}*&!|>%@`\n\t"))
    def test_a_scalar_stays_a_text(self, text: str) -> None:
        assert yaml.safe_load(f"- {scalar(text)}\n") == [text]
        assert yaml.safe_load(f"{{{scalar(text)}: 1}}") == {text: 1}

    @given(st.text())
    def test_no_comment_can_be_left(self, words: str) -> None:
        text = "".join(f"{line}\n" for line in comment(words, "  "))
        assert yaml.safe_load(f"a: 1\n{text}b: 2\n") == {"a": 1, "b": 2}
        assert all(line.startswith("  # ") for line in text.splitlines())


# Who is a host


class TestHosts:
    def test_a_range_and_those_that_differ(self) -> None:
        accounts = complete("hv01", "hv02", "hv03", "hv04")
        accounts[1] = accounts[1]._replace(uac=ENABLED)
        accounts[3] = accounts[3]._replace(dns_host_name="HV04.lab.corp.example")
        text = draft.text(proposed(accounts))
        assert "  hv[01,03]:\n" in text
        assert "  hv02: {protocol_transition: false}      # as found\n" in text
        assert "  hv04: {fqdn: hv04.lab.corp.example}\n" in text

    @pytest.mark.parametrize(
        ("changes", "reason"),
        [
            ({"uac": ENABLED | DISABLED}, "its account is disabled"),
            ({"uac": WRITABLE_DC}, "a domain controller"),
            ({"primary_group": 521}, "a domain controller"),
            ({"dns_host_name": None}, "no dNSHostName"),
            ({"dns_host_name": "hv03"}, "its dNSHostName hv03 is no DNS name"),
            ({"dns_host_name": "10.0.0.3"}, "is no DNS name"),
            ({"dns_host_name": f"HV01.{DOMAIN}"}, f"the dNSHostName hv01.{DOMAIN}"),
            ({"dn": "CN=HV03,DC=other,DC=example"}, "another domain than DC=corp,DC=example"),
            ({"account": "a-name-too-long-1$"}, "its name can't be that of a host"),
            ({"account": "12345$"}, "its name can't be that of a host"),
            ({"account": "hv03"}, "its name can't be that of a host"),
            (
                {"spns": (f"{MIGRATION}/hv03", "MSClusterVirtualServer/clu")},
                "a cluster name object",
            ),
            (
                {"object_classes": frozenset({"msds-groupmanagedserviceaccount"})},
                "a group-managed service account",
            ),
            ({"uac": 0x200}, "not a computer account"),
        ],
    )
    def test_what_is_none_is_left_out_and_told(
        self, changes: dict[str, object], reason: str
    ) -> None:
        accounts = complete("hv01", "hv02", "hv04", "hv05")
        accounts.append(host("hv03")._replace(**changes))  # type: ignore[arg-type]
        proposal = proposed(accounts)
        assert "hv03" not in proposal.inventory.hosts
        assert reason in " ".join(left_out(proposal).values())
        assert reason in " ".join(draft.text(proposal).replace("\n  #", "").split())
        first_plan_is_safe(written(proposal), accounts)

    def test_two_accounts_of_one_name(self) -> None:
        twin = host("HV02", unit="OU=Other")
        proposal = proposed([*complete("hv01", "hv02", "hv03"), twin])
        assert left_out(proposal) == {"hv02": "several accounts have this name"}

    def test_one_with_which_a_plan_would_be_refused(self) -> None:
        """Somebody else holds its name, or it says more than an object holds."""
        thief = user("thief", f"cifs/hv02.{DOMAIN}")
        full = host("hv03", *(f"HTTP/x{n}" for n in range(1_195)))
        accounts = [*complete("hv01", "hv02"), full, host("hv04"), thief]
        proposal = proposed(accounts)
        assert list(proposal.inventory.hosts) == ["hv01", "hv04"]
        assert "registered on another account (thief)" in left_out(proposal)["hv02"]
        assert "beyond the limit of 1,200" in left_out(proposal)["hv03"]
        first_plan_is_safe(written(proposal), accounts)

    def test_a_name_that_a_domain_controller_has_too(self) -> None:
        controller = domain_controller()._replace(spns=(f"HTTP/hv02.{DOMAIN}",))
        proposal = proposed([*complete("hv01", "hv02", "hv03"), controller])
        assert "names a domain controller" in left_out(proposal)["hv02"]

    def test_labels_that_yaml_takes_for_something_else(self) -> None:
        accounts = complete("on", "no", "0x1f", "null")
        assert set(written(proposed(accounts)).hosts) == {"on", "no", "0x1f", "null"}

    def test_nobody(self) -> None:
        assert proposed([domain_controller()]).inventory.hosts == {}
        alone = proposed([host("hv01"), host("hv02", unit="OU=Branch")])
        assert alone.inventory.hosts == {}
        reason = "the only host of its organizational unit: a mesh needs two"
        assert left_out(alone) == {"hv01": reason, "hv02": reason}
        together = proposed([host("hv01"), host("hv02", unit="OU=Branch")], one_mesh=True)
        assert set(together.inventory.hosts) == {"hv01", "hv02"}

    def test_below(self) -> None:
        accounts = [host("hv01"), host("hv02", unit="OU=a,OU=Hyper-V"), host("hv03", unit="OU=x")]
        found = units.below(accounts, ["ou=hyper-v, dc=corp,dc=example", "OU=y,DC=corp,DC=example"])
        assert [account.name for account in found] == ["hv01", "hv02"]


# Meshes


class TestMeshes:
    def test_one_for_each_unit(self) -> None:
        accounts = [
            *complete("hv01", "hv02", unit="OU=Hyper-V Production"),
            *complete("br1", "br2", unit="OU=Branch\\, East,OU=Hyper-V Production"),
            host("lonely", unit="OU=Lab"),
        ]
        proposal = proposed(accounts)
        assert {m.name: m.sources for m in proposal.inventory.meshes} == {
            "hyper-v-production": ("hv01", "hv02"),
            "branch-east": ("br1", "br2"),
        }
        assert left_out(proposal) == {
            "lonely": "the only host of its organizational unit: a mesh needs two"
        }

    @pytest.mark.parametrize(
        ("found", "expected"),
        [
            (["OU=Hosts,OU=Berlin", "OU=Hosts,OU=Paris"], ["berlin-hosts", "paris-hosts"]),
            (["OU=Hosts", "OU=Hosts,OU=Paris"], ["hosts", "paris-hosts"]),
            (["OU=a b", "OU=a-b"], ["a-b-1", "a-b-2"]),
            (["OU=a b", "OU=a-b", "OU=a-b-1"], ["a-b-1", "a-b-2", "a-b-1-1"]),
            (["OU=\\C3\\9Cber"], ["\u00fcber"]),
            (["OU=***"], ["mesh"]),
            (["CN=Computers", ""], ["computers", "corp"]),
            (["OU=" + "x" * 200], ["x" * 60]),
        ],
    )
    def test_names(self, found: list[str], expected: list[str]) -> None:
        meshes = [
            units.UnitMembers(",".join(filter(None, (unit, BASE))), (f"a{n}", f"b{n}"))
            for n, unit in enumerate(found)
        ]
        assert sorted(units.named(meshes)) == sorted(expected)

    def test_one_mesh(self) -> None:
        accounts = [*complete("hv01", "hv02"), *complete("br1", "br2", unit="OU=Branch")]
        proposal = proposed(accounts, one_mesh=True)
        [mesh] = proposal.inventory.meshes
        assert (mesh.name, set(mesh.sources)) == ("all", {"hv01", "hv02", "br1", "br2"})
        assert sum(len(added(change)) for change in proposal.first.changes) == 4 * 2 * 4

    def test_a_unit_that_is_too_large_for_one(self) -> None:
        accounts = [host(f"hv{n:03}") for n in range(301)]
        proposal = proposed(accounts)
        assert [(m.name, len(m.sources)) for m in proposal.inventory.meshes] == [
            ("hyper-v-1", 151),
            ("hyper-v-2", 150),
        ]
        assert proposal.first.blocked == ()

    def test_a_partial_mesh_is_completed(self) -> None:
        accounts = complete("hv01", "hv02", "hv03")
        accounts[0] = accounts[0]._replace(values=accounts[0].values[:5])
        [change] = proposed(accounts).first.changes
        assert change.target.name == "hv01"
        assert set(added(change)) == set(forms("hv03")) - set(accounts[0].values)
        assert flags(change) == {}


# Flags


class TestFlags:
    def test_most_decide_and_the_others_stay(self) -> None:
        accounts = complete("hv01", "hv02", "hv03", uac=ENABLED)
        accounts[2] = accounts[2]._replace(uac=ENABLED | TRANSITION)
        accounts.append(host("hv04"))
        proposal = proposed(accounts)
        assert proposal.transition is False
        flagged = {h.label: h.protocol_transition for h in proposal.inventory.hosts.values()}
        assert flagged == {"hv01": False, "hv02": False, "hv03": True, "hv04": False}
        text = draft.text(proposal)
        assert "protocol_transition: false\n" in text
        assert "  hv03: {protocol_transition: true}      # as found" in text
        assert "# Nothing is delegated on hv04 yet" in text

    def test_it_is_on_where_nobody_delegates_migrations(self) -> None:
        """A portal says nothing about how migrations are to be; its host stays as it is."""
        proposal = proposed([host("hv01"), host("hv02", "HTTP/portal"), host("hv03")])
        assert proposal.transition is True
        assert proposal.inventory.hosts["hv02"].protocol_transition is False
        assert "values of others are in it" in draft.text(proposal)
        assert proposal.first.blocked == ()

    def test_what_is_dangerous_is_told_and_left(self) -> None:
        accounts = complete("hv01", "hv02", uac=ENABLED | TRANSITION | UNCONSTRAINED)
        accounts[0] = accounts[0]._replace(acting=(Ace(True, 1, "S-1-5-11"),))
        text = draft.text(proposed(accounts))
        assert "hv[01-02]: trusted for delegation to ANY service" in text
        assert "  unconstrained: report" in text
        assert "Resource-based delegation is set too" in text

    def test_a_host_without_the_registered_name(self) -> None:
        accounts = complete("hv01", "hv02")
        accounts[0] = accounts[0]._replace(spns=())
        proposal = proposed(accounts, chosen=accounts)
        assert proposal.unregistered == ["hv01"]
        assert "has not registered its name on hv01" in draft.text(proposal)


# Values of others


class TestKeep:
    def test_what_each_value_seems_to_be(self) -> None:
        mesh = complete("hv01", "hv02")
        values = (
            *("cifs/sofs01", f"cifs/sofs01.{DOMAIN}", "HTTP/portal", "cifs/hv02:445"),
            *("Hyper-V Replica Service/hv02", *cifs_of("br1"), *forms("hv99"), "cifs/hv90"),
            *(f"{MIGRATION}/hv01", "ldap/dc1", "krbtgt/CORP"),
        )
        accounts = [
            mesh[0]._replace(values=(*mesh[0].values, *values)),
            mesh[1]._replace(values=(*mesh[1].values, *cifs_of("br1"))),
            *complete("br1", "br2", unit="OU=Branch"),
            *(computer("sofs01"), user("svc-web", "HTTP/portal"), domain_controller()),
            computer("hv90", uac=ENABLED | DISABLED),
        ]
        proposal = proposed(accounts)
        assert kinds(proposal) == {
            LeftoverKind.CONTROLLER: ["ldap/dc1", "krbtgt/CORP"],
            LeftoverKind.OTHER_MESH: cifs_of("br1"),
            LeftoverKind.ITSELF: [f"{MIGRATION}/hv01"],
            LeftoverKind.SERVICE: ["cifs/hv02:445", "Hyper-V Replica Service/hv02"],
            LeftoverKind.SERVER: ["cifs/sofs01", f"cifs/sofs01.{DOMAIN}"],
            LeftoverKind.ACCOUNT: ["HTTP/portal"],
            LeftoverKind.DISABLED: ["cifs/hv90"],
            LeftoverKind.NOBODY: list(forms("hv99")),
        }
        found = kept(proposal)
        assert found["cifs/br1"] == ("hv01", "hv02")
        assert found["cifs/hv99"] == ("hv01",)
        assert proposal.first.changes == ()
        text = draft.text(proposal)
        for words in ("DANGER: dc1", "of mesh branch", "a file server?", "nobody in this domain"):
            assert words in text

    def test_the_usual_spelling_is_written_and_all_are_kept(self) -> None:
        accounts = complete("hv01", "hv02", "hv03")
        for index, value in enumerate(("HTTP/Portal", "HTTP/Portal", "http/PORTAL")):
            accounts[index] = accounts[index]._replace(values=(*accounts[index].values, value))
        proposal = proposed(accounts)
        assert kept(proposal) == {"HTTP/Portal": ("hv01", "hv02", "hv03")}
        first_plan_is_safe(written(proposal), accounts)

    @pytest.mark.parametrize(
        "value", ["no slash", "cifs/*", "cifs/a?", "a/[b]", " a/b", "a/\u2028"]
    )
    def test_what_no_rule_can_say_stays_and_is_told(self, value: str) -> None:
        accounts = complete("hv01", "hv02")
        accounts[0] = accounts[0]._replace(values=(*accounts[0].values, value))
        proposal = proposed(accounts)
        assert proposal.inventory.keep == ()
        assert proposal.unsaid == (("hv01", value),)
        assert "No rule can say these exactly" in draft.text(proposal)
        first_plan_is_safe(written(proposal), accounts)

    def test_a_host_is_left_out_where_a_plan_would_remove_such_a_value(self) -> None:
        accounts = complete("hv01", "hv02", "hv03")
        value = f"{MIGRATION}/hv01:*"
        accounts[0] = accounts[0]._replace(values=(*accounts[0].values, value))
        proposal = proposed(accounts)
        assert list(proposal.inventory.hosts) == ["hv02", "hv03"]
        assert value in left_out(proposal)["hv01"]
        assert kinds(proposal) == {LeftoverKind.ACCOUNT: list(forms("hv01"))}
        first_plan_is_safe(written(proposal), accounts)

    def test_transition_is_accepted_for_nobody(self) -> None:
        accounts = [host("hv01", "HTTP/portal"), host("hv02", uac=ENABLED | TRANSITION)]
        assert not any(rule.accepts_transition for rule in proposed(accounts).inventory.keep)


# The file


SETTINGS = DirectorySettings(
    url="ldap://dc1.corp.example",
    start_tls=True,
    auth=Auth.SIMPLE,
    user='CORP\\svc "x": #',
    ca_file="../c a.pem",
    site="Branch-1",
    dns_servers=("10.0.0.53", "fd00::1"),
)


def test_the_settings_come_back() -> None:
    assert written(proposed(complete("hv01", "hv02"), reached=SETTINGS)).directory == SETTINGS


def test_all_of_it_is_explained() -> None:
    text = draft.text(proposed(complete("hv01", "hv02"), today=date(2026, 11, 24)))
    assert text.startswith(
        "# Inventory of corp.example, written by `delegation init` on 2026-11-24"
    )
    assert all(len(line) <= 100 for line in text.splitlines() if line.lstrip().startswith("#"))
    assert "keep: []" in text
    assert "retired: []" in text


def test_the_order_of_accounts_means_nothing() -> None:
    accounts = [*complete("hv01", "hv02", "hv03"), host("hv04", "HTTP/x", "cifs/hv99")]
    assert draft.text(proposed(accounts)) == draft.text(proposed(accounts[::-1]))


def test_questions() -> None:
    accounts = [host("hv01", *forms("hv02"), "cifs/sofs01.corp.example", "x"), host("hv02")]
    who, spns = questions(accounts)
    assert who == ["hv01", "hv02", "sofs01"]
    own = [spn for spn in spns if spn.startswith("HOST/hv")]
    assert own == ["HOST/hv01", "HOST/hv01.corp.example", "HOST/hv02", "HOST/hv02.corp.example"]
    assert sorted(set(spns) - set(own)) == ["HOST/sofs01.corp.example", "cifs/sofs01.corp.example"]


# Who delegates to whom


def members(proposal: InventoryProposal) -> dict[str, tuple[tuple[str, ...], tuple[str, ...]]]:
    return {mesh.name: (mesh.sources, mesh.targets) for mesh in proposal.inventory.meshes}


def both(*labels: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    return labels, labels


class TestOnlyWhatDelegates:
    def test_a_mesh_is_what_delegates_to_each_other(self) -> None:
        """By way of others, and across organizational units; it is mended where it has a hole."""
        chain = [
            host("hv01", *forms("hv02")),
            host("hv02", *forms("hv01"), *forms("br1")),
            host("br1", *forms("hv02"), unit="OU=Branch"),
        ]
        proposal = proposed([*chain, *complete("x1", "x2")], all_hosts=False)
        assert sorted(members(proposal).values()) == [both("br1", "hv01", "hv02"), both("x1", "x2")]
        adding = {change.target.name: added(change) for change in proposal.first.changes}
        assert adding == {"hv01": forms("br1"), "br1": forms("hv01")}

    def test_two_meshes_of_one_unit_stay_two(self) -> None:
        proposal = proposed([*complete("a1", "a2"), *complete("b1", "b2")], all_hosts=False)
        assert members(proposal) == {"hyper-v-1": both("a1", "a2"), "hyper-v-2": both("b1", "b2")}
        assert proposal.first.changes == ()

    def test_one_way_stays_one_way(self) -> None:
        """What is only migrated to gets neither values nor a flag."""
        mesh = [
            one._replace(values=(*one.values, *forms("dr1"), *forms("dr2")))
            for one in complete("hv01", "hv02")
        ]
        targets = [host(name, unit="OU=Recovery", uac=ENABLED) for name in ("dr1", "dr2")]
        proposal = proposed([*mesh, *targets], all_hosts=False)
        assert members(proposal) == {
            "hyper-v": both("hv01", "hv02"),
            "to-recovery": (("hv01", "hv02"), ("dr1", "dr2")),
        }
        assert proposal.first.changes == ()
        assert written(proposal).hosts["dr1"].protocol_transition is False

    def test_the_migration_service_alone_joins_no_meshes(self) -> None:
        """It moves nothing without cifs, which nobody has asked for."""
        mesh = complete("hv01", "hv02")
        accounts = [
            mesh[0]._replace(values=(*mesh[0].values, *migration_of("br1"))),
            *(mesh[1], *complete("br1", "br2", unit="OU=Branch")),
        ]
        proposal = proposed(accounts, all_hosts=False)
        assert members(proposal) == {"branch": both("br1", "br2"), "hyper-v": both("hv01", "hv02")}
        assert kinds(proposal) == {LeftoverKind.OTHER_MESH: migration_of("br1")}
        assert proposal.first.changes == ()

    def test_one_way_without_cifs_is_told(self) -> None:
        proposal = proposed([host("hv01", *migration_of("dr1")), host("dr1")], all_hosts=False)
        assert written(proposal).meshes[0].services == (MIGRATION,)
        assert proposal.first.changes == ()
        assert list(proposal.meshes()) == [
            "mesh to-hyper-v  hv01 to dr1, one way; no cifs between them"
        ]

    def test_sources_of_different_targets_are_kept_apart(self) -> None:
        accounts = [
            host("a", *forms("x")), host("b", *forms("x"), *forms("y")), host("x"), host("y"),
        ]  # fmt: skip
        proposal = proposed(accounts, all_hosts=False)
        assert sorted(members(proposal).values()) == [(("a",), ("x",)), (("b",), ("x", "y"))]
        assert proposal.first.changes == ()

    def test_what_is_left_of_a_pair_counts(self) -> None:
        """One end lost its values of the migration service, and not its cifs."""
        accounts = [host("hv01", *cifs_of("hv02")), host("hv02", *forms("hv01"))]
        proposal = proposed(accounts, all_hosts=False)
        assert members(proposal) == {"hyper-v": both("hv01", "hv02")}
        [change] = proposal.first.changes
        assert set(added(change)) == set(migration_of("hv02"))

    def test_cifs_alone_is_somebody_elses(self) -> None:
        accounts = [host("hv01", *cifs_of("hv03")), *complete("hv02", "hv04"), host("hv03")]
        proposal = proposed(accounts, all_hosts=False)
        assert set(proposal.accounts) == {"hv02", "hv04"}
        assert set(proposal.waiting) == {"hv01", "hv03"}

    def test_hosts_without_delegation_are_written_as_a_comment(self) -> None:
        odd = host("hv8")._replace(dns_host_name="hv8.lab.example")
        accounts = [*complete("hv01", "hv02"), host("hv03"), host("hv04"), odd]
        proposal = proposed(accounts, all_hosts=False)
        assert set(written(proposal).hosts) == {"hv01", "hv02"}
        assert proposal.not_proposed() == (
            "3 hosts without any delegation, not proposed: hv8,hv[03-04]"
        )
        text = draft.text(proposal)
        assert "\n  # hv[03-04]:\n" in text
        lines = [
            line.replace("  # ", "  ", 1) if line.startswith(("  # hv[", "  # hv8:")) else line
            for line in text.splitlines()
        ]
        named = "\n".join(lines).replace('["hv[01-02]"]', '["hv[01-04]", "hv8"]')
        read = parse(named.encode(), "inventory.yaml")
        assert set(read.hosts) == {"hv01", "hv02", "hv03", "hv04", "hv8"}
        assert read.hosts["hv8"].fqdn == "hv8.lab.example"

    def test_all_of_them_join_the_mesh_of_their_unit(self) -> None:
        accounts = [*complete("hv01", "hv02"), host("hv03"), host("br1", unit="OU=Branch"),
                    host("br2", unit="OU=Branch")]  # fmt: skip
        proposal = proposed(accounts)
        assert members(proposal) == {
            "branch": both("br1", "br2"),
            "hyper-v": both("hv01", "hv02", "hv03"),
        }
        assert proposal.waiting == {}

    def test_nobody_delegates(self) -> None:
        proposal = proposed([host("hv01"), host("hv02")], all_hosts=False)
        assert proposal.inventory.hosts == {}
        assert set(proposal.waiting) == {"hv01", "hv02"}

    @given(messes(), st.booleans())
    def test_nobody_gets_a_first_delegation(
        self,
        accounts: list[Computer],
        everyone: bool,  # noqa: FBT001
    ) -> None:
        """Whoever gets values has some already, or is delegated to by the migration service."""
        chosen = accounts if everyone else None
        proposal = proposed(accounts, all_hosts=False, chosen=chosen)
        in_use = {value.casefold() for account in accounts for value in account.values}
        for change in proposal.first.changes:
            account = proposal.accounts[change.target.name]
            called = {
                f"{MIGRATION}/{one}".casefold() for one in (account.name, account.dns_host_name)
            }
            migrates = any(v.casefold().startswith(MIGRATION.casefold()) for v in account.values)
            assert migrates or called & in_use


@pytest.mark.parametrize(
    "value", ["cifs/dc1", f"ldap/dc1.{DOMAIN}", "krbtgt/CORP", "MSSQLSvc/gone:1433", "a/b/c"]
)
def test_what_is_said_of_values_that_should_go_does_it(value: str) -> None:
    """Without its rule and under remove, it goes; also what leads to a domain controller."""
    mesh = complete("hv01", "hv02")
    accounts = [mesh[0]._replace(values=(*mesh[0].values, value)), mesh[1], domain_controller()]
    proposal = proposed(accounts, all_hosts=False)
    lines = draft.text(proposal).splitlines()
    said = " ".join(" ".join(lines).replace("#", "").split())
    assert "delete these rules, and list the values under remove" in said
    left = [line for line in lines if not line.startswith(("  - {value", "keep:"))]
    text = "\n".join([*left, f"remove: [{{value: {scalar(value)}, hosts: [hv01]}}]"])
    plan = planned(parse(text.encode(), "inventory.yaml"), MemoryDirectory(accounts))
    assert plan.blocked == ()
    [change] = plan.changes
    assert removed(change) == (value,)


class TestOnlyMigrating:
    """VMs that stay on SMB storage: the migration service to peers, cifs to the file server."""

    def farm(self, *more: str) -> list[Computer]:
        accounts = [
            host(one, *(v for peer in ("hv01", "hv02") if peer != one for v in migration_of(peer)),
                 *cifs_of("sofs01"), *more)
            for one in ("hv01", "hv02")
        ]  # fmt: skip
        return [*accounts, computer("sofs01", spns=["HOST/sofs01"])]

    def test_it_is_told(self) -> None:
        proposal = proposed(self.farm(), all_hosts=False)
        assert list(proposal.meshes()) == ["mesh hyper-v  hv[01-02]; no cifs between them"]
        text = draft.text(proposal)
        assert "no cifs, as is done where virtual" in text
        assert "services: [migration]" in text
        assert proposal.first.changes == ()
        first_plan_is_safe(written(proposal), self.farm())
        assert "sofs01, an account of this domain, and cifs alone: a file server?" in text

    def test_one_value_of_cifs_is_no_such_farm(self) -> None:
        accounts = [self.farm()[0]._replace(values=(*self.farm()[0].values, "CIFS/HV02")),
                    *self.farm()[1:]]  # fmt: skip
        proposal = proposed(accounts, all_hosts=False)
        assert "services" not in draft.text(proposal)

    def test_a_hole_is_mended_without_cifs(self) -> None:
        farm = self.farm()
        farm[0] = farm[0]._replace(values=farm[0].values[1:])
        proposal = proposed(farm, all_hosts=False)
        [change] = proposal.first.changes
        assert list(added(change)) == migration_of("hv02")[:1]

    def test_hosts_without_delegation_are_none(self) -> None:
        proposal = proposed([host("hv01"), host("hv02")])
        assert "services" not in draft.text(proposal)


class TestFormerSuffixes:
    """Values with another suffix of hosts that live on: a script's, or from before a move."""

    def values(self, *labels: str, suffix: str) -> list[str]:
        return [
            f"{service}/{label}.{suffix}" for label in labels for service in ("cifs", MIGRATION)
        ]

    @pytest.mark.parametrize("suffix", ["old.example", "OLD.example", "corp.old.example"])
    def test_they_are_no_retired_hosts(self, suffix: str) -> None:
        mesh = complete("hv01", "hv02", "hv03")
        ghosts = self.values("hv02", "hv03", suffix=suffix)
        accounts = [mesh[0]._replace(values=(*mesh[0].values, *ghosts)), *mesh[1:]]
        proposal = proposed(accounts, all_hosts=False)
        assert set(kinds(proposal)) == {LeftoverKind.FORMER}
        text = " ".join(draft.text(proposal).replace("#", "").split())
        assert f"write former_suffixes: [{suffix.lower()}]" in text
        assert "list it under retired" not in text

    def test_the_advice_is_taken_by_the_reader_and_does_it(self) -> None:
        mesh = complete("hv01", "hv02")
        ghosts = self.values("hv02", suffix="old.example")
        accounts = [mesh[0]._replace(values=(*mesh[0].values, *ghosts)), mesh[1]]
        proposal = proposed(accounts, all_hosts=False)
        lines = draft.text(proposal).splitlines()
        text = "\n".join(line for line in lines if not line.startswith(("  - {value", "keep:")))
        text += "\nformer_suffixes: [old.example]\n"
        plan = planned(parse(text.encode(), "inventory.yaml"), MemoryDirectory(accounts))
        [change] = plan.changes
        assert set(removed(change)) == set(ghosts)

    @pytest.mark.parametrize("suffix", [DOMAIN, "old.example"])
    def test_what_is_said_of_a_host_that_is_gone_does_it(self, suffix: str) -> None:
        """Its values go, whatever its suffix was, by what the comment tells to write."""
        ghosts = ["cifs/hv99", *self.values("hv99", suffix=suffix)]
        mesh = complete("hv01", "hv02")
        accounts = [mesh[0]._replace(values=(*mesh[0].values, *ghosts)), mesh[1]]
        lines = draft.text(proposed(accounts, all_hosts=False)).splitlines()
        said = " ".join(" ".join(lines).replace("#", "").split())
        assert ("retired ({name: hv99, fqdn: hv99.old.example})" in said) is (suffix != DOMAIN)
        retired = "hv99" if suffix == DOMAIN else "{name: hv99, fqdn: hv99.old.example}"
        kept_lines = [line for line in lines if not line.startswith(("  - {value", "keep:"))]
        text = "\n".join(kept_lines).replace("retired: []", f"retired: [{retired}]")
        plan = planned(parse(text.encode(), "inventory.yaml"), MemoryDirectory(accounts))
        [change] = plan.changes
        assert set(removed(change)) == set(ghosts)

    def test_a_host_that_is_gone_is_still_one_to_retire(self) -> None:
        mesh = complete("hv01", "hv02")
        accounts = [mesh[0]._replace(values=(*mesh[0].values, *forms("hv99"))), mesh[1]]
        assert set(kinds(proposed(accounts, all_hosts=False))) == {LeftoverKind.NOBODY}
