"""The links at the hosts themselves: what two hosts said of each other and of a dry run.

Those of the directory come first; a migration needs both.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from delegation.errors import CommandFailed, DelegationError, HostError, HyperVFailed
from delegation.explain import networks
from delegation.explain.chain import NO_CREDENTIALS, Link, broken, counted, ok, unknown
from delegation.hosts.machines import HostReading, Incompatibility
from delegation.hosts.settings import ANY_NETWORK, AUTHENTICATION, ENABLED, subnet_of

MIGRATION_PORT: Final = 6600
SMB_PORT: Final = 445
BLOCKED: Final = "0x8007274C"
"""WSAETIMEDOUT, which a migration mostly ends with where a port is closed."""
REMOTE_MANAGEMENT: Final = "remote management"
DRY_RUN: Final = "Compare-VM"


@dataclass(frozen=True, slots=True)
class Looked:
    """A host as it answered, or why it did not. ``addresses`` None: they are not known."""

    label: str
    reading: HostReading | None = None
    error: HostError | None = None
    addresses: tuple[str, ...] | None = None

    @property
    def answered(self) -> bool:
        """Whether it can be managed from here, whatever it says."""
        return self.error is None or isinstance(self.error, CommandFailed)

    @property
    def vmms(self) -> str | None:
        """The state of its migration service; None where that is not known."""
        if self.reading is not None:
            return self.reading.vmms
        return self.error.vmms if isinstance(self.error, HyperVFailed) else None


@dataclass(frozen=True, slots=True)
class DryRun:
    """What Compare-VM said of one machine: its reasons against it, or the error it ended with."""

    machine: str
    incompatibilities: Sequence[Incompatibility] = ()
    error: HostError | None = None


@dataclass(frozen=True, slots=True)
class HostPair:
    """A pair as its two hosts see it. ``ports``: whether the source reaches those of the target.

    A port that is not in it was not asked for; one with an error could not be. ``unasked`` is why
    nobody could be asked anything.
    """

    source: Looked
    target: Looked
    ports: Mapping[int, bool | HostError] = field(default_factory=dict)
    dry_run: DryRun | None = None
    unasked: DelegationError | None = None

    @property
    def ends(self) -> tuple[Looked, Looked]:
        return self.source, self.target

    @property
    def readings(self) -> dict[str, HostReading]:
        """Those of the hosts that told all, by label."""
        return {end.label: end.reading for end in self.ends if end.reading is not None}

    @property
    def lacking(self) -> str:
        """The hosts that did not tell all, and how far they came; empty where both did."""
        alike = _alike(
            (end.label, "did not tell its settings" if end.answered else "did not answer")
            for end in self.ends
            if end.reading is None
        )
        return "; ".join(f"{labels} {words}" for words, labels in alike.items())


def links(pair: HostPair) -> tuple[Link, ...]:
    """Every link, in the order in which to look at them."""
    asked = {**_LINKS, DRY_RUN: _dry_run} if pair.dry_run else _LINKS
    if pair.unasked is not None:
        why, fix = f"the hosts were not asked: {pair.unasked.what}", pair.unasked.fix
        rest = [unknown(name, "the hosts were not asked") for name in asked]
        return (unknown(REMOTE_MANAGEMENT, why, fix), *rest[1:])
    return tuple(link(pair, name) for name, link in asked.items())


def _reachable(pair: HostPair, name: str) -> Link:
    silent = {end.label: end.error for end in pair.ends if end.error and not end.answered}
    if silent:
        return _failed(name, silent)
    return ok(name, "WinRM of both answers")


def _failed(name: str, errors: Mapping[str, HostError]) -> Link:
    """Every host's error in its own words; what to do about each, and the first HRESULT."""
    said = _told((label, in_words(error)) for label, error in errors.items())
    fixes = dict.fromkeys(error.fix for error in errors.values() if error.fix)
    hresult = next((error.hresult for error in errors.values() if error.hresult), "")
    return broken(name, said, "; ".join(fixes), hresult)


def in_words(error: HostError) -> str:
    """What failed, and what the host itself says about it."""
    return f"{error.what} [{' '.join(error.details)}]" if error.details else error.what


def _told(said: Iterable[tuple[str, str]]) -> str:
    """What hosts have said, in one line."""
    return "; ".join(f"{labels}: {words}" for words, labels in _alike(said).items())


def _alike(said: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The hosts that said the same, by that."""
    alike: dict[str, list[str]] = defaultdict(list)
    for label, words in said:
        alike[words].append(label)
    return {words: " and ".join(labels) for words, labels in alike.items()}


def _service(pair: HostPair, name: str) -> Link:
    states = {end.label: end.vmms for end in pair.ends if end.vmms is not None}
    stopped = {label: vmms for label, vmms in states.items() if vmms != "Running"}
    if stopped:
        said = _told((label, f"vmms is {vmms or 'absent'}") for label, vmms in stopped.items())
        fix = f"on {' and '.join(stopped)}: Start-Service vmms; its event log says why it ended"
        return broken(name, said, fix)
    if len(states) < len(pair.ends):
        return unknown(name, pair.lacking)
    return ok(name, "vmms runs on both")


def _cmdlets(pair: HostPair, name: str) -> Link:
    """Of a host whose service is stopped, that is all there is to say."""
    failed = {
        end.label: end.error
        for end in pair.ends
        if end.error and end.answered and end.vmms in {None, "Running"}
    }
    if failed:
        return _failed(name, failed)
    return unknown(name, pair.lacking) if pair.lacking else ok(name, "both tell their settings")


def _both(pair: HostPair, fault: Callable[[HostReading], str], fine: str, mend: Link) -> Link:
    """A link that each host has to hold; ``mend`` has its name, fix and HRESULT."""
    faults = {label: why for label, one in pair.readings.items() if (why := fault(one))}
    if faults:
        fix = mend.fix.format(" and ".join(faults))
        return broken(mend.name, _told(faults.items()), fix, mend.hresult)
    return unknown(mend.name, pair.lacking) if pair.lacking else ok(mend.name, fine)


def _enabled(pair: HostPair, name: str) -> Link:
    mend = broken(name, "", "live_migration: {{enabled: true}} for {}, then delegation hosts apply")
    return _both(
        pair, lambda one: "" if one.settings.get(ENABLED) is True else "it is off", "on both", mend
    )


def _authentication(pair: HostPair, name: str) -> Link:
    fix = "live_migration: {{authentication: Kerberos}} for {}, then delegation hosts apply"
    mend = broken(name, "", fix, NO_CREDENTIALS)
    return _both(pair, _not_kerberos, "Kerberos on both", mend)


def _not_kerberos(reading: HostReading) -> str:
    found = reading.settings.get(AUTHENTICATION)
    if found == "Kerberos":
        return ""
    return f"{found or 'unknown'}, which needs the operator to be logged on at the source"


def _networks(pair: HostPair, name: str) -> Link:
    if pair.lacking:
        return unknown(name, pair.lacking)
    source, target = (
        networks.End(
            end.label,
            reading.settings.get(ANY_NETWORK) is True,
            tuple(subnet for one in reading.settings if (subnet := subnet_of(one)) is not None),
            end.addresses,
        )
        for end, reading in zip(pair.ends, pair.readings.values(), strict=True)
    )
    return networks.link(source, target)


def _port(number: int, what: str, fix: str) -> Callable[[HostPair, str], Link]:
    def link(pair: HostPair, name: str) -> Link:
        source, target = pair.source.label, pair.target.label
        found = pair.ports.get(number)
        if found is None:
            return unknown(name, f"not asked: {pair.lacking or source}")
        if isinstance(found, HostError):
            return unknown(name, f"{source} could not try: {in_words(found)}")
        if found:
            return ok(name, f"{source} reaches {what} of {target}")
        why = f"{source} gets no connection to {what} of {target}"
        return broken(name, why, fix.format(source=source, target=target), BLOCKED)

    return link


def _dry_run(pair: HostPair, name: str) -> Link:
    run = pair.dry_run
    if run is None or pair.lacking:
        return unknown(name, f"not tried: {pair.lacking}")
    if run.error is not None:
        return broken(name, in_words(run.error), run.error.fix, run.error.hresult)
    if run.incompatibilities:
        said = [f"{one.message} [{one.id}]" for one in run.incompatibilities]
        fix = f"make the target fit for {run.machine}, then compare again"
        return broken(name, f"{run.machine}: {counted(said)}", fix)
    return ok(name, f"{run.machine} can go there, by a dry run that connected to the target")


_LINKS: Mapping[str, Callable[[HostPair, str], Link]] = {
    REMOTE_MANAGEMENT: _reachable,
    "migration service": _service,
    "Hyper-V cmdlets": _cmdlets,
    "migration enabled": _enabled,
    "authentication": _authentication,
    networks.NAME: _networks,
    f"TCP {MIGRATION_PORT}": _port(
        MIGRATION_PORT,
        "the migration service",
        f"{{target}} listens on TCP {MIGRATION_PORT} only while its migrations are on, and only at "
        "its addresses in its networks for them: look at both (delegation hosts show {target}); "
        f"then open TCP {MIGRATION_PORT} from {{source}} to {{target}} in the firewalls",
    ),
    f"TCP {SMB_PORT}": _port(
        SMB_PORT,
        "the file shares",
        f"open TCP {SMB_PORT} from {{source}} to {{target}} in the firewalls",
    ),
}
