"""What this program sends for what libvirt's driver asks as well: the same, in normal form.

libvirt is in production against Windows, and shares no code with this program.
"""

from collections.abc import Callable
from pathlib import Path

import pytest

from delegation.errors import HostRefused
from delegation.hosts.cim import cim_messages, wql
from delegation.hosts.cim.cim_class import CIMV2, CimClass, declare, method
from delegation.hosts.cim.cim_classes import (
    COMPUTER_SYSTEM,
    CONCRETE_JOB,
    MEMORY_SETTINGS,
    OPERATING_SYSTEM,
    STORAGE_SETTINGS,
    SYSTEM_SETTINGS,
)
from delegation.hosts.cim.cim_instance import CimInstance
from delegation.hosts.cim.cim_messages import CimRequest, Giving
from delegation.hosts.cim.cim_reference import Reference
from delegation.hosts.cim.cim_values import Embedded
from delegation.hosts.cim.cim_xml import parsed
from delegation.hosts.cim.wql import Query
from tests.hosts.cim.canned import CASES, NO_ACCESS, CannedHost, CannedWire
from tests.hosts.cim.normal import normal

CAPTURES = CASES / "libvirt"
HOST = "hv01.corp.example"
VM = "843e67a9-d91f-5ea2-854e-8b2b7a346cb0"
OWN = f"Microsoft:{VM.upper()}"
MADE = "7B714E8B-2E82-4DFD-BB7E-B1FE60BC4D67"

MANAGEMENT = declare(
    "Msvm_VirtualSystemManagementService",
    "",
    method("ModifyResourceSettings", "string[] ResourceSettings"),
    method("ModifySystemSettings", "string SystemSettings"),
    method("DefineSystem", "string SystemSettings"),
    method(
        "AddResourceSettings",
        "ref:CIM_VirtualSystemSettingData AffectedConfiguration, string[] ResourceSettings",
    ),
    method("DestroySystem", "ref:CIM_ComputerSystem AffectedSystem"),
)
SYSTEM = declare(
    "Msvm_ComputerSystem", "string Name", method("RequestStateChange", "uint16 RequestedState")
)
PROCESSOR = declare("Msvm_ProcessorSettingData", "string InstanceID, uint64 VirtualQuantity")
MACHINE = declare(
    "Msvm_VirtualSystemSettingData",
    "string InstanceID, string ElementName, uint16 AutomaticStartupAction",
)
PORT = declare(
    "Msvm_SyntheticEthernetPortSettingData",
    "string Address, string[] VirtualSystemIdentifiers, string ResourceSubType,"
    "uint16 ResourceType, boolean StaticMacAddress",
)
"""More than the product uses, or uses yet."""


def asks(query: Query, giving: Giving = Giving.INSTANCES) -> CimRequest:
    return cim_messages.enumerate_query(query, giving)


def parts(kind: CimClass) -> CimRequest:
    """The parts of one kind of a machine."""
    of = Reference.to(SYSTEM_SETTINGS, InstanceID=OWN)
    return asks(wql.associators(of, "Msvm_VirtualSystemSettingDataComponent", kind))


def calls(name: str, **arguments: object) -> CimRequest:
    return cim_messages.invoke(Reference.service(MANAGEMENT), MANAGEMENT, name, arguments)


def message(request: CimRequest) -> bytes:
    """The whole message of a request; what a host makes of it is nothing to these tests."""
    host = CannedHost(refusals={request.action.rpartition("/")[2]: NO_ACCESS})
    wire = CannedWire(host)
    with pytest.raises(HostRefused), wire.asking("it", 1):
        wire.ask(request)
    [sent] = host.messages
    return sent


REQUESTS: dict[str, Callable[[], CimRequest]] = {
    "03-Enumerate-query": lambda: asks(wql.every(OPERATING_SYSTEM)),
    "08-Enumerate-query": lambda: asks(
        wql.associators(
            Reference.to(COMPUTER_SYSTEM, CreationClassName="Msvm_ComputerSystem", Name=VM),
            "Msvm_SettingsDefineState",
            SYSTEM_SETTINGS,
        )
    ),
    "10-Enumerate-query": lambda: parts(PROCESSOR),
    "12-Enumerate-query": lambda: parts(MEMORY_SETTINGS),
    "16-Enumerate-query": lambda: parts(STORAGE_SETTINGS),
    "27-Enumerate-query": lambda: asks(
        wql.every(CONCRETE_JOB, InstanceID="976CF2F1-0123-4697-818C-2FE705ED05DC")
    ),
    "30-Enumerate-query": lambda: asks(
        wql.every(declare("Win32_ComputerSystem", "", namespace=CIMV2))
    ),
    "33-Enumerate-query": lambda: asks(
        wql.every(SYSTEM_SETTINGS, InstanceID=f"Microsoft:{MADE}"), Giving.REFERENCES
    ),
    "37-Enumerate-query": lambda: asks(
        wql.every(COMPUTER_SYSTEM, Name=MADE.lower()), Giving.REFERENCES
    ),
    "29-RequestStateChange-Msvm_ComputerSystem": lambda: cim_messages.invoke(
        Reference.to(
            SYSTEM,
            CreationClassName="Msvm_ComputerSystem",
            Name="f76260b9-57ab-51ab-8d75-e71c68e13d7d",
        ),
        SYSTEM,
        "RequestStateChange",
        {"RequestedState": 9},
    ),
    "26-ModifyResourceSettings-Msvm_VirtualSystemManagementService": lambda: calls(
        "ModifyResourceSettings",
        ResourceSettings=[
            Embedded(
                PROCESSOR,
                {
                    "InstanceID": f"{OWN}\\B637F346-6A0E-4DEC-AF52-BD70CB80A21D\\0",
                    "VirtualQuantity": 2,
                },
            )
        ],
    ),
    "32-DefineSystem-Msvm_VirtualSystemManagementService": lambda: calls(
        "DefineSystem", SystemSettings=Embedded(MACHINE, {"ElementName": "made"})
    ),
    "35-AddResourceSettings-Msvm_VirtualSystemManagementService": lambda: calls(
        "AddResourceSettings",
        AffectedConfiguration=Reference.to(MACHINE, InstanceID=f"Microsoft:{MADE}"),
        ResourceSettings=[
            Embedded(
                PORT,
                {
                    "Address": "00155daabbcc",
                    "VirtualSystemIdentifiers": ["{372c9a99-0508-4a03-a69b-3a17ef7c728c}"],
                    "ResourceSubType": "Microsoft:Hyper-V:Synthetic Ethernet Port",
                    "ResourceType": 10,
                    "StaticMacAddress": True,
                },
            )
        ],
    ),
    "38-DestroySystem-Msvm_VirtualSystemManagementService": lambda: calls(
        "DestroySystem",
        AffectedSystem=Reference.to(SYSTEM, CreationClassName="Msvm_ComputerSystem", Name=MADE),
    ),
    "39-ModifySystemSettings-Msvm_VirtualSystemManagementService": lambda: calls(
        "ModifySystemSettings",
        SystemSettings=Embedded(MACHINE, {"InstanceID": OWN, "AutomaticStartupAction": 4}),
    ),
}
"""What both ask, by the name of libvirt's request."""


def test_every_kind_of_request_but_the_fetching_of_answers_is_compared() -> None:
    captured = {path.name for path in CAPTURES.glob("*-request.xml")}
    assert {f"{name}-request.xml" for name in REQUESTS} <= captured
    methods = {name.split("-")[1] for name in captured} - {"Enumerate", "Pull"}
    assert methods == {name.split("-")[1] for name in REQUESTS} - {"Enumerate"}


@pytest.mark.parametrize("name", REQUESTS)
def test_both_send_the_same(name: str) -> None:
    theirs = (CAPTURES / f"{name}-request.xml").read_bytes()
    assert normal(message(REQUESTS[name]())) == normal(theirs)


def test_a_pull_is_the_same_but_for_its_resource() -> None:
    """libvirt names the class there, and this program what the Enumerate named."""
    context = "uuid:ada82196-57f8-4e6a-88cc-da7664e1dcfe"
    ours = message(cim_messages.pull(wql.every(COMPUTER_SYSTEM), context))
    theirs = (CAPTURES / "06-Pull-Msvm_ComputerSystem-request.xml").read_bytes()
    theirs = theirs.replace(b"v2/Msvm_ComputerSystem<", b"v2/*<")
    assert normal(ours) == normal(theirs)


def test_a_difference_would_be_seen() -> None:
    theirs = CAPTURES / "26-ModifyResourceSettings-Msvm_VirtualSystemManagementService-request.xml"
    raw = theirs.read_bytes()
    for old, new in (
        (b"uint64", b"uint32"),
        (b"CreationClassName", b"Name"),
        (b"ResourceSettings&gt;", b"ResourceSettings&gt;"),
        (b"VirtualQuantity", b"Limit"),
    ):
        changed = raw.replace(old, new)
        assert (normal(changed) == normal(raw)) is (old == new)


def body(file: str) -> CimInstance:
    """The one instance of an answer that was captured."""
    envelope = parsed(Path(CAPTURES / file).read_bytes())
    answer = envelope[1][0]
    page = cim_messages.page(answer)
    assert page.context is None
    [item] = page.items
    kinds = {kind.name: kind for kind in (COMPUTER_SYSTEM, STORAGE_SETTINGS, CONCRETE_JOB)}
    return CimInstance.read(kinds[file.split("-")[2]], item, HOST)


def test_answers_are_read() -> None:
    machine = body("06-Pull-Msvm_ComputerSystem-answer.xml")
    assert machine.text("ElementName") == "vm00-hv01"
    assert machine.integers("OperationalStatus") == (2,)
    disk = body("17-Pull-Msvm_StorageAllocationSettingData-answer.xml")
    assert disk.texts("HostResource") == ("C:\\VMs\\vm00-hv01\\vm00-hv01.vhdx",)
    assert disk.integer("ResourceType") == 31


def test_a_job_by_its_reference() -> None:
    answer = parsed((CAPTURES / _CALLED).read_bytes())
    job = Reference.read(answer[1][0][0])
    assert job == Reference.to(CONCRETE_JOB, InstanceID="976CF2F1-0123-4697-818C-2FE705ED05DC")
    found = body("28-Pull-Msvm_ConcreteJob-answer.xml")
    assert found.integer("JobState") == 7
    assert found.boolean("Cancellable")


_CALLED = "26-ModifyResourceSettings-Msvm_VirtualSystemManagementService-answer.xml"
