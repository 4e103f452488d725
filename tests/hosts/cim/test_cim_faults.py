"""What hosts say against a request, in the forms that recordings have, as errors in words."""

import pytest

from delegation.errors import CimFailed, HostError, HostRefused, HostUnreachable
from delegation.hosts.cim import wql
from delegation.hosts.cim.cim_classes import COMPUTER_SYSTEM, OPERATING_SYSTEM, SERVICE
from delegation.hosts.cim.cim_faults import CimFault, NotAnsweredYet
from delegation.hosts.cim.cim_xml import parsed
from tests.hosts.cim import farms
from tests.hosts.cim.canned import (
    DENIED,
    NO_ACCESS,
    NO_CLASS,
    NO_NAMESPACE,
    V2,
    Refusal,
    fault,
    opened,
    soap,
)

HOST = "hv01.corp.example"
WMI_ERROR = (
    "<s:Fault><s:Code><s:Value>s:Sender</s:Value><s:Subcode><s:Value>w:AccessDenied</s:Value>"
    '</s:Subcode></s:Code><s:Reason><s:Text xml:lang="ja-JP">\u30a2\u30af\u30bb\u30b9\u304c\u62d2'
    '\u5426\u3055\u308c\u307e\u3057\u305f\u3002</s:Text></s:Reason><s:Detail><p:MSFT_WmiError xmlns:p="http://schemas'
    '.dmtf.org/wbem/wscim/1/cim-schema/2/MSFT_WmiError"><p:CIMStatusCode>2</p:CIMStatusCode>'
    "<p:MessageID>HRESULT 0x80041003</p:MessageID><p:error_Code>2147749891</p:error_Code>"
    "</p:MSFT_WmiError></s:Detail></s:Fault>"
)
"""As versions since 2012 say it, in the host's own language."""


def error(refusal: Refusal, query: wql.Query | None = None) -> HostError:
    """What comes of asking a host that refuses so."""
    host = farms.host()
    host.refusals["Enumerate"] = refusal
    with pytest.raises(HostError) as caught:
        opened(host).query(query or wql.every(COMPUTER_SYSTEM))
    return caught.value


def test_no_right_to_winrm_at_all() -> None:
    found = error(NO_ACCESS)
    assert isinstance(found, HostRefused)
    assert found.what == f"{HOST} gives vmadmin no access to {V2} over WinRM (0x80070005)"
    assert "Remote Management Users" in found.fix
    assert "Hyper-V Administrators" in found.fix
    assert found.details == ("Access is denied.", "AccessDenied: 5")
    other = error(NO_ACCESS, wql.every(OPERATING_SYSTEM))
    assert isinstance(other, HostRefused)
    assert "no access to root/cimv2" in other.what
    assert "Remote Management Users" not in other.fix


def test_no_right_to_a_namespace_names_it_and_what_helps() -> None:
    found = error(DENIED)
    assert isinstance(found, CimFailed)
    assert found.what == f"{HOST} gives vmadmin no access to {V2} over WinRM (0x80041003)"
    assert "Hyper-V Administrators" in found.fix
    other = error(DENIED, wql.every(OPERATING_SYSTEM))
    assert "no access to root/cimv2" in other.what
    assert "Enable-ServerManagerStandardUserRemoting" in other.fix


@pytest.mark.parametrize(
    ("refusal", "words"),
    [
        (NO_CLASS, "there is no such class (0x80041010)"),
        (NO_NAMESPACE, "there is no such namespace (0x8004100E)"),
        (Refusal("w:InternalError", 2150859010, "0x80041013"), "can't be loaded (0x80041013)"),
        (Refusal("w:EncodingLimit", 2150858792, "too big"), "larger than the host may send"),
        (Refusal("n:InvalidEnumerationContext", 2150858827, "gone"), "has forgotten the list"),
        (Refusal("w:InternalError", 2147942413, "memory"), "0x8007000D"),
    ],
)
def test_known_numbers_in_words(refusal: Refusal, words: str) -> None:
    found = error(refusal)
    assert isinstance(found, CimFailed)
    assert found.what.startswith(f"{HOST} refuses Msvm_ComputerSystem: ")
    assert words in found.what
    assert found.fix
    assert refusal.text in found.details[0]


def test_an_unknown_number_keeps_the_hosts_own_words() -> None:
    found = error(Refusal("w:InternalError", 2150859010, "Der Anbieter kann das nicht."))
    assert "Der Anbieter kann das nicht." in found.what
    assert found.hresult == "0x80338102"
    assert "Microsoft-Windows-WinRM/Operational" in found.fix


def test_a_provider_fault_is_read_to_its_core() -> None:
    """WMI's number stands in the provider's fault; WinRM's own number around it says less."""
    told = Refusal(
        "w:InternalError",
        2150859010,
        "The WMI service reported that the provider could not perform the operation.",
        "<f:ExtendedError><p:__ExtendedStatus xmlns:p='urn:p'><p:Description>"
        "\u3053\u308f\u308c\u305f 0x80041001</p:Description>"
        "</p:__ExtendedStatus></f:ExtendedError>",
    )
    found = CimFault.of(parsed(soap(fault(told))))
    assert found is not None
    assert found.numbers == (0x80041001, 2150859010)
    assert found.hresult == "0x80041001"
    assert "\u3053\u308f\u308c\u305f" in found.text


def test_newer_versions_tell_an_msft_wmi_error() -> None:
    found = CimFault.of(parsed(soap(WMI_ERROR)))
    assert found is not None
    assert found.message_id == "HRESULT 0x80041003"
    assert found.hresult == "0x80041003"
    assert not found.access_denied, "WinRM let it in: it is the namespace that does not"


@pytest.mark.parametrize(
    ("numbers", "hresult"),
    [
        ((0x80338102, 0x80041003), "0x80041003"),
        ((0x80338102, 0x803380FA), "0x80338102"),
        ((5, 0x80070005), "0x80070005"),
        ((5,), ""),
        ((), ""),
    ],
)
def test_wmis_own_number_before_what_winrm_makes_of_it(
    numbers: tuple[int, ...], hresult: str
) -> None:
    assert CimFault("InternalError", numbers, "words").hresult == hresult


def test_winrms_own_number_of_a_missing_namespace() -> None:
    found = error(Refusal("w:InternalError", 2150858778, "no number in the text"))
    assert found.hresult == "0x8004100E"


def test_an_envelope_without_a_fault_has_none() -> None:
    assert CimFault.of(parsed(soap("<n:PullResponse/>"))) is None
    bare = CimFault.of(parsed(soap("<s:Fault/>")))
    assert bare == CimFault("", (), "no reason")
    assert bare.numbered == "fault: no number"


@pytest.mark.parametrize(
    "refusal", [Refusal("w:TimedOut", 2150858793, "late"), Refusal("x:Other", 2150858793, "late")]
)
def test_no_answer_in_time(refusal: Refusal) -> None:
    found = error(refusal)
    assert isinstance(found, NotAnsweredYet)
    assert isinstance(found, HostUnreachable)
    assert "did not answer Msvm_ComputerSystem in time" in found.what


@pytest.mark.parametrize(("code", "words"), [(32779, "no such file"), (7, "returned 7")])
def test_return_values_are_errors(code: int, words: str) -> None:
    from delegation.hosts.cim.disk_files import read_size

    host = farms.host()
    host.methods["GetVirtualHardDiskState"] = lambda _: f"<p:ReturnValue>{code}</p:ReturnValue>"
    with pytest.raises(CimFailed, match=words) as caught:
        read_size(opened(host), "C:\\x.vhdx")
    assert caught.value.code == code


def test_one_that_has_to_be_there() -> None:
    host = farms.host()
    host.rows.clear()
    with pytest.raises(CimFailed, match="tells 0 of Win32_Service"):
        opened(host).only(wql.every(SERVICE))
