"""Whose a file on Windows is, by descriptors as Windows gives them, packed by impacket.

They are written as ``(Get-Acl FILE).Sddl`` shows them (MS-DTYP 2.5.1).
"""

import re
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from impacket.ldap import ldaptypes

from delegation.changes.file_rights import FileRights, WindowsFile

US = "S-1-5-21-1004336348-1177238915-682003330-1001"
COLLEAGUE = "S-1-5-21-1004336348-1177238915-682003330-1002"
ALIASES = {
    "AU": "S-1-5-11", "BA": "S-1-5-32-544", "BU": "S-1-5-32-545", "CO": "S-1-3-0", "OW": "S-1-3-4",
    "SY": "S-1-5-18", "WD": "S-1-1-0", "US": US, "XX": COLLEAGUE,
}  # fmt: skip
TYPES = {"A": 0x0, "D": 0x1, "AU": 0x2, "OA": 0x5, "OD": 0x6, "XA": 0x9, "XD": 0xA, "ZA": 0xB}
FLAGS = {"OI": 0x1, "CI": 0x2, "NP": 0x4, "IO": 0x8, "ID": 0x10}
RIGHTS = {
    "FA": 0x1F01FF, "FR": 0x120089, "FW": 0x120116, "FX": 0x1200A0,
    "GA": 1 << 28, "GX": 1 << 29, "GW": 1 << 30, "GR": 1 << 31,
    "CC": 1, "DC": 2, "LC": 4, "SW": 8, "RP": 0x10, "WP": 0x20, "DT": 0x40, "LO": 0x80, "CR": 0x100,
    "SD": 0x10000, "RC": 0x20000, "WD": 0x40000, "WO": 0x80000,
}  # fmt: skip


def descriptor(sddl: str) -> bytes:
    """``O:``, and ``D:`` with its entries; a NULL list is ``D:NO_ACCESS_CONTROL``."""
    owner, _, listed = sddl.removeprefix("O:").partition("D:")
    made = ldaptypes.SR_SECURITY_DESCRIPTOR()
    made["Revision"], made["Sbz1"] = b"\x01", b"\x00"
    made["Control"] = 0x8000 | (0x4 if "D:" in sddl else 0)
    made["OwnerSid"] = _sid(owner) if owner else b""
    made["GroupSid"] = made["Sacl"] = made["Dacl"] = b""
    if "D:" in sddl and listed != "NO_ACCESS_CONTROL":
        acl = ldaptypes.ACL()
        acl["AclRevision"], acl["Sbz1"], acl["Sbz2"] = 2, 0, 0
        acl.aces = [_entry(*entry.split(";")) for entry in re.findall(r"\(([^)]*)\)", listed)]
        made["Dacl"] = acl
    return bytes(made.getData())


def _sid(alias: str) -> ldaptypes.LDAP_SID:
    sid = ldaptypes.LDAP_SID()
    sid.fromCanonical(ALIASES[alias])
    return sid


def _entry(
    kind: str, flags: str, rights: str, _object: str, _inherited: str, who: str
) -> ldaptypes.ACE:
    body = ldaptypes.ACCESS_ALLOWED_ACE()
    body["Mask"] = ldaptypes.ACCESS_MASK()
    body["Mask"]["Mask"] = _bits(RIGHTS, rights)
    body["Sid"] = _sid(who)
    entry = ldaptypes.ACE()
    entry["AceType"], entry["AceFlags"] = TYPES[kind], _bits(FLAGS, flags)
    entry["Ace"] = body
    return entry


def _bits(names: dict[str, int], text: str) -> int:
    if text.startswith("0x"):
        return int(text, 16)
    return sum(names[name] for name in re.findall("..", text))


def judged(sddl: str) -> WindowsFile:
    return WindowsFile("C:\\state", descriptor(sddl), US, is_folder=True)


OURS = {
    "a folder of a profile": "O:USD:AI(A;OICIID;FA;;;SY)(A;OICIID;FA;;;BA)(A;OICIID;FA;;;US)",
    "made by Python with mode 0700": "O:USD:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;FA;;;OW)",
    "made by an administrator": "O:BAD:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;0x1301bf;;;US)",
    "the operating system's": "O:SYD:P(A;;FA;;;SY)",
    "nobody's but its owner's": "O:USD:P",
    "denied to others": "O:USD:P(D;;FA;;;WD)(XD;;FA;;;BU)(OD;;FA;;;BU)(A;;FA;;;US)",
    "what children inherit": "O:USD:P(A;OICIIO;GA;;;CO)(OA;IO;FA;;;WD)(A;;FA;;;US)",
}


@pytest.mark.parametrize("sddl", OURS.values(), ids=OURS)
def test_what_is_ours(sddl: str) -> None:
    assert judged(sddl).changeable() is None
    assert judged(sddl).readable() is None


READABLE = {
    "below C:": "O:BAD:AI(A;OICIID;FA;;;BA)(A;OICIID;FA;;;SY)(A;OICIID;0x1200a9;;;BU)",
    "generic": "O:USD:P(A;;GRGX;;;BU)(A;;FA;;;US)",
}


@pytest.mark.parametrize("sddl", READABLE.values(), ids=READABLE)
def test_reading_is_not_changing(sddl: str) -> None:
    assert judged(sddl).changeable() is None
    told = judged(sddl).readable()
    assert told is not None
    assert told.why == "S-1-5-32-545 may read C:\\state"


BELOW_PROGRAM_DATA = (
    "O:BAD:AI(A;OICIID;FA;;;SY)(A;OICIID;FA;;;BA)(A;OICIIOID;GA;;;CO)(A;OICIID;0x1200a9;;;BU)"
    "(A;CIID;DCLCRPCR;;;BU)"
)
OF_OTHERS = {
    "below C:\\ProgramData": (BELOW_PROGRAM_DATA, "S-1-5-32-545 may change"),
    "a volume below C:": ("O:BAD:AI(A;OICIID;FA;;;BA)(A;OICIIDIO;GA;;;AU)(A;ID;0x1301bf;;;AU)",
                          "S-1-5-11 may change"),
    "no list at all": ("O:USD:NO_ACCESS_CONTROL", "S-1-1-0 may change"),
    "a list that is not there": ("O:US", "S-1-1-0 may change"),
    "a colleague's": ("O:XXD:P(A;;FA;;;US)", f"belongs to another account ({COLLEAGUE})"),
    "its creator's, literally": ("O:USD:P(A;;FA;;;CO)", "S-1-3-0 may change"),
    "nobody's": ("D:P(A;;FA;;;US)", "belongs to another account (none is told)"),
    "denied first": ("O:USD:P(D;;FA;;;BU)(A;;FA;;;BU)", "S-1-5-32-545 may change"),
    "on a condition": ("O:USD:P(XA;;FA;;;XX)", f"{COLLEAGUE} may change"),
    "for a property": ("O:USD:P(OA;;FA;;;XX)", "its access list has entries of type 5"),
    "both": ("O:USD:P(ZA;;FA;;;XX)", "entries of type 11"),
    "audited in the wrong list": ("O:USD:P(AU;;FA;;;XX)", "entries of type 2"),
}  # fmt: skip


@pytest.mark.parametrize(("sddl", "told"), OF_OTHERS.values(), ids=OF_OTHERS)
def test_what_others_may_change(sddl: str, told: str) -> None:
    doubt = judged(sddl).changeable()
    assert doubt is not None
    assert told in doubt.why
    assert doubt.fix


@pytest.mark.parametrize("right", ["DC", "LC", "RP", "DT", "CR", "SD", "WD", "WO", "GW", "GA"])
def test_each_right_to_change_counts_alone(right: str) -> None:
    assert judged(f"O:USD:P(A;;{right};;;BU)").changeable() is not None


@pytest.mark.parametrize("right", ["CC", "SW", "WP", "LO", "RC", "GR", "GX", "FX"])
def test_no_other_right_does(right: str) -> None:
    assert judged(f"O:USD:P(A;;{right};;;BU)").changeable() is None


@pytest.mark.parametrize("right", ["CC", "WD", "WO", "GR", "GA"])
def test_each_right_to_read_counts_alone(right: str) -> None:
    assert judged(f"O:USD:P(A;;{right};;;BU)").readable() is not None


@pytest.mark.parametrize("right", ["DC", "LC", "RP", "SD", "GW", "GX", "FX"])
def test_who_may_write_may_not_read_by_that(right: str) -> None:
    assert judged(f"O:USD:P(A;;{right};;;BU)").readable() is None


def test_the_command_names_whom_it_takes_from_and_whom_it_leaves_it_to() -> None:
    doubt = judged("O:USD:P(A;;FA;;;BU)(A;;FA;;;XX)(A;;GA;;;BU)").changeable()
    assert doubt is not None
    assert doubt.fix == (
        f'icacls "C:\\state" /inheritance:r /remove:g "*S-1-5-32-545" "*{COLLEAGUE}" '
        f'/grant:r "*{US}:(OI)(CI)F" "*S-1-5-18:(OI)(CI)F" "*S-1-5-32-544:(OI)(CI)F"'
    )


def test_names_are_those_that_the_machine_knows() -> None:
    names = {ALIASES["BU"]: "BUILTIN\\Users", COLLEAGUE: "CORP\\colleague"}
    found = WindowsFile("C:\\a", descriptor("O:USD:P(A;;FA;;;BU)(A;;FA;;;XX)"), US, named=names.get)  # type: ignore[arg-type]
    doubt = found.changeable()
    assert doubt is not None
    assert doubt.why == "BUILTIN\\Users, CORP\\colleague may change C:\\a"


def test_a_sid_has_its_authority_in_the_other_order() -> None:
    rights = FileRights.of(descriptor(BELOW_PROGRAM_DATA))
    assert rights.owner == "S-1-5-32-544"
    assert rights.grants[-1] == ("S-1-5-32-545", 0x116)


SAMPLES = [sddl for cases in (OURS, READABLE) for sddl in cases.values()]
SAMPLES += [sddl for sddl, _ in OF_OTHERS.values()]


def mutated(descriptor: bytes, edits: Iterable[tuple[int, int]], cut: int) -> bytes:
    bytes_ = bytearray(descriptor)
    for at, value in edits:
        bytes_[at % len(bytes_)] = value
    return bytes(bytes_[: max(0, len(bytes_) - cut)])


@given(
    st.sampled_from([descriptor(sddl) for sddl in SAMPLES]),
    st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), max_size=4),
    st.integers(0, 30),
)
def test_whatever_the_bytes_are_it_is_judged(
    whole: bytes, edits: list[tuple[int, int]], cut: int
) -> None:
    """One that is broken is nobody's to trust."""
    broken = mutated(whole, edits, cut)
    doubt = WindowsFile("C:\\state", broken, US).changeable()
    try:
        FileRights.of(broken)
    except ValueError:
        assert doubt is not None
        assert "can't be told" in doubt.why


@given(st.binary(max_size=60))
def test_noise_is_no_descriptor_or_nobodys_to_trust(noise: bytes) -> None:
    assert WindowsFile("C:\\state", noise, US).changeable() is not None
