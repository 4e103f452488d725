"""HostPair -> the links between two hosts: where the target listens, and what a check proves."""

from typing import Final

from delegation.explain import networks
from delegation.explain.chain import Link, broken, counted, ok, unknown
from delegation.explain.host_pair import DryRun, HostPair, Looked, in_words
from delegation.hosts import failures
from delegation.hosts.failures import FailureKind
from delegation.hosts.machines import HostReading
from delegation.hosts.settings import ANY_NETWORK, ENABLED, subnet_of

MIGRATION_PORT: Final = 6600
SMB_PORT: Final = 445


def listening(pair: HostPair, name: str) -> Link:
    target = pair.target
    if target.reading is None:
        return unknown(name, f"{target.label} {target.silence}")
    return networks.link(_networks_of(pair.source), _networks_of(target))


def _networks_of(end: Looked) -> networks.HostNetworks:
    reading = end.reading or HostReading(end.label)
    listed = [subnet_of(key) for key in reading.settings]
    subnets = tuple(subnet for subnet in listed if subnet is not None)
    return networks.HostNetworks(
        end.label,
        any_network=reading.settings.get(ANY_NETWORK) is True,
        listed=subnets,
        listeners=reading.listeners,
        addresses=end.addresses,
        is_off=reading.settings.get(ENABLED) is not True,
    )


def migration_port(pair: HostPair, name: str) -> Link:
    """Nobody asks a host to connect for us: only a check, which its own service makes, tells."""
    source, target = pair.source.label, pair.target.label
    if _passed(pair):
        return ok(name, f"the check of {source} has reached the migration service of {target}")
    return unknown(name, _untried(source, MIGRATION_PORT, target), _TRY)


def smb_port(pair: HostPair, name: str) -> Link:
    """No check comes as far as the files."""
    source, target = pair.source.label, pair.target.label
    untried = _untried(source, SMB_PORT, target)
    return unknown(name, f"{untried}; a check proves nothing of files")


def _untried(source: str, port: int, target: str) -> str:
    return f"whether {source} reaches TCP {port} of {target} is not known"


_TRY = "with --vm the source itself tries, in a check of that virtual machine"


def _passed(pair: HostPair) -> bool:
    run = pair.dry_run
    was_checked = run is not None and run.error is None and not pair.lacking
    return was_checked and run is not None and not run.incompatibilities


def migration_check(pair: HostPair, name: str) -> Link:
    run = pair.dry_run
    if run is None or pair.lacking:
        return unknown(name, f"not tried: {pair.lacking}")
    if run.error is not None:
        return broken(name, in_words(run.error), run.error.fix, run.error.hresult)
    if run.incompatibilities:
        return _incompatible(name, run, pair.target.label)
    source = pair.source.label
    return ok(name, f"{run.machine} can go there, says {source}, whose check proves no storage")


def _incompatible(name: str, run: DryRun, target: str) -> Link:
    """The host's own reasons, each with its MessageID; what to do where a number says it."""
    reasons = []
    for one in run.incompatibilities:
        reasons.append(f"{one.message} [{one.id}]" if one.id else one.message)
    meanings = [failures.meaning(failures.of_check(one)) for one in run.incompatibilities]
    known = [one for one in meanings if one.kind is not FailureKind.UNKNOWN]
    fixes = dict.fromkeys(one.fix for one in known)
    fix = "; ".join(fixes) or f"mend what is said, on {run.machine} or on {target}"
    hresult = next((one.hresult for one in known if one.hresult), "")
    said = f"{run.machine}: {counted(reasons)}"
    return broken(name, said, f"{fix}; then check it again", hresult)
