"""A canned source of migrations: its machine, its jobs, and what it does when it is asked."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element, fromstring

from delegation.hosts.cim.cim_client import Cim
from delegation.hosts.machines import Landing, MoveOrder
from tests.hosts.cim import farms
from tests.hosts.cim.canned import (
    V2,
    CannedHost,
    CannedWire,
    Ref,
    Row,
    Value,
    embedded,
    parameters,
)

TARGET = "hv02.corp.example"
VM = farms.guid("vm1")
PARENT = '\\\\HV01\\root\\virtualization\\v2:Msvm_ResourceAllocationSettingData.InstanceID="x"'


def order(**others: object) -> MoveOrder:
    values: dict[str, object] = {
        "machine": VM,
        "name": "vm1",
        "target": TARGET,
        "storage": "D:\\VMs\\vm1",
        "landing": Landing(("10.20.0.12",)),
        **others,
    }
    return MoveOrder(**values)  # type: ignore[arg-type]


def job(number: str, **values: Value) -> Row:
    """A migration of the machine that runs."""
    return {
        "InstanceID": number,
        "JobState": 4,
        "JobType": 306,
        "PercentComplete": 10,
        "ErrorCode": 0,
        "Cancellable": True,
        "VirtualSystemName": str(VM).upper(),
        "DestinationHost": TARGET,
        **values,
    }


@dataclass
class Source:
    """One host, and a connection to it. ``codes`` is what methods return, 4096 unless told."""

    host: CannedHost = field(default_factory=lambda: farms.host(machines=2))
    codes: dict[str, int] = field(default_factory=dict)
    calls: list[tuple[str, dict[str, list[Element]]]] = field(default_factory=list)
    begun: Row = field(default_factory=lambda: job("NEW"))
    checked: Row = field(default_factory=lambda: job("CHECK", JobType=302, JobState=7))
    errors: list[Row] = field(default_factory=list)

    def __post_init__(self) -> None:
        for name in ("CheckVirtualSystemIsMigratable", "MigrateVirtualSystemToHost"):
            self.host.methods[name] = lambda asked, name=name: self._begin(name, asked)  # type: ignore[misc]
        for name in ("RequestStateChange", "DestroySystem"):
            self.host.methods[name] = lambda asked, name=name: self._return(name, asked)  # type: ignore[misc]
        self.host.methods["GetErrorEx"] = lambda _: (
            "".join(f"<p:Errors>{embedded('Msvm_Error', one)}</p:Errors>" for one in self.errors)
            + "<p:ReturnValue>0</p:ReturnValue>"
        )
        self.wire = CannedWire(self.host)
        self.cim = Cim(self.wire)

    @property
    def jobs(self) -> list[Row]:
        return self.host.rows.setdefault((V2, "Msvm_MigrationJob"), [])

    def set_job(self, **values: Value) -> None:
        """Change the last job."""
        self.jobs[-1] = {**self.jobs[-1], **values}

    def count(self, method: str) -> int:
        return sum(name == method for name, _ in self.calls)

    def texts(self, method: str, parameter: str) -> list[str]:
        """What was last given as a parameter."""
        given = next(given for name, given in reversed(self.calls) if name == method)
        return [one.text or "" for one in given.get(parameter, [])]

    def instances(self, method: str, parameter: str) -> list[Mapping[str, list[str]]]:
        """Embedded instances that were last given, each by its properties."""
        found: list[Mapping[str, list[str]]] = []
        for text in self.texts(method, parameter):
            top = fromstring(text)  # noqa: S314 - the product's own
            found.append(
                {one.get("NAME", ""): [v.text or "" for v in one.iter("VALUE")] for one in top}
            )
        return found

    def _note(self, name: str, asked: Element) -> int:
        given: dict[str, list[Element]] = {}
        for one in asked:
            given.setdefault(one.tag.rpartition("}")[2], []).append(one)
        self.calls.append((name, given))
        return self.codes.get(name, 4096)

    def _begin(self, name: str, asked: Element) -> str:
        code = self._note(name, asked)
        if code != 4096:
            return f"<p:ReturnValue>{code}</p:ReturnValue>"
        row = self.begun if name.startswith("Migrate") else self.checked
        self.jobs.append(row)
        reference = parameters(V2, Ref("Msvm_MigrationJob", "InstanceID", str(row["InstanceID"])))
        return f"<p:Job>{reference}</p:Job><p:ReturnValue>{code}</p:ReturnValue>"

    def _return(self, name: str, asked: Element) -> str:
        code = self._note(name, asked)
        if name == "DestroySystem" and code == 0:
            self.host.rows[V2, "Msvm_PlannedComputerSystem"] = []
        return f"<p:ReturnValue>{code}</p:ReturnValue>"
