"""VMMS and WMI of one host: who may look at what, and which method does what."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping

from tests.lab.cim.cim_faults import (
    ACCESS_DENIED_HERE,
    INVALID_METHOD,
    INVALID_NAMESPACE,
    PROVIDER_LOAD_FAILURE,
    CimFault,
    wmi,
)
from tests.lab.cim.cim_values import Instance
from tests.lab.cim.classes import HYPERV, classes
from tests.lab.cim.embedded import NotEmbedded, write_instance
from tests.lab.cim.view import Given, Outcome, Refused, View
from tests.lab.hosts.host import Host
from tests.lab.hosts.state import HostState
from tests.lab.hosts.vmms import changes_of_settings, host_objects, management
from tests.lab.hosts.vmms.jobs import DONE, INVALID_PARAMETER, Jobs
from tests.lab.hosts.vmms.machine_objects import Shower, made
from tests.lab.hosts.vmms.moves import Moves
from tests.lab.hosts.vmms.wording import Trouble

DENIED = 32769
CLUSTER = "root/mscluster"
CHANGES: Mapping[str, Callable[[Host, Given], None]] = {
    "ModifyServiceSettings": changes_of_settings.modify_service,
    "AddNetworkSettings": changes_of_settings.add_networks,
    "ModifyNetworkSettings": changes_of_settings.modify_networks,
    "RemoveNetworkSettings": changes_of_settings.remove_networks,
    "ModifySystemSettings": management.modify_system,
    "ModifyResourceSettings": management.modify_resources,
    "AddResourceSettings": management.add_resources,
    "DestroySystem": management.destroy,
}
"""Methods of services that are answered with a job that is over."""
QUESTIONS: Mapping[str, Callable[[Host, str, Given], Outcome]] = {
    "GetSummaryInformation": management.summaries,
    "GetVirtualHardDiskState": management.disk_state,
    "GetVirtualHardDiskSettingData": management.disk_settings,
    "DefineSystem": management.define,
}


class Vmms:
    """The provider of one host; ``follow`` is called when settings changed."""

    def __init__(self, host: Host, follow: Callable[[], None]) -> None:
        self.host, self.server, self.follow = host, host.short, follow
        self.jobs = Jobs(host)
        self.moves = Moves(host, self.jobs)
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
        return self.host.state.language

    def numbers(self) -> bool:
        """Tell whether its faults hold the numbers of who refuses, WMI or its provider."""
        return self.host.store.read().numbers

    def admit(self, user: str) -> None:
        """Raise CimFault if a caller is in no group that WinRM lets in."""
        state = self.host.state
        time.sleep(state.slow_answer)
        if not state.is_operator(user):
            raise CimFault("w:AccessDenied", 5, "Access is denied.")

    def view(self, user: str, namespace: str) -> View:
        """Show a namespace."""
        state = self.host.state
        asked = namespace.casefold()
        if asked not in classes().namespaces or (asked == CLUSTER and not state.clustered):
            raise wmi(INVALID_NAMESPACE)
        refused = of_user(state.refused_namespaces, user)
        if asked in {one.casefold() for one in refused}:
            raise wmi(ACCESS_DENIED_HERE)
        if asked != HYPERV:
            found = host_objects.windows(self.host, state)
            return View([one for one in found if one.kind.namespace.casefold() == asked])
        if state.vmms != "Running":
            # What a real host answers then is not known in full.
            raise wmi(PROVIDER_LOAD_FAILURE)
        jobs = [one.shown(state) for one in self.jobs.listed()]
        shown = [*host_objects.hyperv(self.host, state), *self.machines(state), *jobs]
        return View(shown, blind=not state.administers(user))

    def machines(self, state: HostState) -> Iterator[Instance]:
        """Show the machines, and those that are planned here, or on their way."""
        shower = Shower(self.server, state)
        there = state.present()
        for machine in there:
            yield from shower.machine(machine)
        ids = {machine.id.casefold() for machine in there}
        for machine in [*state.planned, *(one.machine for one in state.incoming)]:
            if machine.id.casefold() not in ids:
                yield from shower.machine(machine, planned=True)

    def invoke(self, user: str, target: Instance, method: str, given: Given) -> Outcome:
        """Carry out a method."""
        if not self.host.state.administers(user):
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
        asked = (user, target, method, given)
        timer = threading.Timer(self.host.state.late, self.carry_out, asked)
        timer.daemon = True
        self.late.append(timer)
        timer.start()

    def carry_out(self, user: str, target: Instance, method: str, given: Given) -> Outcome:
        """Carry out a method; a string that is no instance is a wrong parameter."""
        try:
            return self.done(user, target, method, given)
        except Refused as why:
            return Outcome(why.returned)
        except NotEmbedded:
            return Outcome(INVALID_PARAMETER)

    def done(self, user: str, target: Instance, method: str, given: Given) -> Outcome:
        """Find who does it."""
        kind = target.kind
        if kind.isa("CIM_ConcreteJob"):
            return self.of_job(target, method, given)
        if kind.name == "Msvm_ComputerSystem" and method == "RequestStateChange":
            management.change_state(self.host, target["Name"], given.get("RequestedState"))
            return self.jobs.over(user, target["Name"])
        if method == "CheckVirtualSystemIsMigratable":
            return self.moves.check(user, given)
        if method == "MigrateVirtualSystemToHost":
            return self.moves.migrate(user, given)
        if kind.is_service and method in QUESTIONS:
            return QUESTIONS[method](self.host, user, given)
        if kind.is_service and method in CHANGES:
            CHANGES[method](self.host, given)
            self.follow()
            return self.jobs.over(user)
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
        CIMStatusCode=1,
    )
    return write_instance(one)
