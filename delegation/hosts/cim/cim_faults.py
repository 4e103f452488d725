"""What a host says against a request -> an error in words: by numbers, texts come in any language.

Sources: MS-WSMV 2.2.4.43 (WSManFault) and DSP0226 14 (subcodes) for the forms; "WMI Error
Constants" for 0x800410xx; the return values of the Hyper-V services for methods.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from xml.etree.ElementTree import Element

from delegation.errors import CimFailed, HostError, HostRefused, HostUnreachable
from delegation.hosts import failures
from delegation.hosts.cim.cim_class import RETURN_VALUE, V2
from delegation.hosts.cim.cim_instance import CimInstance
from delegation.hosts.cim.cim_reference import Reference
from delegation.hosts.cim.cim_xml import FAULT, SOAP, local, tag, texts_by_name
from delegation.hosts.machines import Failure

ACCESS_DENIED = "0x80041003"
"""WBEM_E_ACCESS_DENIED: WinRM let the question in, and the namespace does not."""
NO_NAMESPACE, NO_CLASS, NOT_FOUND = "0x8004100E", "0x80041010", "0x80041002"
_NO_NAMESPACE_TO_WINRM = "0x8033801A"
"""What WinRM says in its place; a public program in production takes it for that."""

_TIMED_OUT = 0x80338029
"""ERROR_WSMAN_OPERATION_TIMEDOUT."""
_DENIED = {5, 0x80070005}

_WSMAN_CODES = range(0x80338000, 0x80339000)
"""FACILITY_WEBSERVICES of WinRM: what it makes of a fault, where WMI's own number says more."""

_V2_RIGHTS = "add {who} to Hyper-V Administrators on the host: its namespace " + V2 + " is for them"
_OTHER_RIGHTS = (
    "that namespace is for the host's administrators unless somebody has opened it; "
    "Enable-ServerManagerStandardUserRemoting -User there opens the usual ones"
)
_REMOTE_RIGHTS = (
    "add {who} to Remote Management Users (or Administrators) and to Hyper-V Administrators on "
    "the host"
)
_PROGRAM = "look at the version of the host; this program knows Windows Server 2016 and later"
_VMMS = "look at the service vmms on the host (Start-Service vmms), and at its event log"
_AGAIN = "try again; where it happens again, look at WMI on the host (winmgmt /verifyrepository)"

_BY_HRESULT: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "0x80041001": ("its WMI failed", _AGAIN),
        NOT_FOUND: ("there is no such object", "it may be gone since it was listed: try again"),
        "0x80041008": ("it takes a parameter for invalid", _PROGRAM),
        "0x8004100C": ("it does not support that", _PROGRAM),
        NO_NAMESPACE: (
            "there is no such namespace",
            "Hyper-V's is there where the role is installed: Install-WindowsFeature Hyper-V",
        ),
        NO_CLASS: ("there is no such class", _PROGRAM),
        "0x80041013": ("the service behind that namespace can't be loaded", _VMMS),
        "0x80041014": ("the service behind that namespace does not start", _VMMS),
        "0x80041017": ("it takes the query for invalid", _PROGRAM),
        "0x8004102E": ("there is no such method", _PROGRAM),
        "0x8004102F": ("it takes a method's parameters for invalid", _PROGRAM),
        "0x80041032": ("the host cancelled it", _AGAIN),
        "0x80041033": ("its WMI is shutting down", "wait until the host is up again"),
        "0x8004106C": ("a quota of its WMI is used up", "end other programs that ask that host"),
    }
)
_TOO_LARGE = "EncodingLimit"
_BY_SUBCODE: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "DestinationUnreachable": ("there is no such object or class", _PROGRAM),
        "ActionNotSupported": ("it does not support that", _PROGRAM),
        _TOO_LARGE: (
            "the answer is larger than the host may send",
            "raise MaxEnvelopeSizekb of WinRM on the host (winrm get winrm/config)",
        ),
        "QuotaLimit": (
            "too much is asked of its WinRM at once",
            "end other programs that ask that host, then try again",
        ),
        "SchemaValidationError": ("it takes the message for malformed", _PROGRAM),
        "InvalidSelectors": ("it takes the keys for invalid", _PROGRAM),
        "CannotProcessFilter": ("it takes the query for invalid", _PROGRAM),
        "InvalidEnumerationContext": ("it has forgotten the list on its way", "try again"),
    }
)
_BY_RETURN: Mapping[int, str] = MappingProxyType(
    {
        32768: "it failed",
        32769: "access is denied",
        32770: "it is not supported",
        32771: "its state is unknown",
        32772: "it timed out",
        32773: "a parameter is invalid",
        32774: "the system is in use",
        32775: "the state is not one for that",
        32776: "a type is incorrect",
        32777: "the system is not available",
        32778: "there is not enough memory",
        32779: "there is no such file",
    }
)
"""What Hyper-V's services return; the last one of the image service alone."""

DONE = 0
STARTED = 4096
"""A job was started, and tells the end."""
JOB = "Job"
"""The output that names it."""

_HEX = re.compile(r"\b0x[89A-Fa-f][0-9A-Fa-f]{7}\b")


class NotAnsweredYet(HostUnreachable):
    """The host had nothing to tell within the time of one answer."""


class AccessRefused(HostRefused):
    """Whoever is logged on may not ask that; a logon that is refused is another thing."""


class AnswerTooLarge(CimFailed):
    """What was asked does not fit into one answer of the host."""


@dataclass(frozen=True, slots=True)
class CimFault:
    """A SOAP fault. ``numbers`` are all of it, the innermost first; ``text`` is the host's own.

    ``message_id`` is that of CIM_Error (MSFT_WmiError), where the fault has one.
    """

    subcode: str
    numbers: tuple[int, ...]
    text: str
    message_id: str = ""

    @classmethod
    def of(cls, envelope: Element) -> "CimFault | None":
        """The fault in an envelope; None where it has none.

        Windows nests faults: WinRM's holds the WMI provider's, and that an __ExtendedStatus; newer
        versions tell an MSFT_WmiError in their place.
        """
        fault = envelope.find(f"{tag(SOAP, 'Body')}/{tag(SOAP, 'Fault')}")
        if fault is None:
            return None
        values = [one.text or "" for one in fault.iter(tag(SOAP, "Value"))]
        subcode = values[-1].strip().rpartition(":")[2] if values else ""
        lines = dict.fromkeys(_texts(fault))
        return cls(
            subcode,
            tuple(dict.fromkeys(_numbers(fault))),
            " ".join(lines) or "no reason",
            texts_by_name(fault).get("MessageID", ""),
        )

    @property
    def hresult(self) -> str:
        """The number to look it up by: WMI's own or Windows', before what WinRM makes of it."""
        if failures.text_of(next(iter(self.numbers), 0)) == _NO_NAMESPACE_TO_WINRM:
            return NO_NAMESPACE
        own = [one for one in self.numbers if one not in _WSMAN_CODES and one > 2**31]
        number = next(iter(own or self.numbers), 0)
        return failures.text_of(number) if number >= 2**31 else ""

    @property
    def numbered(self) -> str:
        """All that tells it in any language: ``InternalError: 0x80041010, 0x80338041``."""
        numbers = [failures.text_of(one) if one >= 2**31 else str(one) for one in self.numbers]
        return f"{self.subcode or 'fault'}: {', '.join(numbers) or 'no number'}"

    @property
    def timed_out(self) -> bool:
        return self.subcode == "TimedOut" or _TIMED_OUT in self.numbers

    @property
    def access_denied(self) -> bool:
        """By WinRM itself; what a namespace refuses has a number of its own."""
        by_number = not _DENIED.isdisjoint(self.numbers)
        is_core = self.hresult in {"", "0x80070005"} or self.hresult.startswith("0x80338")
        return is_core and (by_number or self.subcode == "AccessDenied")


def _numbers(fault: Element) -> Iterator[int]:
    """Of texts first, which are WMI's; then of the elements, from the innermost one outwards."""
    for text in _texts(fault):
        yield from (int(found, 16) for found in _HEX.findall(text))
    for one in reversed(list(fault.iter())):
        said = one.get("Code", "") if one.tag == tag(FAULT, "WSManFault") else ""
        if local(one.tag) == "error_Code":
            said = one.text or ""
        if said.strip().isdecimal():
            yield int(said)


def _texts(fault: Element) -> Iterator[str]:
    codes = {id(one) for one in fault.iter(tag(SOAP, "Value"))}
    for one in fault.iter():
        # Words and not bare numbers, which are told as such.
        text = " ".join((one.text or "").split())
        if text and id(one) not in codes and not text.isdecimal():
            yield text


def in_words(fault: CimFault, host: str, who: str, what: str, namespace: str) -> HostError:
    """The error of a fault that ``host`` has answered with, when ``who`` asked for ``what``."""
    said = [fault.text, fault.numbered]
    if fault.timed_out:
        return NotAnsweredYet(
            f"{host} did not answer {what} in time",
            "look at the host: WMI or its virtual machine management service may hang",
            said,
        )
    no_access = f"{host} gives {who} no access to {namespace} over WinRM"
    if fault.access_denied:
        # Whether WinRM or the namespace says so is told by no number then.
        rights = _REMOTE_RIGHTS if namespace == V2 else _OTHER_RIGHTS
        return AccessRefused(no_access, rights.format(who=who), said, hresult="0x80070005")
    if fault.hresult == ACCESS_DENIED:
        rights = _V2_RIGHTS if namespace == V2 else _OTHER_RIGHTS
        return _failed(no_access, rights.format(who=who), fault)
    meant, fix = _meaning(fault)
    return _failed(f"{host} refuses {what}: {meant}", fix, fault)


def _failed(what: str, fix: str, fault: CimFault) -> CimFailed:
    error = AnswerTooLarge if fault.subcode == _TOO_LARGE else CimFailed
    return error(
        what, fix, [fault.text, fault.numbered], hresult=fault.hresult, message_id=fault.message_id
    )


def _meaning(fault: CimFault) -> tuple[str, str]:
    if known := _BY_HRESULT.get(fault.hresult):
        return known
    if failures.is_known(fault.hresult):
        meaning = failures.meaning(Failure(fault.text, fault.hresult))
        return meaning.what, meaning.fix
    unknown = fault.text, "look at the host's WinRM log (Microsoft-Windows-WinRM/Operational)"
    return _BY_SUBCODE.get(fault.subcode, unknown)


def returned(said: CimInstance, host: str, method: str) -> None:
    """Raise CimFailed unless a method that only reads has returned 0: done."""
    code = said.integer(RETURN_VALUE)
    if code == STARTED:
        raise _not_done(host, method, code, "it has started a job, and told nothing")
    if code != DONE:
        raise _not_done(host, method, code)


def begun_or_done(said: CimInstance, host: str, method: str) -> Reference | None:
    """The job that a method has begun; None: it is done. Raises CimFailed for all other codes.

    HostUnreachable where a job has begun that the host does not name: what becomes of it is not
    told to anybody.
    """
    code = said.integer(RETURN_VALUE)
    if code == DONE:
        return None
    if code != STARTED:
        raise _not_done(host, method, code)
    if JOB not in said.kind.properties:
        # A change of a job's own state is begun, and the job itself tells the end.
        return None
    job = said.reference(JOB)
    if job is None:
        raise HostUnreachable(
            f"{host} has begun {method}, and does not say as which job",
            "look at the host's events: Microsoft-Windows-Hyper-V-VMMS/Admin",
        )
    return job


def _not_done(host: str, method: str, code: int, meant: str = "") -> CimFailed:
    meant = meant or _BY_RETURN.get(code, f"it returned {code}")
    return CimFailed(
        f"{method} of {host} failed: {meant} (return value {code})",
        "look at the host's events: Microsoft-Windows-Hyper-V-VMMS/Admin",
        code=code,
    )
