"""Source and target -> which ways of sending a machine the source's own check accepts, as facts.

Nothing is moved. Whether a check leaves a planned machine on its target is one of the questions:
it is looked for after each, and what was not there before is removed again.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from delegation.errors import CimFailed
from delegation.hosts.cim import cim_jobs, disk_files, migration_request, moving
from delegation.hosts.cim.cim_classes import MIGRATION_SERVICE
from delegation.hosts.cim.cim_client import Cim
from delegation.hosts.cim.cim_faults import AccessRefused
from delegation.hosts.cim.cim_jobs import CimJob
from delegation.hosts.cim.cim_reference import Reference
from delegation.hosts.cim.migration_request import MachineFiles, MigrationRequest
from delegation.hosts.cim.migration_service import read_folder
from delegation.hosts.machines import MoveOrder, VirtualMachine
from delegation.hosts.probe.probe_facts import Fact, Facts, counted_by, form_of, refused
from delegation.hosts.probe.probe_questions import job_facts
from delegation.hosts.probe.request_ways import WAYS, ListedDisk, SentRequest
from delegation.hosts.probe.unanswerable import OTHER_LANGUAGE, USUAL_LANGUAGE

SETTLING_SECONDS = 60.0
"""For a check that was let go of, before what it may have left is looked for."""
_PAUSE_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class CheckedEnds:
    """Connections to both ends, of the calling thread; ``name`` is the target's full name."""

    source: Cim
    target: Cim
    name: str

    def renew(self) -> None:
        for end in (self.source, self.target):
            end.wire.renew()


def ask_ways(ends: CheckedEnds, machine: VirtualMachine, storage: str = "") -> Facts:
    """All ways for one machine of the source, to a folder or below the target's default one.

    Raises HostError where an end does not answer any more; what was left is removed before that,
    and before Ctrl-C goes on.
    """
    if moving.is_at_work(ends.source, machine.id):
        return {"not_checked": "something goes on with the machine"}
    landing = moving.read_landing(ends.target, machine.id)
    folder = storage or disk_files.below(read_folder(ends.target), machine.name)
    order = MoveOrder(machine.id, machine.name, ends.name, folder, landing, with_checkpoints=True)
    found = migration_request.read_files(ends.source, order)
    sent = _sent(ends.source, order, found)
    traces = _Traces(ends, order, moving.new_handle(ends.source, order))
    try:
        ways: dict[str, Fact] = {}
        for key, vary in WAYS.items():
            asked = vary(sent)
            ways[key] = _without(key) if asked is None else _checked(ends.source, asked, traces)
    except BaseException:
        # Ctrl-C as well: a request may be half way, so that these connections are of no use.
        ends.renew()
        traces.refuse_left()
        raise
    return {**_machine(machine, found), "planned_before": landing.has_planned, "ways": ways}


def _without(key: str) -> Facts:
    needs = "a checkpoint" if "checkpoints" in key else "two disks"
    return {"not_asked": f"the machine has not got {needs}"}


def _machine(machine: VirtualMachine, found: MachineFiles) -> dict[str, Fact]:
    files = (migration_request.file_of(one) for one in found.listed)
    return {
        "state": str(machine.state),
        "checkpoints": len(found.checkpoints),
        "disks": len(found.disks),
        "disks_of_checkpoints": len(found.checkpoint_disks),
        "differencing": len(found.differencing),
        "places": counted_by(map(form_of, files)),
    }


def _sent(cim: Cim, order: MoveOrder, found: MachineFiles) -> SentRequest:
    request = migration_request.request(cim, order, found)
    files = [migration_request.file_of(one) for one in found.listed]
    placed = disk_files.places(order.storage, files)
    disks = [
        ListedDisk(settings, file, placed[file.casefold()], number >= len(found.disks))
        for number, (settings, file) in enumerate(zip(request.disks, files, strict=True))
    ]
    return SentRequest(request, tuple(disks))


class _Traces:
    """What checks of one machine leave on the target, told from what was there before them."""

    def __init__(self, ends: CheckedEnds, order: MoveOrder, handle: str) -> None:
        self._ends, self._order, self._handle = ends, order, handle

    def removed(self) -> Fact:
        """Whether there was anything, and what became of it.

        A planned machine that was there before the checks is somebody's, and nothing is told of
        them then. One of a check that still goes on is its own.
        """
        machine = self._order.machine
        if self._order.landing.has_planned:
            return "one was there before"
        if not moving.read_landing(self._ends.target, machine).has_planned:
            return False
        if not self._is_at_rest():
            return {"left": True, "removed": "no: the source still works on that machine"}
        try:
            return {"left": True, "removed": moving.remove_planned(self._ends.target, self._handle)}
        except (CimFailed, AccessRefused) as exc:
            return {"left": True, "removed": refused(exc)}

    def refuse_left(self) -> None:
        """Raise CimFailed where something of ours stays there."""
        found = self.removed()
        if isinstance(found, Mapping) and found["removed"] is not True:
            raise CimFailed(
                f"a check of {self._order.name} may have left a planned machine on "
                f"{self._ends.target.host}, which could not be removed",
                "look at it there: Get-CimInstance -Namespace root/virtualization/v2 "
                "Msvm_PlannedComputerSystem",
            )

    def _is_at_rest(self) -> bool:
        source = self._ends.source
        until = source.now() + SETTLING_SECONDS
        while moving.is_at_work(source, self._order.machine):
            if source.now() > until:
                return False
            source.rest(_PAUSE_SECONDS)
        return True


def _checked(cim: Cim, asked: MigrationRequest, traces: _Traces) -> Fact:
    """One check to its end, by numbers: its texts have names in them."""
    service, method = Reference.service(MIGRATION_SERVICE), "CheckVirtualSystemIsMigratable"
    try:
        begun = cim.change(service, MIGRATION_SERVICE, method, **asked.arguments)
        if begun is None:
            came_of: Mapping[str, Fact] = {"accepted": True, "job": None}
        else:
            job = cim_jobs.followed(cim, begun, moving.CHECK_SECONDS)
            came_of = {"accepted": job.has_succeeded, "job": job_facts(cim, job)}
            came_of = {**came_of, **_language(cim, job)}
    except (CimFailed, AccessRefused) as exc:
        code = exc.code if isinstance(exc, CimFailed) else None
        came_of = {"accepted": False, **refused(exc), "return_value": code}
    return {**came_of, "planned": traces.removed()}


def _language(cim: Cim, job: CimJob) -> Facts:
    """Whether the texts of its errors follow the language that they are asked for in."""
    if job.has_succeeded:
        return {}
    try:
        usual = _texts(cim, job)
        cim.wire.speak(OTHER_LANGUAGE)
        return {"texts_follow_language": _texts(cim, job) != usual}
    except (CimFailed, AccessRefused) as exc:
        return {"texts_follow_language": refused(exc)}
    finally:
        cim.wire.speak(USUAL_LANGUAGE)


def _texts(cim: Cim, job: CimJob) -> tuple[str, ...]:
    errors = cim_jobs.read_job_errors(cim, job)
    return tuple(one.message for one in errors)
