from collections.abc import Sequence
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delegation.directory import entries
from delegation.errors import DirectoryError

GUID = UUID("00112233-4455-6677-8899-aabbccddeeff")
DN = "CN=HV01,OU=Hyper-V,DC=corp,DC=example"


def attributes(**changed: Sequence[bytes]) -> dict[str, Sequence[bytes]]:
    whole: dict[str, Sequence[bytes]] = {
        "samaccountname": [b"HV01$"],
        "objectguid": [GUID.bytes_le],
        "objectclass": [b"top", b"Computer"],
        "useraccountcontrol": [b"4096"],
        "primarygroupid": [b"515"],
        "dnshostname": [b"hv01.corp.example"],
        "serviceprincipalname": [b"HOST/HV01", b"HOST/hv01.corp.example"],
        "msds-allowedtodelegateto": [b"cifs/hv02", b"HTTP/Portal"],
    }
    return {**whole, **changed}


def test_everything_is_taken_over() -> None:
    computer = entries.computer(DN, attributes())
    assert (computer.account, computer.dn, computer.guid) == ("HV01$", DN, GUID)
    assert (computer.uac, computer.primary_group) == (4096, 515)
    assert computer.values == ("cifs/hv02", "HTTP/Portal")
    assert computer.dns_host_name == "hv01.corp.example"
    assert computer.spns == ("HOST/HV01", "HOST/hv01.corp.example")
    assert computer.object_classes == {"top", "computer"}


def test_what_may_be_absent() -> None:
    least = {"samaccountname": [b"HV01$"], "useraccountcontrol": [b"-2147483648"]}
    computer = entries.computer(DN, least)
    assert computer.uac == -2147483648
    assert (computer.values, computer.spns) == ((), ())
    assert (computer.dns_host_name, computer.primary_group) == (None, None)
    assert not computer.object_classes


def test_an_empty_value_is_as_none() -> None:
    assert entries.computer(DN, attributes(dnshostname=[b""])).dns_host_name is None


def test_a_user_keeps_the_name_in_full() -> None:
    assert entries.computer(DN, attributes(samaccountname=[b"svc-nas"])).account == "svc-nas"


def test_without_a_guid_the_dn_is_the_identity() -> None:
    first = entries.computer(DN, attributes(objectguid=[]))
    second = entries.computer(DN.replace(",", ", ").lower(), attributes(objectguid=[]))
    other = entries.computer(DN.replace("HV01", "HV02"), attributes(objectguid=[]))
    assert first.guid == second.guid != other.guid
    assert first.guid.version == 5


@pytest.mark.parametrize("text", [str(GUID), f"{{{GUID}}}".upper()])
def test_a_guid_as_text(text: str) -> None:
    assert entries.computer(DN, attributes(objectguid=[text.encode()])).guid == GUID


def test_attributes_of_other_names_do_not_matter() -> None:
    more = {"member;range=0-1499": [b"x"], "thumbnailphoto": [b"\xff"], "cn": [b"a", b"b"]}
    assert entries.computer(DN, attributes(**more)) == entries.computer(DN, attributes())


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("samaccountname", []),
        ("samaccountname", [b""]),
        ("samaccountname", [b"$"]),
        ("samaccountname", [b"HV01$", b"HV02$"]),
        ("useraccountcontrol", []),
        ("useraccountcontrol", [b""]),
        ("useraccountcontrol", [b"4096", b"4098"]),
        ("useraccountcontrol", [b"0x1000"]),
        ("useraccountcontrol", [b"4_096"]),
        ("useraccountcontrol", ["٤".encode()]),
        ("primarygroupid", [b"five"]),
        ("objectguid", [b"short"]),
        ("objectguid", [b"\xff" * 17]),
        ("dnshostname", [b"a", b"b"]),
        ("msds-allowedtodelegateto", [b"cifs/\xff"]),
        ("serviceprincipalname;range=0-1499", [b"HOST/HV01"]),
        ("msds-allowedtodelegateto;range=1500-*", [b"cifs/hv02"]),
    ],
)
def test_what_no_directory_says(name: str, values: Sequence[bytes]) -> None:
    with pytest.raises(DirectoryError) as refused:
        entries.computer(DN, attributes(**{name: values}))
    assert DN in refused.value.what
    assert name.partition(";")[0] in refused.value.what.casefold()
    assert refused.value.fix


# --- security identifiers (MS-DTYP 2.4.2)

SID = "S-1-5-21-2955690547-914624853-1911683287-1108"


def test_a_sid_is_read_as_bytes_and_as_text() -> None:
    for form in (entries.sid_bytes(SID), SID.encode()):
        assert entries.computer(DN, attributes(objectsid=[form])).sid == SID
    assert entries.computer(DN, attributes()).sid == ""


@given(st.lists(st.integers(0, 2**32 - 1), max_size=15), st.integers(0, 2**48 - 1))
def test_a_sid_survives_both_ways(parts: list[int], authority: int) -> None:
    text = "-".join(["S-1", str(authority), *map(str, parts)])
    if len(str(authority)) <= 14:
        assert entries.sid_text(entries.sid_bytes(text)) == text


@pytest.mark.parametrize("raw", [b"", b"S-1-x", b"\x01\x02" + bytes(6), b"\x01\x00" + bytes(7)])
def test_what_is_no_sid_is_refused(raw: bytes) -> None:
    with pytest.raises(DirectoryError, match="objectSid"):
        entries.computer(DN, attributes(objectsid=[raw or b"?"]))


@pytest.mark.parametrize("text", ["", "S-1", "S-1-5-x", "S-2-5-1", "S-1-5-" + "1-" * 16 + "1"])
def test_only_a_sid_becomes_bytes(text: str) -> None:
    with pytest.raises(ValueError, match="no SID"):
        entries.sid_bytes(text)


def test_a_list_that_is_no_descriptor_is_told() -> None:
    broken = attributes(**{"msds-allowedtoactonbehalfofotheridentity": [b"?"]})
    with pytest.raises(DirectoryError, match="msDS-AllowedToActOnBehalfOfOtherIdentity"):
        entries.computer(DN, broken)
