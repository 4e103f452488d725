"""Access-control lists out of security descriptors, made byte by byte after MS-DTYP 2.4."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delegation.directory.descriptors import EVERY_RIGHT, EVERYONE, access_list
from delegation.directory.entries import sid_bytes
from delegation.mesh.snapshot import Ace

HV01 = "S-1-5-21-1-2-3-1108"
GROUP = "S-1-5-21-1-2-3-1200"
ALLOW, DENY, ALLOW_OBJECT, DENY_OBJECT, ALLOW_CALLBACK, DENY_CALLBACK = 0, 1, 5, 6, 9, 10
ALLOW_CALLBACK_OBJECT = 11
OF_OBJECTS = (ALLOW_OBJECT, DENY_OBJECT, ALLOW_CALLBACK_OBJECT)
INHERIT_ONLY = 8
FULL = 0xF01FF


def entry(kind: int, sid: str, mask: int = FULL, flags: int = 0, guids: int = 1) -> bytes:
    """``guids``: which of its two an entry of objects has, as bits."""
    part = struct.pack("<I", guids) + bytes(16 * guids.bit_count()) if kind in OF_OBJECTS else b""
    body = struct.pack("<I", mask) + part + sid_bytes(sid)
    return struct.pack("<BBH", kind, flags, 4 + len(body)) + body


def descriptor(*entries: bytes, control: int = 0x8004) -> bytes:
    owner = sid_bytes("S-1-5-32-544")
    body = b"".join(entries)
    acl = struct.pack("<BBHHH", 4, 0, 8 + len(body), len(entries), 0) + body
    offset = 20 + len(owner) if control & 4 else 0
    return struct.pack("<BBHIIII", 1, 0, control, 20, 0, 0, offset) + owner + acl


def test_who_is_allowed_and_denied_in_their_order() -> None:
    found = access_list(descriptor(entry(DENY, GROUP), entry(ALLOW, HV01, 0x100)))
    assert found == (
        Ace(allows=False, mask=FULL, sid=GROUP),
        Ace(allows=True, mask=0x100, sid=HV01),
    )


def test_what_does_not_decide_about_the_object_is_left_out() -> None:
    found = access_list(descriptor(entry(ALLOW, GROUP, flags=INHERIT_ONLY), entry(ALLOW, HV01)))
    assert found == (Ace(allows=True, mask=FULL, sid=HV01),)


@pytest.mark.parametrize(
    ("other", "allows", "is_certain"),
    [
        (entry(ALLOW_OBJECT, GROUP, guids=0), True, False),
        (entry(ALLOW_OBJECT, GROUP, guids=2), True, False),
        (entry(DENY_OBJECT, GROUP, guids=0), False, False),
        (entry(ALLOW_OBJECT, GROUP, guids=1), True, False),
        (entry(ALLOW_OBJECT, GROUP, guids=3), True, False),
        (entry(DENY_OBJECT, GROUP, guids=1), False, False),
        (entry(ALLOW_CALLBACK, GROUP), True, False),
        (entry(DENY_CALLBACK, GROUP), False, False),
        (entry(ALLOW, GROUP, flags=0x10), True, True),
        (entry(ALLOW_CALLBACK_OBJECT, GROUP, guids=0), True, False),
    ],
)
def test_who_may_be_let_in_is_not_left_out(other: bytes, *, allows: bool, is_certain: bool) -> None:
    """An entry that is written in another form is no less a way in."""
    [ace, _] = access_list(descriptor(other, entry(ALLOW, HV01)))
    assert ace == Ace(allows=allows, mask=FULL, sid=GROUP, is_certain=is_certain)


def test_an_empty_list_grants_nobody() -> None:
    assert access_list(descriptor()) == ()


def test_no_list_at_all_grants_everybody() -> None:
    assert access_list(descriptor(control=0x8000)) == (
        Ace(allows=True, mask=EVERY_RIGHT, sid=EVERYONE),
    )


@given(st.binary(max_size=80))
def test_anything_else_is_refused_in_words(raw: bytes) -> None:
    try:
        access_list(raw)
    except ValueError as exc:
        assert "security descriptor" in str(exc)  # noqa: PT017 - either way is fine, a third is not


@given(st.integers(0, len(descriptor(entry(ALLOW, HV01))) - 1))
def test_a_descriptor_that_was_cut_off_never_grants_more(length: int) -> None:
    whole = descriptor(entry(ALLOW, HV01))
    try:
        found = access_list(whole[:length])
    except ValueError:
        return
    assert set(found) <= set(access_list(whole))
