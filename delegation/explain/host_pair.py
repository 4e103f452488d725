"""What two hosts said of themselves, and a source's check of a virtual machine: pure values."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from delegation.errors import (
    CommandFailed,
    DelegationError,
    HostError,
    HyperVFailed,
    MachinesNotTold,
)
from delegation.hosts.machines import HostReading, Incompatibility


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
        return self.error is None or isinstance(self.error, CommandFailed | MachinesNotTold)

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
    """What the source's check said of one VM: its reasons against it, or the error in place.

    The check is a job of the source's migration service, which asks that of the target.
    """

    machine: str
    incompatibilities: Sequence[Incompatibility] = ()
    error: HostError | None = None


@dataclass(frozen=True, slots=True)
class HostPair:
    """A pair as its two hosts see it. ``unasked`` is why nobody could be asked anything."""

    source: Looked
    target: Looked
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
        return "; ".join(f"{labels} {words}" for words, labels in alike(silent).items())


def in_words(error: HostError) -> str:
    """What failed, and what the host itself says about it."""
    return f"{error.what} [{' '.join(error.details)}]" if error.details else error.what


def by_host(words: Mapping[str, str]) -> str:
    """What there is to say of hosts, by label, in one line."""
    return "; ".join(f"{labels}: {same}" for same, labels in alike(words).items())


def alike(words: Mapping[str, str]) -> dict[str, str]:
    """The hosts of which the same is said, by that."""
    labels_of: dict[str, list[str]] = defaultdict(list)
    for label, same in words.items():
        labels_of[same].append(label)
    return {same: " and ".join(labels) for same, labels in labels_of.items()}
