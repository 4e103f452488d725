"""A lab host's CIM: what libvirt's driver asks is answered as it expects, and the rest strictly."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.lab import dc
from tests.lab.description import OPERATOR, READER
from tests.lab.hosts.desk import FIRST, Desk
from tests.lab.hosts.state import Checkpoint
from tests.lab.hosts.vmms.jobs import Job
from tests.lab.requests_of_others import (
    CAPTURES,
    Told,
    captured,
    embedded_values,
    local,
    values,
    written_by_hand,
)

V2 = "http://schemas.microsoft.com/wbem/wsman/1/wmi/root/virtualization/v2/"


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def query(text: str, namespace: str = "root/virtualization/v2") -> bytes:
    """A query, in libvirt's envelope."""
    document = captured(3).decode().replace("root/cimv2", namespace)
    return document.replace("SELECT * FROM Win32_OperatingSystem ", text).encode()


def where(kind: str, condition: str) -> str:
    """A query with a condition."""
    return f"SELECT * FROM {kind} WHERE {condition}"  # noqa: S608 - no SQL, and no stranger's


def everything(desk: Desk, text: str, **more: str) -> list[dict[str, list[str]]]:
    """All that a query gives, page by page."""
    began = desk.send(query(text, **more))
    assert not began.fault, began.text("Reason")
    found: list[dict[str, list[str]]] = []
    context = began.text("EnumerationContext")
    while context:
        page = desk.send(pulled(captured(4), context, **more))
        assert not page.fault, page.text("Reason")
        found += map(values, page.items)
        context = page.text("EnumerationContext")
    return found


def pulled(document: bytes, context: str, namespace: str = "root/virtualization/v2") -> bytes:
    """A Pull of libvirt's, of another enumeration."""
    text = document.decode().replace("root/cimv2", namespace)
    return re.sub(r"(EnumerationContext>)uuid:[^<]*", rf"\g<1>{context}", text).encode()


class TestLibvirt:
    """What was captured from libvirt 9.0, in its order; identifiers that we made are put in."""

    def test_every_question_is_answered_as_the_driver_reads_it(self, desk: Desk) -> None:
        context, job, made = "", "", ""
        for number in range(1, 44):
            document = captured(number).decode()
            document = re.sub(r"(EnumerationContext>)uuid:[^<]*", rf"\g<1>{context}", document)
            document = document.replace("976CF2F1-0123-4697-818C-2FE705ED05DC", job or "none")
            document = re.sub("(?i)7B714E8B-2E82-4DFD-BB7E-B1FE60BC4D67", made or "none", document)
            told = desk.send(document.encode())
            assert not told.fault, (number, told.text("Reason"))
            context = told.text("EnumerationContext")
            if told.first("Job") is not None:
                job = told.selectors["InstanceID"]
            made = told.selectors.get("Name", "") if number == 32 else made
            self.agrees(number, told)
        assert made not in {one.id for one in desk.state.machines}

    def agrees(self, number: int, told: Told) -> None:
        """The answer has the elements of the one that libvirt took, and a value where it had one.

        Those answers were a prototype's: their form is what libvirt's parser was content with.
        """
        (file,) = CAPTURES.glob(f"{number:02}-*-answer.xml")
        taken = Told.read(file.read_bytes())
        body, ours = taken.root[1][0], told.root[1][0]
        assert ours.tag == body.tag
        for theirs, one in zip(taken.items[:1], told.items, strict=False):
            assert one.tag == theirs.tag
            held, mine = values(theirs), values(one)
            # Machines, memory and jobs differ; what they had a value for, we have one for too.
            missing = held.keys() - mine.keys() - {"ProcessID", "ErrorDescription"}
            assert not missing, (number, missing)
        assert len(told.items) >= len(taken.items[:1])
        assert told.returned == taken.returned

    def test_processors_are_set(self, desk: Desk) -> None:
        desk.send(captured(26))
        assert desk.machine().processors == 2

    def test_a_machine_is_paused_as_a_job(self, desk: Desk) -> None:
        told = desk.send(captured(29))
        assert (told.returned, list(told.selectors)) == (4096, ["InstanceID"])
        (job,) = everything(desk, "SELECT * FROM Msvm_ConcreteJob WHERE JobState = 7")
        assert job["InstanceID"] == [told.selectors["InstanceID"]]
        assert job["TimeBeforeRemoval"] == ["P0DT0H5M0S"]


class TestReading:
    def test_the_hosts_own_system_is_among_the_machines(self, desk: Desk) -> None:
        names = [
            one["ElementName"] for one in everything(desk, "SELECT * FROM Msvm_ComputerSystem")
        ]
        assert names == [["HV01"], ["vm00-hv01"], ["vm01-hv01"]]
        (own,) = everything(desk, "SELECT * FROM Msvm_ComputerSystem WHERE Name = __SERVER")
        assert own["Name"] == ["HV01"]

    def test_columns_come_without_a_namespace(self, desk: Desk) -> None:
        told = desk.by_hand("listeners")
        assert [one.tag.endswith("XmlFragment") for one in told.items] == [True]
        assert [one.tag for one in told.items[0]] == ["ActiveVirtualSystemMigrationCount"]
        desk.set(enabled=True, any_network=True)
        told = desk.by_hand("listeners")
        addresses = [one.text for one in told.items[0] if one.tag.startswith("Migration")]
        assert addresses == [desk.address, "fe80::1"]

    def test_a_disk_that_is_none_has_another_subtype(self, desk: Desk) -> None:
        with desk.store.change() as state:
            state.machines[0].images = ["C:\\iso\\setup.iso"]
            state.machines[0].floppies = ["C:\\iso\\boot.vfd"]
        media = "SELECT * FROM Msvm_StorageAllocationSettingData WHERE ResourceType = 31"
        kinds = [one["ResourceSubType"][0] for one in everything(desk, media)]
        assert len(kinds) == 5
        assert len(desk.by_hand("disks").items) == 1, "the first page holds one"
        own = "ResourceSubType = 'Microsoft:Hyper-V:Virtual Hard Disk'"
        no_default = "NOT InstanceID LIKE 'Microsoft:Definition%'"
        found = everything(desk, f"{media} AND {own} AND {no_default}")
        assert [one["HostResource"] for one in found] == [
            [disk] for machine in desk.state.machines for disk in machine.disks
        ]

    def test_checkpoints_have_settings_of_their_own(self, desk: Desk) -> None:
        with desk.store.change() as state:
            base = state.machines[0].disks[0]
            state.machines[0].checkpoints = [Checkpoint("11" * 16, "before", [base])]
            state.machines[0].disks = [base.replace(".vhdx", "_1.avhdx")]
            state.machines[0].parents = {state.machines[0].disks[0]: base}
        kind = "VirtualSystemType LIKE 'Microsoft:Hyper-V:Snapshot%'"
        (found,) = everything(desk, where("Msvm_VirtualSystemSettingData", kind))
        assert found["InstanceID"] == [f"Microsoft:{'11' * 16}"]
        # Documented: the name of the system to which the settings belong.
        assert found["VirtualSystemIdentifier"] == [FIRST.upper()]
        desk.volume.fill(desk.machine().disks[0], 10)
        told = desk.by_hand("disk-state")
        assert embedded_values(told.text("State"))["FileSize"] == ["10"]
        document = written_by_hand("disk-state", **desk.blanks()).decode()
        asked = document.replace("GetVirtualHardDiskState", "GetVirtualHardDiskSettingData")
        chain = embedded_values(desk.send(asked.encode()).text("SettingData"))
        assert (chain["ParentPath"], chain["Type"]) == ([base], ["4"])

    def test_no_such_file(self, desk: Desk) -> None:
        desk.volume.remove(desk.machine().disks)
        assert desk.by_hand("disk-state").returned == 32779

    def test_summaries_hold_what_is_requested(self, desk: Desk) -> None:
        told = desk.by_hand("summary")
        assert told.returned == 0
        found = [one for one in told.root.iter() if local(one) == "SummaryInformation"]
        assert [values(one)["Name"] for one in found] == [[FIRST.upper()], [desk_second()]]
        assert "NumberOfProcessors" not in values(found[0])
        assert values(found[0])["MemoryUsage"] == ["4096"]

    def test_an_association_is_followed(self, desk: Desk) -> None:
        path = f"Msvm_VirtualSystemSettingData.InstanceID='Microsoft:{FIRST}'"
        text = f"ASSOCIATORS OF {{{path}}} WHERE ResultClass = Msvm_MemorySettingData"
        assert [one["VirtualQuantity"] for one in everything(desk, text)] == [["4096"]]
        links = everything(desk, f"REFERENCES OF {{{path}}} WHERE ResultClass = CIM_Component")
        assert len(links) == 7

    def test_windows_beside_hyper_v(self, desk: Desk) -> None:
        names = {"namespace": "root/StandardCimv2"}
        found = everything(desk, "SELECT * FROM MSFT_NetIPAddress", **names)
        assert desk.address in [one["IPAddress"][0] for one in found]
        names = {"namespace": "root/Microsoft/Windows/Storage"}
        (volume,) = everything(desk, "SELECT * FROM MSFT_Volume", **names)
        assert volume["DriveLetter"] == ["C"]
        names = {"namespace": "root/cimv2"}
        path = desk.machine().disks[0].replace("\\", "\\\\")
        (file,) = everything(desk, where("CIM_DataFile", f"Name = '{path}'"), **names)
        assert file["FileSize"] == ["1000"]
        asked = "SELECT * FROM Win32_Service WHERE Name = 'clussvc'"
        assert everything(desk, asked, **names) == []


def desk_second() -> str:
    return "F76260B9-57AB-51AB-8D75-E71C68E13D7D"


class TestPages:
    def many(self, desk: Desk) -> None:
        for number in range(100):
            desk.add_vm(f"m{number:03}", disk_bytes=1)

    def test_a_hundred_machines_come_in_pages_of_half_an_envelope(self, desk: Desk) -> None:
        self.many(desk)
        began = desk.by_hand("machines")
        assert len(began.items) == 1, "the first page holds one item if there are more"
        names = [values(one)["ElementName"][0] for one in began.items]
        context, sizes = began.text("EnumerationContext"), []
        while context:
            document = pulled(captured(6), context).decode()
            large = document.replace(
                "</wsen:EnumerationContext>",
                "</wsen:EnumerationContext><wsen:MaxElements>32000</wsen:MaxElements>",
            )
            page = desk.send(large.encode())
            sizes.append(len(ET.tostring(page.root)))
            names += [values(one)["ElementName"][0] for one in page.items]
            context = page.text("EnumerationContext")
        assert len(names) == len(set(names)) == 103
        assert len(sizes) > 2
        assert max(sizes) < 153_600

    def test_a_pull_without_a_number_gives_one(self, desk: Desk) -> None:
        began = desk.send(query("SELECT * FROM Msvm_ComputerSystem"))
        page = desk.send(pulled(captured(6), began.text("EnumerationContext")))
        assert len(page.items) == 1

    def test_a_context_ends_and_is_nobody_elses(self, desk: Desk) -> None:
        desk.set(operators=[OPERATOR, READER])
        began = desk.send(query("SELECT * FROM Msvm_ComputerSystem"))
        pull = pulled(captured(6), began.text("EnumerationContext"))
        assert desk.send(pull, READER).subcode == "n:InvalidEnumerationContext"
        release = pull.replace(b"Pull", b"Release")
        assert not desk.send(release).fault
        assert desk.send(pull).subcode == "n:InvalidEnumerationContext"

    def test_an_item_that_fits_into_no_envelope(self, desk: Desk) -> None:
        with desk.store.change() as state:
            state.machines[0].name = "x" * 9000
        small = written_by_hand("machines").replace(b">512000<", b">8192<")
        began = desk.send(small)
        pull = pulled(captured(6), began.text("EnumerationContext")).decode()
        limit = "<wsman:MaxEnvelopeSize>8192</wsman:MaxEnvelopeSize></s:Header>"
        assert desk.send(pull.replace("</s:Header>", limit).encode()).subcode == "w:EncodingLimit"
        tiny = written_by_hand("machines").replace(b">512000<", b">8191<")
        assert desk.send(tiny).subcode == "w:EncodingLimit"


class TestRights:
    def test_one_without_any_is_refused(self, desk: Desk) -> None:
        told = desk.by_hand("machines", READER)
        assert (told.subcode, told.code) == ("w:AccessDenied", 5)

    def test_a_namespace_of_its_own(self, desk: Desk) -> None:
        desk.only_hyperv()
        told = desk.send(captured(3))
        assert (told.subcode, told.fault) == ("w:AccessDenied", True)
        assert "0x80041003" in told.text("Detail")
        assert desk.by_hand("machines").items

    def test_empty_lists_for_want_of_rights(self, desk: Desk) -> None:
        desk.set(blind=[OPERATOR])
        told = desk.by_hand("machines")
        assert (told.fault, told.items) == (False, [])
        assert everything(desk, "SELECT * FROM Msvm_VirtualSystemMigrationService") == []
        job = desk.vmms.jobs.add(Job("Msvm_MigrationJob", 306, "")).id
        assert desk.by_hand("job", job=job).fault
        assert [desk.by_hand(name).returned for name in ("summary", "move")] == [32769, 32769]

    def test_vmms_stopped(self, desk: Desk) -> None:
        desk.set(vmms="Stopped")
        assert desk.by_hand("machines").fault
        assert not desk.send(captured(3)).fault


class TestTexts:
    def test_japanese_beside_the_same_numbers(self, desk: Desk) -> None:
        desk.set(language="ja-JP")
        (own,) = everything(desk, where("Msvm_ComputerSystem", f"Name = '{FIRST}'"))
        assert own["StatusDescriptions"] == ["正常稼働中"]
        assert own["OperationalStatus"] == ["2"]
        told = desk.send(query("SELECT * FROM Msvm_Nothing"))
        assert "クラス" in told.text("Reason")
        assert "0x80041010" in told.text("Detail")


class TestSettings:
    def test_they_are_changed_and_read_back(self, desk: Desk) -> None:
        assert desk.by_hand("enable").returned == 4096
        state = desk.state
        assert (state.enabled, state.authentication, state.migrations) == (True, "Kerberos", 4)
        assert desk.by_hand("add-network").returned == 4096
        shown = desk.by_hand("networks")
        assert shown.text("SubnetNumber") == "10.20.0.0"
        own = shown.selectors["InstanceID"]
        assert desk.by_hand("remove-network", network=own).returned == 4096
        assert desk.state.networks == {}

    def test_any_network_is_entries_of_their_own_tag(self, desk: Desk) -> None:
        desk.set(any_network=True)
        text = "SELECT * FROM Msvm_VirtualSystemMigrationNetworkSettingData"
        found = {one["SubnetNumber"][0]: one["Tags"] for one in everything(desk, text)}
        assert sorted(found) == ["0.0.0.0", "::"]  # noqa: S104 - any network
        assert all(tags == ["Microsoft:UserManagedAllNetworks"] for tags in found.values())


Change = tuple[str, str]
"""What is put in the place of what, wherever it stands."""
SYSTEM = '<w:Selector Name="CreationClassName">Msvm_ComputerSystem</w:Selector>'
ERROR, SCHEMA = 0x803380FA, 0x80338041
FAULTS: dict[str, tuple[str, Change, int]] = {
    "class instead of *": ("machines", ("v2/*", "v2/Msvm_ComputerSystem"), 0x803380FB),
    "no such class": ("machines", ("FROM Msvm_C", "FROM Msvm_X"), ERROR),
    "no such namespace": ("machines", ("root/virt", "root/vert"), ERROR),
    "no such column": ("planned", ("ElementName", "ElementNames"), ERROR),
    "no such resource": ("machines", ("wsman/1/wmi", "wsman/1/wmu"), 0x8033803B),
    "no such instance": ("job", ("", ""), 0x80338000),
    "no such method": ("enable", ("ModifyS", "MutifyS"), ERROR),
    "no CreationClassName": ("enable", ('Name="CreationClassName"', 'Name="Name"'), ERROR),
    "no key of a system": ("move", (SYSTEM, ""), ERROR),
    "no such parameter": ("move", ("p:DestinationHost>", "p:Destination>"), ERROR),
    "no number": ("cancel", (">4<", ">four<"), SCHEMA),
    "wrapped reference": ("move", ("<a:Address>", "<a:EndpointReference/><a:Address>"), SCHEMA),
    "element for a text": ("move", ("<p:DestinationHost>", "<p:DestinationHost><x/>"), SCHEMA),
}


class TestFaults:
    def test_a_datetime_in_another_form_lets_the_job_fail(self, desk: Desk) -> None:
        """As a real host did, where all else is refused at once."""
        about = 'NAME="AutomaticStartupActionDelay" TYPE="datetime"'
        delay = f"&lt;PROPERTY {about}&gt;&lt;VALUE&gt;PT5M&lt;/VALUE&gt;&lt;/PROPERTY&gt;"
        text = written_by_hand("move", **desk.blanks()).decode()
        place = '&lt;PROPERTY NAME="ConfigurationDataRoot"'
        assert place in text
        told = desk.send(text.replace(place, delay + place).encode())
        assert told.returned == 4096
        job = desk.vmms.jobs.find(told.selectors["InstanceID"])
        assert dc.until(lambda: not job.running, 10)
        assert (job.state, job.code) == (10, 32768)

    def refused(self, desk: Desk, name: str, change: Change) -> Told:
        whole = {**desk.blanks(), "network": "none"}
        job = desk.vmms.jobs.add(Job("Msvm_MigrationJob", 306, "")).id
        job = job if name == "cancel" else "none"
        text = written_by_hand(name, **whole, job=job).decode()
        assert change[0] in text
        told = desk.send(text.replace(*change).encode())
        assert told.fault
        return told

    @pytest.mark.parametrize("why", FAULTS)
    def test_each_has_its_code(self, desk: Desk, why: str) -> None:
        name, change, code = FAULTS[why]
        assert hex(self.refused(desk, name, change).code) == hex(code)

    def test_the_provider_says_its_number(self, desk: Desk) -> None:
        told = self.refused(desk, *FAULTS["no such class"][:2])
        assert "HRESULT 0x80041010" in told.text("ProviderFault")
        assert told.subcode == "w:InternalError"

    def test_what_must_be_understood(self, desk: Desk) -> None:
        strange = '<z:Odd xmlns:z="urn:z" s:mustUnderstand="true"/></s:Header>'
        told = self.refused(desk, "machines", ("</s:Header>", strange))
        assert told.subcode == "s:MustUnderstand"

    def test_replies_go_somewhere(self, desk: Desk) -> None:
        told = self.refused(desk, "machines", ("ReplyTo", "FaultTo"))
        assert told.subcode == "a:MessageInformationHeaderRequired"

    def test_who_this_is(self, desk: Desk) -> None:
        wsmid = "http://schemas.dmtf.org/wbem/wsman/identity/1/wsmanidentity.xsd"
        soap = "http://www.w3.org/2003/05/soap-envelope"
        body = f'<i:Identify xmlns:i="{wsmid}"/>'
        asked = f'<s:Envelope xmlns:s="{soap}"><s:Header/><s:Body>{body}</s:Body></s:Envelope>'
        assert desk.send(asked.encode()).text("ProductVendor") == "Microsoft Corporation"
