"""HostPair -> the links at the hosts: what two hosts said of each other and of a dry run.

Those of the directory come first; a migration needs both.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from delegation.errors import (
    Advice,
    Command,
    CommandFailed,
    DelegationError,
    HostError,
    HyperVFailed,
)
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
    def silence(self) -> str:
        """How far it came without telling its settings; empty where it told them."""
        if self.reading is not None:
            return ""
        return "did not tell its settings" if self.answered else "did not answer"

    @property
    def vmms(self) -> str | None:
        """The state of its migration service; None where that is not known."""
        if self.reading is not None:
            return self.reading.vmms
        return self.error.vmms if isinstance(self.error, HyperVFailed) else None


@dataclass(frozen=True, slots=True)
class DryRun:
    """What Compare-VM said of one VM: its reasons against it, or the error it ended with."""

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
        silent = {end.label: end.silence for end in self.ends if end.silence}
        return "; ".join(f"{labels} {words}" for words, labels in _alike(silent).items())


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
    words = {label: in_words(error) for label, error in errors.items()}
    fixes = dict.fromkeys(error.fix for error in errors.values() if error.fix)
    hresults = [error.hresult for error in errors.values() if error.hresult]
    return broken(name, _by_host(words), _joined(fixes), next(iter(hresults), ""))


def _joined(sentences: Iterable[str]) -> Advice:
    """Sentences as one, in which commands stay commands."""
    parts: list[str | Command] = []
    for sentence in sentences:
        parts += ["; "] if parts else []
        parts += sentence.parts if isinstance(sentence, Advice) else [sentence]
    return Advice(*parts)


def in_words(error: HostError) -> str:
    """What failed, and what the host itself says about it."""
    return f"{error.what} [{' '.join(error.details)}]" if error.details else error.what


def _by_host(words: Mapping[str, str]) -> str:
    """What there is to say of hosts, by label, in one line."""
    alike = _alike(words)
    return "; ".join(f"{labels}: {same}" for same, labels in alike.items())


def _alike(words: Mapping[str, str]) -> dict[str, str]:
    """The hosts of which the same is said, by that."""
    alike: dict[str, list[str]] = defaultdict(list)
    for label, same in words.items():
        alike[same].append(label)
    return {same: " and ".join(labels) for same, labels in alike.items()}


def _service(pair: HostPair, name: str) -> Link:
    states = {end.label: end.vmms for end in pair.ends if end.vmms is not None}
    stopped = {
        label: f"vmms is {vmms or 'absent'}" for label, vmms in states.items() if vmms != "Running"
    }
    if stopped:
        fix = f"on {' and '.join(stopped)}: Start-Service vmms; its event log says why it ended"
        return broken(name, _by_host(stopped), fix)
    if len(states) < len(pair.ends):
        return unknown(name, pair.lacking)
    return ok(name, "vmms runs on both")


def _cmdlets(pair: HostPair, name: str) -> Link:
    """Of a host whose service is stopped, that is all there is to say."""
    failed: dict[str, HostError] = {}
    for end in pair.ends:
        is_stopped = end.vmms not in {None, "Running"}
        if end.error and end.answered and not is_stopped:
            failed[end.label] = end.error
    if failed:
        return _failed(name, failed)
    return unknown(name, pair.lacking) if pair.lacking else ok(name, "both tell their settings")


def _enabled(pair: HostPair, name: str) -> Link:
    off = [
        label
        for label, reading in pair.readings.items()
        if reading.settings.get(ENABLED) is not True
    ]
    if off:
        labels = " and ".join(off)
        fix = f"live_migration: {{enabled: true}} for {labels}, then delegation hosts apply"
        return broken(name, f"{labels}: it is off", fix)
    return unknown(name, pair.lacking) if pair.lacking else ok(name, "on both")


def _authentication(pair: HostPair, name: str) -> Link:
    """Only Kerberos lets the source pass on who the operator is, without a logon at it.

    CredSSP, the default of a host, hands over a password instead, which is there only where the
    operator has typed it; Credential Guard, on by default since Windows Server 2025, forbids that.
    """
    others = {}
    for label, reading in pair.readings.items():
        if why := _not_kerberos(reading):
            others[label] = why
    if others:
        labels = " and ".join(others)
        setting = f"live_migration: {{authentication: Kerberos}} for {labels}"
        fix = f"{setting}, then delegation hosts apply"
        return broken(name, _by_host(others), fix, NO_CREDENTIALS)
    return unknown(name, pair.lacking) if pair.lacking else ok(name, "Kerberos on both")


def _not_kerberos(reading: HostReading) -> str:
    """What is used instead of Kerberos, and what that asks for; empty where it is Kerberos."""
    authentication = reading.settings.get(AUTHENTICATION)
    if authentication == "Kerberos":
        return ""
    return f"{authentication or 'unknown'}, which needs the operator to be logged on at the source"


def _networks(pair: HostPair, name: str) -> Link:
    if pair.lacking:
        return unknown(name, pair.lacking)
    readings = pair.readings
    source = _networks_of(pair.source, readings[pair.source.label])
    target = _networks_of(pair.target, readings[pair.target.label])
    return networks.link(source, target)


def _networks_of(end: Looked, reading: HostReading) -> networks.HostNetworks:
    listed = [subnet_of(key) for key in reading.settings]
    subnets = tuple(subnet for subnet in listed if subnet is not None)
    takes_any = reading.settings.get(ANY_NETWORK) is True
    return networks.HostNetworks(end.label, takes_any, subnets, end.addresses)


Fix = Callable[[str, str], str]
"""What to do, by the labels of source and target."""


def _port(number: int, what: str, fix: Fix) -> Callable[[HostPair, str], Link]:
    """Whether a connection opens, as the source itself tried it."""

    def link(pair: HostPair, name: str) -> Link:
        source, target = pair.source.label, pair.target.label
        answer = pair.ports.get(number)
        if answer is None:
            return unknown(name, f"not asked: {pair.lacking or source}")
        if isinstance(answer, HostError):
            return unknown(name, f"{source} could not try: {in_words(answer)}")
        if answer:
            return ok(name, f"{source} reaches {what} of {target}")
        why = f"{source} gets no connection to {what} of {target}"
        return broken(name, why, fix(source, target), BLOCKED)

    return link


def _open_migration_port(source: str, target: str) -> str:
    """The service listens on the addresses in its networks only: no firewall may be to blame."""
    return (
        f"{target} listens on TCP {MIGRATION_PORT} only while its migrations are on, and only at "
        f"its addresses in its networks for them: look at both (delegation hosts show {target}); "
        f"then open TCP {MIGRATION_PORT} from {source} to {target} in the firewalls"
    )


def _open_smb_port(source: str, target: str) -> str:
    return f"open TCP {SMB_PORT} from {source} to {target} in the firewalls"


def _dry_run(pair: HostPair, name: str) -> Link:
    run = pair.dry_run
    if run is None or pair.lacking:
        return unknown(name, f"not tried: {pair.lacking}")
    if run.error is not None:
        return broken(name, in_words(run.error), run.error.fix, run.error.hresult)
    if run.incompatibilities:
        reasons = [f"{reason.message} [{reason.id}]" for reason in run.incompatibilities]
        fix = f"make the target fit for {run.machine}, then compare again"
        return broken(name, f"{run.machine}: {counted(reasons)}", fix)
    return ok(name, f"{run.machine} can go there, by a dry run that connected to the target")


_LINKS: Mapping[str, Callable[[HostPair, str], Link]] = {
    REMOTE_MANAGEMENT: _reachable,
    "migration service": _service,
    "Hyper-V cmdlets": _cmdlets,
    "migration enabled": _enabled,
    "authentication": _authentication,
    networks.NAME: _networks,
    f"TCP {MIGRATION_PORT}": _port(MIGRATION_PORT, "the migration service", _open_migration_port),
    f"TCP {SMB_PORT}": _port(SMB_PORT, "the file shares", _open_smb_port),
}
