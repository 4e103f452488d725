"""The links at the hosts themselves: what two hosts said of each other and of a dry run.

Those of the directory come first; a migration needs both.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_network
from typing import Final

from delegation.errors import HostError
from delegation.explain.chain import NO_CREDENTIALS, Link, broken, counted, ok, unknown
from delegation.hyperv.machines import HostReading, Incompatibility
from delegation.hyperv.settings import subnet_of

MIGRATION_PORT: Final = 6600
SMB_PORT: Final = 445
BLOCKED: Final = "0x8007274C"
"""WSAETIMEDOUT, which a migration mostly ends with where a port is closed."""


@dataclass(frozen=True, slots=True)
class Looked:
    """A host as it answered, or why it did not."""

    label: str
    reading: HostReading | None = None
    error: HostError | None = None


@dataclass(frozen=True, slots=True)
class DryRun:
    """What Compare-VM said of one machine: its reasons against it, or the error it ended with."""

    machine: str
    incompatibilities: Sequence[Incompatibility] = ()
    error: HostError | None = None


@dataclass(frozen=True, slots=True)
class HostPair:
    """A pair as its two hosts see it. ``ports``: whether the source reaches those of the target.

    A port that is not in it was not asked for; one with an error could not be.
    """

    source: Looked
    target: Looked
    ports: Mapping[int, bool | HostError] = field(default_factory=dict)
    dry_run: DryRun | None = None

    @property
    def ends(self) -> tuple[Looked, Looked]:
        return self.source, self.target

    @property
    def readings(self) -> list[tuple[str, HostReading]]:
        """Those of the hosts that answered, by label."""
        return [(end.label, end.reading) for end in self.ends if end.reading is not None]

    @property
    def silent(self) -> str:
        """The hosts that did not answer."""
        return " and ".join(end.label for end in self.ends if end.reading is None)


def links(pair: HostPair) -> tuple[Link, ...]:
    """Every link, in the order in which to look at them."""
    found = [link(pair) for link in _LINKS]
    return (*found, _dry_run(pair.dry_run)) if pair.dry_run else tuple(found)


def _reachable(pair: HostPair) -> Link:
    name = "remote management"
    for end in pair.ends:
        if end.error is not None:
            return broken(name, f"{end.label}: {end.error.what}", end.error.fix, end.error.hresult)
    return ok(name, "WinRM of both answers")


def _both(
    pair: HostPair, name: str, fault: Callable[[HostReading], str], fine: str, mend: Link
) -> Link:
    """A link that each host has to hold: the first fault counts; ``mend`` has fix and HRESULT."""
    for label, reading in pair.readings:
        if why := fault(reading):
            return broken(name, f"{label}: {why}", mend.fix.format(label), mend.hresult)
    if pair.silent:
        return unknown(name, f"{pair.silent} did not answer")
    return ok(name, fine)


def _service(pair: HostPair) -> Link:
    name = "migration service"
    mend = broken(name, "", "on {}: Start-Service vmms; its event log says why it ended")
    return _both(
        pair,
        name,
        lambda reading: "" if reading.vmms == "Running" else f"vmms is {reading.vmms or 'absent'}",
        "vmms runs on both",
        mend,
    )


def _enabled(pair: HostPair) -> Link:
    name = "migration enabled"
    mend = broken(name, "", "live_migration: {{enabled: true}} for {}, then delegation hosts apply")
    return _both(
        pair,
        name,
        lambda reading: "" if reading.settings.get("enabled") is True else "it is off",
        "on both",
        mend,
    )


def _authentication(pair: HostPair) -> Link:
    name = "authentication"
    fix = "live_migration: {{authentication: Kerberos}} for {}, then delegation hosts apply"
    return _both(
        pair,
        name,
        _not_kerberos,
        "Kerberos on both",
        broken(name, "", fix, NO_CREDENTIALS),
    )


def _not_kerberos(reading: HostReading) -> str:
    found = reading.settings.get("authentication")
    if found == "Kerberos":
        return ""
    return f"{found or 'unknown'}, which needs the operator to be logged on at the source"


def _networks(pair: HostPair) -> Link:
    name = "networks"
    if pair.silent:
        return unknown(name, f"{pair.silent} did not answer")
    (_, source), (target_label, target) = pair.readings
    anywhere = [label for label, one in pair.readings if one.settings.get("any_network") is True]
    if anywhere:
        return ok(name, f"{' and '.join(anywhere)} {_take(anywhere)} any network")
    ours, theirs = (
        [subnet for name in one.settings if (subnet := subnet_of(name))] for one in (source, target)
    )
    common = [subnet for subnet in ours if any(_overlap(subnet, other) for other in theirs)]
    if common:
        return ok(name, f"both list {counted(common)}")
    if not theirs:
        return broken(name, f"{target_label} lists none, and not any network", _FIX_NETWORKS)
    return broken(
        name, f"none in common: {counted(ours) or 'none'} and {counted(theirs)}", _FIX_NETWORKS
    )


_FIX_NETWORKS = (
    "live_migration: networks with one that both hosts have, then delegation hosts apply"
)


def _take(labels: Sequence[str]) -> str:
    return "takes" if len(labels) == 1 else "take"


def _overlap(one: str, other: str) -> bool:
    first, second = ip_network(one, strict=False), ip_network(other, strict=False)
    return first.version == second.version and first.overlaps(second)


def _port(number: int, what: str) -> Callable[[HostPair], Link]:
    def link(pair: HostPair) -> Link:
        name = f"TCP {number}"
        found = pair.ports.get(number)
        if found is None:
            return unknown(name, f"not asked: {pair.silent or pair.source.label} did not answer")
        if isinstance(found, HostError):
            return unknown(name, f"{pair.source.label} could not try: {found.what}")
        if found:
            return ok(name, f"{pair.source.label} reaches {what} of {pair.target.label}")
        fix = f"open TCP {number} from {pair.source.label} to {pair.target.label} in the firewalls"
        why = f"{pair.source.label} gets no connection to {what} of {pair.target.label}"
        return broken(name, why, fix, BLOCKED)

    return link


def _dry_run(run: DryRun) -> Link:
    name = "Compare-VM"
    if run.error is not None:
        return broken(name, run.error.what, run.error.fix, run.error.hresult)
    if run.incompatibilities:
        said = [f"{one.message} [{one.id}]" for one in run.incompatibilities]
        fix = f"make the target fit for {run.machine}, then compare again"
        return broken(name, f"{run.machine}: {counted(said)}", fix)
    return ok(name, f"{run.machine} can go there, by a dry run that connected to the target")


_LINKS: tuple[Callable[[HostPair], Link], ...] = (
    _reachable,
    _service,
    _enabled,
    _authentication,
    _networks,
    _port(MIGRATION_PORT, "the migration service"),
    _port(SMB_PORT, "the file shares"),
)
