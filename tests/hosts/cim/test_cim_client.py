"""Lists in many answers, lost connections, and what is never asked twice."""

import pytest

from delegation.errors import CimFailed, HostUnreachable
from delegation.hosts.cim import cim_client, cim_messages, wql
from delegation.hosts.cim.cim_classes import (
    COMPUTER_SYSTEM,
    CONCRETE_JOB,
    MIGRATION_JOB,
    MIGRATION_SERVICE,
    STORAGE_SETTINGS,
    SYSTEM_SETTINGS,
)
from delegation.hosts.cim.cim_client import Cim
from delegation.hosts.cim.cim_reference import Reference
from tests.hosts.cim import canned, farms
from tests.hosts.cim.canned import NOT_THERE, V2, CannedHost, CannedWire, Ref, Refusal, opened


def host_of(disks: int) -> CannedHost:
    host = farms.host(machines=0)
    rows = [farms.disk_of("x", number, f"C:\\{number}.vhdx") for number in range(disks)]
    host.has("Msvm_StorageAllocationSettingData", *rows)
    return host


@pytest.mark.parametrize("count", [0, 1, 2, 1_500])
def test_a_list_comes_whole_in_as_few_answers_as_it_fits(count: int) -> None:
    host = host_of(count)
    cim = opened(host)
    found = cim.query(wql.every(STORAGE_SETTINGS))
    assert [one.texts("HostResource")[0] for one in found] == [
        f"C:\\{number}.vhdx" for number in range(count)
    ]
    assert cim.trips == len(host.messages)
    bytes_of_items = count * 2_500
    assert cim.trips <= 2 + bytes_of_items // 256_000 * 2


def test_references_and_both() -> None:
    host = farms.host(machines=3)
    cim = opened(host)
    references = cim.references(wql.every(SYSTEM_SETTINGS))
    assert len(references) == 4
    assert references[0] == Reference.to(
        SYSTEM_SETTINGS, InstanceID=f"Microsoft:{farms.upper('vm0')}"
    )
    both = cim.with_references(wql.every(SYSTEM_SETTINGS))
    assert [reference for reference, _ in both] == references
    assert all(one.text("InstanceID") == which.key("InstanceID") for which, one in both)


def test_an_object_by_its_keys() -> None:
    cim = opened(farms.host())
    name = farms.upper("vm1")
    which = Reference.to(COMPUTER_SYSTEM, CreationClassName="Msvm_ComputerSystem", Name=name)
    assert cim.get(COMPUTER_SYSTEM, which).text("ElementName") == "vm1"
    nobody = Reference.to(COMPUTER_SYSTEM, Name="nobody")
    with pytest.raises(CimFailed, match="there is no such object") as caught:
        cim.get(COMPUTER_SYSTEM, nobody)
    assert caught.value.details[0] == NOT_THERE.text


def test_what_is_lost_is_read_once_more_and_from_its_start() -> None:
    host = host_of(300)
    wire = CannedWire(host)
    cim = Cim(wire)
    # The connection ends in the middle of the list.
    host.losing_after = 2
    assert len(cim.query(wql.every(STORAGE_SETTINGS))) == 300
    assert wire.times_renewed == 1
    host.losing = 2
    with pytest.raises(HostUnreachable, match="was lost"):
        cim.query(wql.every(STORAGE_SETTINGS))


def test_a_host_that_hangs_is_not_asked_again_until_somebody_asks_something() -> None:
    host = farms.host()
    wire = CannedWire(host)
    host.losing, wire.is_late = 1, True
    with pytest.raises(HostUnreachable):
        Cim(wire).query(wql.every(COMPUTER_SYSTEM))
    assert len(host.messages) == 1
    assert Cim(wire).query(wql.every(COMPUTER_SYSTEM))
    assert wire.times_renewed == 1


def test_a_connection_that_ended_meanwhile_is_made_anew_first() -> None:
    wire = CannedWire(farms.host())
    wire.is_lost = True
    assert Cim(wire).query(wql.every(COMPUTER_SYSTEM))
    assert wire.times_renewed == 1


def test_a_host_that_is_late_is_pulled_again() -> None:
    host = host_of(300)
    host.late_pulls = 2
    cim = opened(host)
    assert len(cim.query(wql.every(STORAGE_SETTINGS))) == 300
    assert host.late_pulls == 0


def test_a_list_that_never_ends_is_not_followed() -> None:
    host = host_of(10)
    host.raw["Pull"] = (
        "<n:PullResponse><n:EnumerationContext>again</n:EnumerationContext><n:Items>"
        + "<p:X xmlns:p='urn:p'/>" * 100
        + "</n:Items></n:PullResponse>"
    )
    assert cim_client.MOST_ITEMS > 10_000
    with pytest.raises(CimFailed, match="and goes on"):
        opened(host).query(wql.every(STORAGE_SETTINGS))


def test_an_item_without_its_reference_is_an_error() -> None:
    host = farms.host()
    host.raw["Enumerate"] = (
        "<n:EnumerateResponse><w:Items><w:Item><p:X xmlns:p='urn:p'/></w:Item></w:Items>"
        "<w:EndOfSequence/></n:EnumerateResponse>"
    )
    with pytest.raises(CimFailed, match="tells no reference"):
        opened(host).with_references(wql.every(MIGRATION_JOB))


@pytest.mark.parametrize(
    "end",
    [
        "<w:EndOfSequence/>",
        "<n:EndOfSequence/>",
        "<n:EnumerationContext/>",
        "",
        "<n:EnumerationContext>x</n:EnumerationContext><w:EndOfSequence/>",
    ],
)
def test_the_end_of_a_list_in_every_form(end: str) -> None:
    host = farms.host()
    host.raw["Enumerate"] = f"<n:EnumerateResponse>{end}</n:EnumerateResponse>"
    cim = opened(host)
    assert cim.query(wql.every(COMPUTER_SYSTEM)) == []
    assert cim.trips == 1


def test_a_refusal_is_not_asked_again() -> None:
    host = farms.host()
    host.refusals["Msvm_ComputerSystem"] = Refusal("w:AccessDenied", 5, "0x80041001")
    cim = opened(host)
    with pytest.raises(CimFailed):
        cim.query(wql.every(COMPUTER_SYSTEM))
    assert cim.trips == 1


def test_pulls_ask_for_more_than_one_at_a_time() -> None:
    request = cim_messages.pull(wql.every(COMPUTER_SYSTEM), "x")
    assert request.body is not None
    assert [one.text for one in request.body] == ["x", "32000"]


# What may change something


def changing(answer: str) -> tuple[CannedHost, CannedWire]:
    host = farms.host()
    host.methods["RemoveNetworkSettings"] = lambda _: answer
    return host, CannedWire(host)


def sent_to(wire: CannedWire) -> Reference | None:
    service = Reference.service(MIGRATION_SERVICE)
    return Cim(wire).change(service, MIGRATION_SERVICE, "RemoveNetworkSettings")


def times_sent(host: CannedHost) -> int:
    return host.asked.count("RemoveNetworkSettings")


def test_done_and_begun_are_told_apart() -> None:
    assert sent_to(changing("<p:ReturnValue>0</p:ReturnValue>")[1]) is None
    job = canned.parameters(V2, Ref("Msvm_ConcreteJob", "InstanceID", "7"))
    begun = f"<p:Job>{job}</p:Job><p:ReturnValue>4096</p:ReturnValue>"
    assert sent_to(changing(begun)[1]) == Reference.to(CONCRETE_JOB, InstanceID="7")


@pytest.mark.parametrize("code", [1, 5, 32768, 32769, 32775])
def test_any_other_number_is_the_hosts_refusal(code: int) -> None:
    host, wire = changing(f"<p:ReturnValue>{code}</p:ReturnValue>")
    with pytest.raises(CimFailed) as caught:
        sent_to(wire)
    assert (caught.value.code, times_sent(host)) == (code, 1)


def test_a_job_that_is_not_named_may_be_under_way() -> None:
    host, wire = changing("<p:ReturnValue>4096</p:ReturnValue>")
    with pytest.raises(HostUnreachable, match="does not say as which job"):
        sent_to(wire)
    assert times_sent(host) == 1


def test_what_changes_something_is_never_sent_again() -> None:
    host, wire = changing("<p:ReturnValue>0</p:ReturnValue>")
    host.losing = 1
    with pytest.raises(HostUnreachable, match="was lost"):
        sent_to(wire)
    assert (len(host.messages), wire.times_renewed) == (1, 0)
    # A connection that is known to be gone is made anew: nothing has been sent by it.
    assert sent_to(wire) is None
    assert (times_sent(host), wire.times_renewed) == (1, 1)
