"""VMMS and WMI of one host: who may look at what, and which method does what."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from functools import partial

from tests.lab.cim.cim_faults import (
    ACCESS_DENIED_HERE,
    INVALID_METHOD,
    INVALID_NAMESPACE,
    PROVIDER_LOAD_FAILURE,
    CimFault,
    wmi,
)
from tests.lab.cim.cim_values import Instance, Whole
from tests.lab.cim.classes import HYPERV, classes
from tests.lab.cim.embedded import write_instance
from tests.lab.cim.view import Outcome, View
from tests.lab.hosts.host import Host
from tests.lab.hosts.state import HostState
from tests.lab.hosts.vmms import host_objects
from tests.lab.hosts.vmms.changes_of_settings import SettingsChanges
from tests.lab.hosts.vmms.jobs import DONE, Job, Jobs
from tests.lab.hosts.vmms.machine_objects import Shower, made
from tests.lab.hosts.vmms.management import Management, server_of
from tests.lab.hosts.vmms.moves import STARTED, Moves
from tests.lab.hosts.vmms.wording import Trouble, Wording

DENIED = 32769
CLUSTER = "root/mscluster"
Given = Mapping[str, Whole]
RARE = frozenset(
    {
        *host_objects.SERVICES,
        "Msvm_MigrationJob",
        "Msvm_ConcreteJob",
        "Msvm_VirtualSystemMigrationServiceSettingData",
        "Msvm_VirtualSystemMigrationNetworkSettingData",
        "Msvm_VirtualSystemManagementServiceSettingData",
        "Msvm_VirtualEthernetSwitch",
        "Msvm_Memory",
        "Msvm_NumaNode",
    }
)
"""Classes that no machine of the host's adds an instance to."""


class Vmms:
    """The provider of one host; ``follow`` is called when settings changed."""

    def __init__(self, host: Host, follow: Callable[[], None]) -> None:
        self.host, self.server = host, host.short
        self.jobs = Jobs(host.store.read)
        self.moves = Moves(host, self.jobs)
        self.settings = SettingsChanges(host, follow)
        self.management = Management(host)
        self.late: list[threading.Timer] = []

    def close(self) -> None:
        """End all jobs, and forget what was to be carried out: the host goes down."""
        for timer in self.late:
            timer.cancel()
        self.jobs.stop_all()

    def restarted(self) -> None:
        """End all jobs, and know none of them any more: the service has ended, and not the host."""
        self.close()
        self.jobs.forget()

    def language(self) -> str:
        """Name the language of its texts, whatever a client's Locale says."""
        return self.host.store.read().language

    def numbers(self) -> bool:
        """Tell whether its faults hold the numbers of who refuses, WMI or its provider."""
        return self.host.store.read().numbers

    def admit(self, user: str) -> None:
        """Raise CimFault if a caller is in no group that WinRM lets in."""
        state = self.host.store.read()
        time.sleep(state.slow_answer)
        if not state.is_operator(user):
            raise CimFault("w:AccessDenied", 5, "Access is denied.")

    def view(self, user: str, namespace: str) -> View:
        """Show a namespace."""
        state = self.host.store.read()
        asked = namespace.casefold()
        if asked not in classes().namespaces or (asked == CLUSTER and not state.clustered):
            raise wmi(INVALID_NAMESPACE)
        refused = of_user(state.refused_namespaces, user)
        if asked in {one.casefold() for one in refused}:
            raise wmi(ACCESS_DENIED_HERE)
        if asked != HYPERV:
            return self.windows(asked, state)
        if state.vmms != "Running":
            # What a real host answers then is not known in full.
            raise wmi(PROVIDER_LOAD_FAILURE)
        wording = Wording.of(state)
        quick = list(host_objects.hyperv(self.host, state, wording))
        jobs = [one.shown(wording, state) for one in self.jobs.listed()]
        more = partial(self.machines, state, jobs)
        return View([*quick, *jobs], more, RARE, blind=not state.administers(user))

    def windows(self, namespace: str, state: HostState) -> View:
        """Show one of the other namespaces."""
        found = host_objects.windows(self.host, state)
        here = [one for one in found if one.kind.namespace.casefold() == namespace]
        files = partial(host_objects.files, self.host)
        others = {one.name for one in classes().known} - {"CIM_DataFile"}
        return View(here, files, others) if namespace == "root/cimv2" else View(here)

    def machines(self, state: HostState, jobs: list[Instance]) -> list[Instance]:
        """Show the machines, and which jobs are about which."""
        shower = Shower(self.server, state, Wording.of(state))
        found: list[Instance] = []
        systems = {}
        for machine in state.present():
            shown = list(shower.machine(machine))
            systems[machine.id.casefold()] = shown[0]
            found += shown
        for machine in [*state.planned, *(one.machine for one in state.incoming)]:
            if machine.id.casefold() not in systems:
                found += shower.machine(machine, planned=True)
        for job in jobs:
            named = job["VirtualSystemName"] if "VirtualSystemName" in job.kind.properties else ""
            if system := systems.get((named or "").casefold()):
                link = "Msvm_AffectedJobElement"
                found.append(made(link, AffectedElement=system, AffectingElement=job))
        return found

    def invoke(self, user: str, target: Instance, method: str, given: Given) -> Outcome:
        """Carry out a method."""
        if not self.host.store.read().administers(user):
            return Outcome(DENIED)
        if self.loses_answer(method):
            self.carry_out_late(user, target, method, given)
            raise ConnectionAbortedError(method)
        return self.carry_out(user, target, method, given)

    def loses_answer(self, method: str) -> bool:
        """Tell whether the next answer to this method is to be lost; only once."""
        with self.host.store.change() as state:
            if method not in state.lost_answers:
                return False
            state.lost_answers.remove(method)
            return True

    def carry_out_late(self, user: str, target: Instance, method: str, given: Given) -> None:
        """Carry out what nobody gets an answer to."""
        timer = threading.Timer(
            self.host.store.read().late, self.carry_out, (user, target, method, given)
        )
        timer.daemon = True
        self.late.append(timer)
        timer.start()

    def carry_out(self, user: str, target: Instance, method: str, given: Given) -> Outcome:
        """Find who does it."""
        kind = target.kind
        if kind.isa("CIM_ConcreteJob"):
            return self.of_job(target, method, given)
        if kind.name == "Msvm_ComputerSystem" and method == "RequestStateChange":
            wanted = given.get("RequestedState")
            returned = self.management.change_state(target["Name"], wanted)
            return self.with_job(returned, user, target["Name"])
        if kind.name == "Msvm_VirtualSystemMigrationService":
            return self.of_migration_service(user, method, given)
        if kind.is_service:
            return self.of_other_service(user, method, given)
        raise wmi(INVALID_METHOD, f"the lab's hosts do not have {kind.name}.{method}")

    def of_job(self, target: Instance, method: str, given: Given) -> Outcome:
        """Methods of a job."""
        job = self.jobs.find(target["InstanceID"])
        match method:
            case "RequestStateChange":
                return Outcome(self.jobs.request(job.id, given.get("RequestedState")))
            case "GetErrorEx":
                return Outcome(DONE, {"Errors": [error(one) for one in job.troubles]})
            case "GetError":
                texts = [error(one) for one in job.troubles[:1]]
                return Outcome(DONE, {"Error": texts[0] if texts else None})
        raise wmi(INVALID_METHOD, f"the lab's jobs do not have {method}")

    def of_migration_service(self, user: str, method: str, given: Given) -> Outcome:
        """Methods of the migration service."""
        if method == "CheckVirtualSystemIsMigratable":
            return self.moves.check(user, given)
        if method == "MigrateVirtualSystemToHost":
            return self.moves.migrate(user, given)
        changes = {
            "ModifyServiceSettings": self.settings.modify_service,
            "AddNetworkSettings": self.settings.add_networks,
            "ModifyNetworkSettings": self.settings.modify_networks,
            "RemoveNetworkSettings": self.settings.remove_networks,
        }
        if method not in changes:
            raise wmi(INVALID_METHOD, f"the lab's hosts do not have {method}")
        return self.with_job(changes[method](given), user)

    def of_other_service(self, user: str, method: str, given: Given) -> Outcome:
        """Methods of the management service, and of that of images."""
        here = self.management
        told = {
            "GetSummaryInformation": here.summaries,
            "GetVirtualHardDiskState": here.disk_state,
            "GetVirtualHardDiskSettingData": here.disk_settings,
        }
        if method in told and server_of(given):
            returned, out = here.on_share(user, given)
            kept = "State" if method == "GetVirtualHardDiskState" else "SettingData"
            return Outcome(returned, {name: one for name, one in out.items() if name == kept})
        if method in told:
            return Outcome(*told[method](given))
        resources = "CIM_ResourceAllocationSettingData"
        match method:
            case "DestroySystem":
                return self.with_job(here.destroy(given), user)
            case "DefineSystem":
                return self.defined(*here.define(given))
            case "ModifySystemSettings":
                texts = [one for one in [given.get("SystemSettings")] if one]
                returned = here.modify(texts, "Msvm_VirtualSystemSettingData")
                return self.with_job(returned, user)
            case "ModifyResourceSettings" | "AddResourceSettings":
                new = method == "AddResourceSettings"
                changed = here.modify(given.get("ResourceSettings"), resources, new=new)
                return self.with_job(changed, user)
        raise wmi(INVALID_METHOD, f"the lab's hosts do not have {method}")

    def with_job(self, returned: int, user: str, machine_id: str = "") -> Outcome:
        """Answer with a job that is over; a refusal has none."""
        if returned != DONE:
            return Outcome(returned)
        state = self.host.store.read()
        job: Job = self.jobs.done(user, machine_id)
        return Outcome(STARTED, {"Job": job.shown(Wording.of(state), state)})

    def defined(self, returned: int, machine_id: str) -> Outcome:
        """Answer with a new machine."""
        if returned != DONE:
            return Outcome(returned)
        state = self.host.store.read()
        machine = state.machine(machine_id)
        assert machine is not None, "it was just made"
        shower = Shower(self.server, state, Wording.of(state))
        return Outcome(DONE, {"ResultingSystem": shower.system(machine, planned=False)})


def of_user(told: Mapping[str, list[str]], user: str) -> list[str]:
    """Give what is said of a user (``vmadmin@CORP.EXAMPLE``)."""
    name = user.partition("@")[0].casefold()
    return next((held for key, held in told.items() if key.casefold() == name), [])


def error(trouble: Trouble) -> str:
    """Write one error of a job."""
    one = made(
        "Msvm_Error",
        Message=trouble.text,
        MessageID=trouble.message_id or None,
        MessageArguments=list(trouble.arguments),
        ErrorType=4,
        ProbableCause=47,
        PerceivedSeverity=4,
        CIMStatusCode=1,
    )
    return write_instance(one)
