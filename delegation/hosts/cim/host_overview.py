"""A host -> its settings, services and free resources; what it may refuse, it does not tell.

Settings, slots, listeners and memory are in Hyper-V's own namespace. Volumes, the cluster's service
and the version of Windows are not: those who are Hyper-V administrators alone are refused them.
"""

from delegation.errors import CimFailed, CommandFailed, HyperVFailed
from delegation.hosts import settings
from delegation.hosts.cim import migration_service, surroundings
from delegation.hosts.cim.cim_client import Cim
from delegation.hosts.cim.surroundings import CLUSTER_SERVICE, VMMS, Volume, WindowsVersion
from delegation.hosts.cim.told import NotTold, or_none, told
from delegation.hosts.machines import HostReading, Resources

SERVING = "Running"
"""What a service is at that serves."""
DISK, MEMORY, CLUSTERED, WINDOWS = "disk", "memory", "clustered", "windows"
"""What may not be told, by its name in HostReading.not_told."""


def read_host(cim: Cim) -> HostReading:
    """One host, in one go. Raises HyperVFailed where its virtual machine service does not run."""
    try:
        values = migration_service.read_settings(cim)
        now = migration_service.read_service(cim)
        folder = migration_service.read_folder(cim)
    except CimFailed as exc:
        raise diagnosed(cim, exc) from exc
    windows = surroundings.read_windows(cim)
    memory = _free_memory(cim, windows)
    volume = _volume_of(surroundings.read_volumes(cim), folder)
    clustered = _is_node(cim)
    guard = surroundings.read_credential_guard(cim)
    found = {DISK: volume, MEMORY: memory, CLUSTERED: clustered, WINDOWS: windows}
    resources = Resources(
        int(values[settings.MIGRATIONS]),
        int(values[settings.STORAGE_MIGRATIONS]),
        or_none(memory),
        None if isinstance(volume, NotTold) else volume.free,
        folder,
        0 if isinstance(windows, NotTold) else windows.memory,
        0 if isinstance(volume, NotTold) else volume.size,
    )
    return HostReading(
        cim.host,
        values,
        resources,
        or_none(clustered),
        # It has answered: the namespace is its own.
        SERVING,
        now.listeners,
        now.under_way,
        None if isinstance(windows, NotTold) else windows.version,
        {name: one.why for name, one in found.items() if isinstance(one, NotTold)},
        or_none(guard),
    )


def diagnosed(cim: Cim, failed: CimFailed) -> CommandFailed:
    """The same failure, with what the service behind that namespace is at, where that is told."""
    state = surroundings.read_service_state(cim, VMMS)
    if isinstance(state, NotTold):
        return failed
    what, fix, details = failed.what, failed.fix, failed.details
    if state != SERVING:
        what, fix = _not_serving(cim.host, state)
        details = (failed.what, *details)
    return HyperVFailed(what, fix, details, hresult=failed.hresult, vmms=state)


def _not_serving(host: str, state: str) -> tuple[str, str]:
    """What is wrong with a host whose service is at ``state``, and what to do."""
    if not state:
        what = f"{host} has no Virtual Machine Management service ({VMMS})"
        return what, "install the role there: Install-WindowsFeature Hyper-V"
    what = f"the Virtual Machine Management service ({VMMS}) of {host} is {state}"
    return what, f"on {host}: Start-Service {VMMS}; its event log says why it ended"


def _free_memory(cim: Cim, windows: WindowsVersion | NotTold) -> int | NotTold:
    """What virtual machines may still take: of what is told, the least."""
    for_machines = told(lambda: migration_service.free_memory(cim))
    of_windows = windows if isinstance(windows, NotTold) else windows.memory_free
    known = [one for one in (for_machines, of_windows) if not isinstance(one, NotTold)]
    return min(known) if known else for_machines


def _volume_of(volumes: tuple[Volume, ...] | NotTold, folder: str) -> Volume | NotTold:
    """The volume that a folder lies on: mounted at the longest beginning of its path."""
    if isinstance(volumes, NotTold):
        return volumes
    inside = f"{folder}\\".casefold()
    holding = [one for one in volumes if inside.startswith(one.mounted.casefold())]
    if not holding:
        return NotTold(f"no volume of the host is mounted at {folder}")
    return max(holding, key=lambda one: len(one.mounted))


def _is_node(cim: Cim) -> bool | NotTold:
    """Whether it is a node of a cluster: its cluster service runs, or it has a cluster's namespace.

    Whoever may not ask for services is told at least where there is no such namespace.
    """
    state = surroundings.read_service_state(cim, CLUSTER_SERVICE)
    if not isinstance(state, NotTold):
        return state == SERVING
    cluster = surroundings.read_cluster(cim)
    return state if isinstance(cluster, NotTold) else bool(cluster)
