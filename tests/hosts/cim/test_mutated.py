"""Each request of the product, with one thing in it wrong: the lab refuses it. No list by hand.

What a lab lets pass proves nothing; requests are taken as the product sends them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest

from delegation.hosts.cim import cim_jobs, disk_files, machine_list, surroundings, wql
from delegation.hosts.cim.cim_classes import COMPUTER_SYSTEM
from delegation.hosts.cim.cim_reference import Reference
from delegation.hosts.probe import probe_questions
from delegation.hosts.probe.probe_facts import Probed
from tests.hosts.cim import farms
from tests.hosts.cim.canned import opened
from tests.lab.hosts.desk import FIRST, Desk

WRONG = "Wrong"


def requests() -> dict[str, bytes]:
    """All that the product asks, once each, by what it is."""
    host = farms.host()
    cim = opened(host)
    probe_questions.answers(Probed(cim, "HV01"))
    machine_list.read_machines(cim)
    surroundings.read_service_state(cim, "vmms")
    cim_jobs.read_migration_jobs(cim, str(UUID(FIRST)))
    disk_files.read_chain(cim, "C:\\Hyper-V\\vm00-hv01\\Virtual Hard Disks\\vm00-hv01.vhdx")
    cim.references(wql.every(COMPUTER_SYSTEM))
    cim.get(
        COMPUTER_SYSTEM,
        Reference.to(
            COMPUTER_SYSTEM, CreationClassName="Msvm_ComputerSystem", Name=farms.upper("vm0")
        ),
    )
    found: dict[str, bytes] = {}
    for message in host.messages:
        text = message.decode()
        if re.search("NoSuch|nosuch|00000000-0000", text) or "/Pull<" in text:
            continue
        wanted = re.search(r"<wsman:Filter[^>]*>([^<]*)", text)
        name = (
            wanted[1]
            if wanted
            else text.partition(":Action ")[2].partition("<")[0].rpartition("/")[2]
        )
        mode = re.search(r"EnumerationMode>([^<]*)", text)
        found[f"{name} {mode[1] if mode else ''}".strip()] = message
    return found


REQUESTS = requests()


def mutations(text: str) -> Iterator[tuple[str, str]]:
    """A request with one thing wrong, each by what it is."""
    query = re.search(r"(<wsman:Filter[^>]*>SELECT \* FROM )(\w+)([^<]*)", text)
    if query:
        start, kind, rest = query[1], query[2], query[3]
        yield "class", text.replace(query[0], f"{start}{kind}{WRONG}{rest}")
        for column in re.findall(r"(\w+) = ", rest):
            yield (
                f"column {column}",
                text.replace(query[0], start + kind + rest.replace(column, column + WRONG)),
            )
        yield (
            "a class in place of *",
            text.replace("/*</wsman:ResourceURI>", f"/{kind}</wsman:ResourceURI>"),
        )
        yield "dialect", text.replace("1/WQL", "1/SQL")
        yield "syntax", text.replace("SELECT *", "SELECT")
    yield "namespace", re.sub(r"/wmi/root/", "/wmi/rootx/", text)
    uri = re.search(r"ResourceURI[^>]*>([^<*]+/\w+)<", text)
    if uri and "_INPUT" in text:
        method = re.search(r"(\w+)_INPUT", text)
        assert method
        yield "method", text.replace(method[1], method[1] + WRONG)
        yield "class of the method", text.replace(uri[1], uri[1] + WRONG)
        yield (
            "no selector",
            re.sub(r"<wsman:SelectorSet>.*?</wsman:SelectorSet>", "", text, count=1),
        )
        for parameter in dict.fromkeys(re.findall(r"<ns\d+:(\w+)>[^<]", text)):
            yield f"parameter {parameter}", text.replace(f":{parameter}>", f":{parameter}{WRONG}>")
        for whole in re.findall(r"(<(ns\d+):(\w+)>([^<]*)</ns\d+:\w+>)", text)[:1]:
            element, _, name, value = whole
            if value.isdecimal():
                yield (
                    f"a text as {name}",
                    text.replace(element, element.replace(f">{value}<", ">many<"), 1),
                )
            else:
                yield f"an array for {name}", text.replace(element, element * 2, 1)
            inner = "<wsa:EndpointReference xmlns:wsa='urn:x'/>"
            yield (
                f"an element as {name}",
                text.replace(element, element.replace(f">{value}<", f">{inner}<"), 1),
            )
    if "transfer/Get<" in text:
        yield "key", text.replace('Name="Name"', f'Name="{WRONG}"')
        assert uri
        yield "class of the object", text.replace(uri[1], uri[1] + WRONG)


CASES = [
    pytest.param(text, id=f"{name}: {what}")
    for name, message in REQUESTS.items()
    for what, text in mutations(message.decode())
]


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    return Desk(Path(tmp_path_factory.mktemp("desk")))


def test_there_are_enough() -> None:
    assert len(REQUESTS) > 20
    assert len(CASES) > 100


@pytest.mark.parametrize("name", REQUESTS)
def test_the_product_itself_is_answered(desk: Desk, name: str) -> None:
    told = desk.send(REQUESTS[name])
    refused = "MSCluster" in name or name == "Get" or "GetVirtualHardDisk" in name
    assert not told.fault or refused, told.text("Reason")


@pytest.mark.parametrize("text", CASES)
def test_one_thing_wrong_is_refused(desk: Desk, text: str) -> None:
    assert text.encode() not in REQUESTS.values(), "nothing is wrong with it"
    assert desk.send(text.encode()).fault
