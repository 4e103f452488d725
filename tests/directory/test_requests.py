"""The bytes of requests: those that ldap3 and pyasn1 would send, and those that an apply sends."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ldap3 import BASE, DEREF_NEVER, SUBTREE
from ldap3.operation.modify import modify_operation
from ldap3.operation.search import search_operation
from ldap3.protocol.microsoft import security_descriptor_control
from ldap3.protocol.rfc2696 import paged_search_control
from ldap3.protocol.rfc4511 import LDAPMessage, MessageID, ProtocolOp
from ldap3.utils.conv import escape_bytes
from pyasn1.codec.ber import decoder, encoder

from delegation.directory import filters, requests
from delegation.directory.requests import ADD, DELETE, Modification
from tests.lab import Lab, admin
from tests.lab.description import (
    TRUSTED_FOR_DELEGATION,
    TRUSTED_TO_AUTH_FOR_DELEGATION,
    WORKSTATION_TRUST_ACCOUNT,
)
from tests.story.wiretap import MODIFY, Seen, Wiretap
from tests.story.witness import towards
from tests.story.workstation import Workstation

NAMES = {ADD: "MODIFY_ADD", DELETE: "MODIFY_DELETE"}

attributes = st.sampled_from(["msDS-AllowedToDelegateTo", "userAccountControl", "x"])
values = st.one_of(
    st.binary(max_size=20),
    st.integers(0, 70_000).map(bytes),
    st.sampled_from([127, 128, 255, 256, 65535, 65536]).map(bytes),
    st.text(max_size=20).map(str.encode),
)
modifications = st.lists(
    st.tuples(st.sampled_from([ADD, DELETE]), attributes, st.lists(values, min_size=1, max_size=5)),
    min_size=1,
    max_size=4,
)
message_ids = st.one_of(
    st.integers(1, 2**31 - 1), st.sampled_from([1, 127, 128, 255, 256, 32767, 32768, 2**31 - 1])
)
targets = st.one_of(
    st.uuids().map(lambda guid: f"<GUID={guid}>"),
    st.text(min_size=1, max_size=200, alphabet=st.characters(exclude_categories=["Cs"])),
)


def by_ldap3(message_id: int, dn: str, asked: list[Modification]) -> bytes:
    """The same request out of the libraries that everybody uses."""
    changes: dict[str, list[tuple[str, list[bytes]]]] = {}
    for operation, attribute, wanted in asked:
        changes.setdefault(attribute, []).append((NAMES[operation], list(wanted)))
    request = modify_operation(dn, changes, auto_encode=False)
    message = LDAPMessage()
    message["messageID"] = MessageID(message_id)
    message["protocolOp"] = ProtocolOp().setComponentByName(MODIFY, request)
    raw: bytes = encoder.encode(message)
    return raw


def in_order(asked: list[Modification]) -> list[Modification]:
    """Attribute by attribute, which is how ldap3 takes them."""
    seen = list(dict.fromkeys(attribute for _, attribute, _ in asked))
    return sorted(asked, key=lambda one: seen.index(one[1]))


@given(message_ids, targets, modifications)
def test_the_bytes_are_those_of_ldap3(message_id: int, dn: str, asked: list[Modification]) -> None:
    asked = in_order(asked)
    assert requests.modify(message_id, dn, asked) == by_ldap3(message_id, dn, asked)


@given(message_ids, targets, modifications)
def test_a_decoder_reads_what_was_asked(
    message_id: int, dn: str, asked: list[Modification]
) -> None:
    message, rest = decoder.decode(requests.modify(message_id, dn, asked), asn1Spec=LDAPMessage())
    assert rest == b""
    assert message["messageID"] == message_id
    assert not message["controls"].isValue
    assert bytes(message["protocolOp"][MODIFY]["object"]) == dn.encode()
    assert steps(message) == [(op, name, [*given]) for op, name, given in asked]


def steps(message: Any) -> list[tuple[int, str, list[bytes]]]:
    """Operation, attribute and values of a decoded modify, in their order."""
    return [
        (
            int(change["operation"]),
            bytes(change["modification"]["type"]).decode(),
            [bytes(value) for value in change["modification"]["vals"]],
        )
        for change in message["protocolOp"][MODIFY]["changes"]
    ]


names = st.sampled_from(["sAMAccountName", "servicePrincipalName", "x"])
asserted = st.one_of(st.binary(min_size=1, max_size=20), st.sampled_from([b"*", b"(", b")\\\0"]))
pieces = st.text(st.characters(codec="ascii", exclude_characters="*"), max_size=5)


def escaped(raw: bytes) -> str:
    text: str = escape_bytes(raw)
    return text


single = st.one_of(
    st.tuples(names, asserted).map(
        lambda it: (filters.equal(*it), f"({it[0]}={escaped(it[1])})"),
    ),
    st.tuples(names, st.lists(pieces, min_size=2, max_size=4).filter(any)).map(
        lambda it: (
            filters.fits(it[0], "*".join(it[1])),
            f"({it[0]}={'*'.join(escaped(piece.encode()) for piece in it[1])})",
        )
    ),
    names.map(lambda name: (filters.present(name), f"({name}=*)")),
)
several = st.lists(single, min_size=1, max_size=4)
terms = st.one_of(
    single,
    several.map(
        lambda them: (
            filters.any_of([raw for raw, _ in them]),
            f"(|{''.join(text for _, text in them)})",
        )
    ),
    several.map(
        lambda them: (
            filters.all_of([raw for raw, _ in them]),
            f"(&{''.join(text for _, text in them)})",
        )
    ),
)
SCOPES = {BASE: requests.BASE, SUBTREE: requests.SUBTREE}


@given(
    message_ids,
    st.text(max_size=20, alphabet=st.characters(exclude_categories=["Cs"])),
    st.sampled_from([BASE, SUBTREE]),
    terms,
    st.lists(names, max_size=3),
    st.sampled_from([0, 5, 1000]),
)
def test_a_search_is_that_of_ldap3(  # noqa: PLR0917 - the parts of a search
    message_id: int, base: str, scope: str, asked: tuple[bytes, str], listed: list[str], most: int
) -> None:
    raw, text = asked
    request = search_operation(
        base, text, scope, DEREF_NEVER, listed, most, 0, False, auto_escape=True, auto_encode=False
    )
    message = LDAPMessage()
    message["messageID"] = MessageID(message_id)
    message["protocolOp"] = ProtocolOp().setComponentByName("searchRequest", request)
    sent = requests.search(message_id, base, SCOPES[scope], raw, listed, most=most)
    assert sent == encoder.encode(message)


def test_a_pattern_of_nothing_but_a_star_fits_any_value() -> None:
    assert filters.fits("x", "*") == filters.fits("x", "**") == filters.present("x")


@pytest.mark.parametrize(
    ("ours", "by_ldap3"),
    [
        (requests.page(1_000, b""), paged_search_control(True, 1_000, None)),
        (requests.page(5, b"next"), paged_search_control(True, 5, b"next")),
        (requests.descriptor_parts(1), security_descriptor_control(True, 1)[0]),
    ],
)
def test_a_control_says_what_that_of_ldap3_does(ours: bytes, by_ldap3: Any) -> None:
    sent = requests.search(1, "", requests.BASE, filters.present("x"), [], control=ours)
    message, rest = decoder.decode(sent, asn1Spec=LDAPMessage())
    assert rest == b""
    (control,) = message["controls"]
    assert bytes(control["controlType"]) == bytes(by_ldap3["controlType"])
    assert bool(control["criticality"]) is bool(by_ldap3["criticality"]) is True
    assert bytes(control["controlValue"]) == bytes(by_ldap3["controlValue"])


VALUES, FLAGS = "msDS-AllowedToDelegateTo", "userAccountControl"
PLAIN = str(WORKSTATION_TRUST_ACCOUNT).encode()
TRANSITION = str(WORKSTATION_TRUST_ACCOUNT | TRUSTED_TO_AUTH_FOR_DELEGATION).encode()


def sorted_steps(seen: Seen) -> list[tuple[int, str, list[bytes]]]:
    """The order of values in one step means nothing."""
    return [(op, name, sorted(given)) for op, name, given in steps(seen.message)]


def encoded(*wanted: str) -> list[bytes]:
    return sorted(value.encode() for value in wanted)


@pytest.mark.lab
class TestOnTheWire:
    """What leaves for a domain controller, seen behind the client's TLS."""

    @pytest.fixture
    def wire(self, fresh_lab: Lab) -> Iterator[Wiretap]:
        with Wiretap(fresh_lab) as wire:
            yield wire

    @pytest.fixture
    def desk(self, fresh_lab: Lab, wire: Wiretap, tmp_path: Path) -> Workstation:
        return Workstation(tmp_path, fresh_lab, url=wire.url)

    def test_one_modify_an_object_of_values_added_by_name(
        self, desk: Workstation, wire: Wiretap
    ) -> None:
        desk.inventory("hosts: {'hv[01-08]': }")
        assert desk.run("apply", "--yes").code == 0
        sent = wire.of_kind(MODIFY)
        hosts = [f"hv{number:02}" for number in range(1, 9)]
        assert len(sent) == len(hosts)
        assert [sorted_steps(seen) for seen in sent] == [
            [
                (ADD, VALUES, encoded(*(towards(*hosts) - towards(host)))),
                (DELETE, FLAGS, [PLAIN]),
                (ADD, FLAGS, [TRANSITION]),
            ]
            for host in hosts
        ]

    def test_an_object_is_named_by_its_guid_and_nothing_is_made_permissive(
        self, desk: Workstation, wire: Wiretap
    ) -> None:
        desk.inventory("hosts: {'hv[01-04]': }")
        assert desk.run("apply", "--yes").code == 0
        guids = {f"<GUID={one['guid']}>" for one in self.changes(desk)}
        sent = wire.of_kind(MODIFY)
        named = [bytes(seen.message["protocolOp"][MODIFY]["object"]).decode() for seen in sent]
        assert set(named) == guids
        assert len(named) == len(guids)
        # No controls at all, so neither permissive modify (1.2.840.113556.1.4.1413) nor another.
        assert not any(seen.message["controls"].isValue for seen in sent)

    def changes(self, desk: Workstation) -> list[dict[str, Any]]:
        changes: list[dict[str, Any]] = desk.run("history", "1", "--format", "json").data["changes"]
        return changes

    def test_the_rest_goes_once_the_canary_has_its_answer(
        self, desk: Workstation, wire: Wiretap
    ) -> None:
        desk.inventory("hosts: {'hv[01-08]': }")
        assert desk.run("apply", "--yes").code == 0
        canary, second, *_ = wire.of_kind(MODIFY)
        assert second.answers == canary.answers + 1

    def test_nobody_waits_for_an_answer_after_the_canary(
        self, desk: Workstation, wire: Wiretap
    ) -> None:
        desk.inventory("hosts: {'hv[01-08]': }")
        # The DC's answer to the second one is held back, and yet all others arrive.
        wire.stop_at(2, answer=True)
        apply = desk.start("apply", "--yes")
        wire.wait_until_held(apply.process)
        wire.wait_for_modifies(8)
        wire.release()
        assert apply.end().code == 0

    def test_without_its_answer_the_canary_stays_alone(
        self, desk: Workstation, wire: Wiretap
    ) -> None:
        desk.inventory("hosts: {'hv[01-08]': }")
        wire.stop_at(1, answer=True)
        apply = desk.start("apply", "--yes")
        wire.wait_until_held(apply.process)
        apply.interrupt()
        assert apply.end().code == 130
        assert len(wire.of_kind(MODIFY)) == 1

    def test_values_go_by_name_too_never_by_replacing_the_list(
        self, desk: Workstation, wire: Wiretap, fresh_lab: Lab
    ) -> None:
        admin.add_values(fresh_lab, "hv01", "CIFS/hv99", "cifs/HV99.corp.example", "cifs/hv02")
        admin.set_flags(fresh_lab, "hv01", on=TRUSTED_FOR_DELEGATION)
        admin.set_flags(fresh_lab, "hv02", on=TRUSTED_TO_AUTH_FOR_DELEGATION)
        desk.inventory("""
            hosts: {hv01: , hv02: }
            retired: [hv99]
            policy: {unconstrained: clear}
        """)
        gone = encoded("CIFS/hv99", "cifs/HV99.corp.example")
        new = encoded(*(towards("hv02") - {"cifs/hv02"}))
        loose = str(WORKSTATION_TRUST_ACCOUNT | TRUSTED_FOR_DELEGATION).encode()
        assert desk.run("apply", "--yes").code == 0
        assert [sorted_steps(seen) for seen in wire.of_kind(MODIFY)] == [
            [
                (DELETE, VALUES, gone),
                (ADD, VALUES, new),
                (DELETE, FLAGS, [loose]),
                (ADD, FLAGS, [TRANSITION]),
            ],
            [(ADD, VALUES, encoded(*towards("hv01")))],
        ]
        wire.requests.clear()
        assert desk.run("rollback", "--yes", "--allow", "unconstrained").code == 0
        assert [sorted_steps(seen) for seen in wire.of_kind(MODIFY)] == [
            [
                (DELETE, VALUES, new),
                (ADD, VALUES, gone),
                (DELETE, FLAGS, [TRANSITION]),
                (ADD, FLAGS, [loose]),
            ],
            [(DELETE, VALUES, encoded(*towards("hv01")))],
        ]

    def test_nothing_else_is_asked_of_the_dc(self, desk: Workstation, wire: Wiretap) -> None:
        desk.inventory("hosts: {'hv[01-04]': }")
        assert desk.run("apply", "--yes").code == 0
        kinds = [seen.kind for seen in wire.requests]
        assert kinds[0] == "bindRequest"
        assert kinds[-1] == "unbindRequest"
        assert set(kinds) == {"bindRequest", "searchRequest", MODIFY, "unbindRequest"}

    def test_an_audit_of_a_mesh_takes_one_search_for_the_hosts(
        self, desk: Workstation, wire: Wiretap
    ) -> None:
        desk.inventory("hosts: {'hv[01-64]': }")
        assert desk.run("audit", "--inside-only").code == 3
        kinds = [seen.kind for seen in wire.requests]
        # Besides them the root DSE, what kind of controller it is, and the forest's sPNMappings.
        assert kinds == ["bindRequest", *["searchRequest"] * 4, "unbindRequest"]
