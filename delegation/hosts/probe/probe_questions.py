"""A connection -> what only a real host can tell: each question once, and nothing changed.

What is told goes into a file that leaves the house. So no name of a machine, folder, network or
person is in a fact: numbers, kinds and counts.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from delegation.errors import CimFailed, HostError
from delegation.hosts.cim import host_identity, surroundings, wql
from delegation.hosts.cim.cim_classes import (
    CLUSTER_ITSELF,
    CONCRETE_JOB,
    IP_ADDRESS,
    MIGRATION_NETWORK,
    MIGRATION_SERVICE,
    MIGRATION_SETTINGS,
    NUMA_NODE,
    OPERATING_SYSTEM,
    PLANNED_SYSTEM,
    SECURITY_SERVICES,
    SERVICE,
    STORAGE_SETTINGS,
    VOLUME,
)
from delegation.hosts.cim.cim_client import Cim
from delegation.hosts.cim.cim_faults import AccessRefused, NotAnsweredYet
from delegation.hosts.cim.cim_instance import CimInstance
from delegation.hosts.cim.cim_jobs import (
    MOVES,
    CimJob,
    read_job_errors,
    read_migration_jobs,
)
from delegation.hosts.cim.disk_files import read_parent, read_size
from delegation.hosts.cim.machine_list import read_machines
from delegation.hosts.cim.told import NotTold
from delegation.hosts.probe.probe_facts import (
    Ask,
    Fact,
    Facts,
    Probed,
    counted_by,
    family_of,
    form_of,
    not_told,
    refusals_in,
    refused,
    rows,
)
from delegation.hosts.probe.unanswerable import ask_faults, ask_languages, ask_properties

MOST_JOBS = 20
"""So many are looked at; a host keeps those of the last five minutes."""


@dataclass(frozen=True, slots=True)
class ProbeAnswer:
    """One question, and what came of it: facts, or the error in their place."""

    key: str
    question: str
    facts: Facts
    error: HostError | None = None

    @property
    def refusals(self) -> int:
        """How many parts of the question were refused while others were told."""
        return refusals_in(self.facts)


def answers(probed: Probed, keys: Collection[str] = ()) -> tuple[ProbeAnswer, ...]:
    """All questions to one host, or those of these ``keys``.

    One that is gone, is another one or refuses the logon is asked no more: a wrong password that
    is tried fifteen times locks an account.
    """
    found: list[ProbeAnswer] = []
    for key, (question, ask) in QUESTIONS.items():
        if keys and key not in keys:
            continue
        try:
            found.append(ProbeAnswer(key, question, ask(probed)))
        except (CimFailed, AccessRefused, NotAnsweredYet) as exc:
            found.append(ProbeAnswer(key, question, {}, exc))
        except HostError as exc:
            found.append(ProbeAnswer(key, question, {}, exc))
            break
    return tuple(found)


def _access(probed: Probed) -> Facts:
    host_identity.recognise(probed.cim, probed.computer)
    return {"readable": True}


def _namespaces(probed: Probed) -> Facts:
    cim = probed.cim
    asked = (
        OPERATING_SYSTEM,
        SERVICE,
        VOLUME,
        IP_ADDRESS,
        SECURITY_SERVICES,
        CLUSTER_ITSELF,
    )
    return {f"{one.namespace} {one.name}": rows(cim, one) for one in asked}


def _windows(probed: Probed) -> Facts:
    found = surroundings.read_windows(probed.cim)
    vmms = surroundings.read_service_state(probed.cim, surroundings.VMMS)
    cluster = surroundings.read_cluster(probed.cim)
    facts: dict[str, Fact] = {
        "vmms": vmms if isinstance(vmms, str) else not_told(vmms),
        "node": bool(cluster) if isinstance(cluster, str) else not_told(cluster),
    }
    if isinstance(found, NotTold):
        return {**facts, "windows": not_told(found)}
    return {**facts, "version": found.version, "languages": found.languages}


def _machines(probed: Probed) -> Facts:
    before = probed.cim.trips
    found = read_machines(probed.cim)
    requests = probed.cim.trips - before
    if isinstance(found, NotTold):
        return {"list": not_told(found), "requests": requests}
    return {
        "machines": len(found),
        "states": counted_by(str(one.state) for one in found),
        "operational_status": counted_by(", ".join(map(str, one.status)) for one in found),
        "checkpoints": sum(one.checkpoints for one in found),
        "disks": sum(len(one.disks) for one in found),
        "places": counted_by(form_of(disk.path) for one in found for disk in one.disks),
        "requests": requests,
    }


def _storage(probed: Probed) -> Facts:
    """What else is attached: images, floppies, disks of the host itself."""
    found = probed.cim.query(wql.every(STORAGE_SETTINGS))
    return {"subtypes": counted_by(one.text("ResourceSubType") for one in found)}


def _disk(probed: Probed) -> Facts:
    """The first disk of each kind of place: its own rights, and those of a second hop to shares."""
    found = read_machines(probed.cim)
    if isinstance(found, NotTold):
        return {"list": not_told(found)}
    first: dict[str, str] = {}
    for disk in (disk for one in found for disk in one.disks):
        first.setdefault(form_of(disk.path), disk.path)
    return {form: _opened(probed.cim, path) for form, path in first.items()}


def _opened(cim: Cim, path: str) -> Fact:
    try:
        size, parent = read_size(cim, path), read_parent(cim, path)
    except (CimFailed, AccessRefused) as exc:
        code = exc.code if isinstance(exc, CimFailed) else None
        return {**refused(exc), "return_value": code}
    return {"size_told": size > 0, "builds_on_another": bool(parent)}


def _settings(probed: Probed) -> Facts:
    found = probed.cim.only(wql.every(MIGRATION_SETTINGS))
    return {
        "enabled": found.boolean("EnableVirtualSystemMigration"),
        "authentication": found.integer("AuthenticationType"),
        "migrations": found.integer("MaximumActiveVirtualSystemMigration"),
        "storage_migrations": found.integer("MaximumActiveStorageMigration"),
        "compression": found.boolean("EnableCompression"),
        "smb": found.boolean("EnableSmbTransport"),
    }


def _networks(probed: Probed) -> Facts:
    found = probed.cim.query(wql.every(MIGRATION_NETWORK))
    return {"networks": tuple(_network(one) for one in found)}


def _network(found: CimInstance) -> Fact:
    return {
        "subnet": family_of(found.text("SubnetNumber")),
        "prefix": found.integer("PrefixLength"),
        "metric": found.integer("Metric"),
        "tags": found.texts("Tags"),
    }


def _listeners(probed: Probed) -> Facts:
    found = probed.cim.only(wql.every(MIGRATION_SERVICE))
    listening = found.texts("MigrationServiceListenerIPAddressList")
    return {
        "listeners": counted_by(map(family_of, listening)),
        "migrations": found.integer("ActiveVirtualSystemMigrationCount"),
        "storage_migrations": found.integer("ActiveStorageMigrationCount"),
    }


def _jobs(probed: Probed) -> Facts:
    found = read_migration_jobs(probed.cim)
    moves_first = sorted(found, key=lambda job: job.kind not in MOVES)
    return {
        "migrations": tuple(job_facts(probed.cim, one) for one in moves_first[:MOST_JOBS]),
        "owners": len({one.owner.casefold() for one in found if one.owner}),
        "all_jobs": counted_by(
            one.class_name for one in probed.cim.references(wql.every(CONCRETE_JOB))
        ),
    }


def job_facts(cim: Cim, job: CimJob) -> Fact:
    """One job by its numbers."""
    facts: dict[str, Fact] = {
        "state": job.state,
        "type": job.kind,
        "percent": job.percent,
        "error_code": job.error_code,
        "can_be_cancelled": job.can_be_cancelled,
        "owner_told": bool(job.owner),
        "destination": "full name" if "." in job.destination else bool(job.destination),
    }
    if job.is_over and not job.has_succeeded:
        facts["errors"] = _job_errors(cim, job)
    return facts


def _job_errors(cim: Cim, job: CimJob) -> Fact:
    try:
        errors = read_job_errors(cim, job)
    except (CimFailed, AccessRefused) as exc:
        return refused(exc)
    return tuple(
        {"message_id": one.message_id, "type": one.error_type, "hresult": one.hresult}
        for one in errors
    )


def _planned(probed: Probed) -> Facts:
    return {"planned": len(probed.cim.query(wql.every(PLANNED_SYSTEM)))}


def _memory(probed: Probed) -> Facts:
    nodes = probed.cim.query(wql.every(NUMA_NODE))
    blocks = tuple(one.integer_or_none("CurrentlyConsumableMemoryBlocks") for one in nodes)
    found = surroundings.read_windows(probed.cim)
    free: Fact = not_told(found) if isinstance(found, NotTold) else found.memory_free
    return {"consumable_blocks": blocks, "free_to_windows": free}


QUESTIONS: Mapping[str, tuple[str, Ask]] = {
    "access": ("May this logon read Hyper-V's own namespace over WinRM?", _access),
    "namespaces": ("Which other namespaces may it read?", _namespaces),
    "windows": ("Which Windows is it, does vmms run, is it a node?", _windows),
    "machines": ("Are both lists of machines told, and are they one?", _machines),
    "storage": ("Which kinds of storage are attached?", _storage),
    "disks": ("Which files of disks may be opened, those on shares too?", _disk),
    "settings": ("Which live-migration settings does it have?", _settings),
    "networks": ("How are migration networks written, and any network?", _networks),
    "listeners": ("Where does it listen, and what is under way?", _listeners),
    "jobs": ("Which jobs are seen, and what do failed ones say?", _jobs),
    "planned": ("Are planned machines left by earlier attempts?", _planned),
    "memory": ("What does it tell of free memory?", _memory),
    "languages": ("Does the language asked for decide that of texts?", ask_languages),
    "faults": ("What does it say where there is nothing?", ask_faults),
    "properties": ("Which of the properties read does it lack?", ask_properties),
}
"""By its key in the file; the first one decides whether the host is the right one."""
