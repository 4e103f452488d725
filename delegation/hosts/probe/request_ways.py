"""What a migration is sent with -> the same in other ways, to learn which of them a host accepts.

Each way differs from what this program sends in one thing. All are for the check alone
(CheckVirtualSystemIsMigratable), which takes what a migration takes and moves nothing.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from delegation.hosts.cim.cim_values import Embedded
from delegation.hosts.cim.disk_files import below
from delegation.hosts.cim.migration_request import MigrationRequest

_PLACE = "HostResource"


@dataclass(frozen=True, slots=True)
class ListedDisk:
    """One hard disk in a request: where its file lies now, and where it is to go.

    ``of_checkpoint``: only the settings of a checkpoint name it.
    """

    settings: Embedded
    file: str
    place: str
    of_checkpoint: bool = False

    def at(self, place: str) -> Embedded:
        return replace(self.settings, values={**self.settings.values, _PLACE: [place]})

    def only(self, *names: str) -> Embedded:
        """With no more of its settings than these."""
        return replace(self.settings, values={name: self.settings.values[name] for name in names})


@dataclass(frozen=True, slots=True)
class SentRequest:
    """What this program sends for one machine, and its ``disks`` one by one."""

    request: MigrationRequest
    disks: tuple[ListedDisk, ...]

    @property
    def own(self) -> tuple[ListedDisk, ...]:
        """The machine's own."""
        return tuple(one for one in self.disks if not one.of_checkpoint)

    def with_disks(self, disks: tuple[Embedded, ...]) -> MigrationRequest:
        return replace(self.request, disks=disks)

    def with_last(self, *last: Embedded) -> MigrationRequest:
        """With these in place of the machine's own last disk."""
        others = tuple(one.settings for one in self.disks if one is not self.own[-1])
        return self.with_disks((*others, *last))

    def without(self, name: str) -> MigrationRequest:
        """Without one property of the way it travels."""
        how = self.request.how
        values = {key: value for key, value in how.values.items() if key != name}
        return replace(self.request, how=replace(how, values=values))


Way = Callable[[SentRequest], MigrationRequest | None]
"""None: the machine does not have what it takes."""


def _as_sent(sent: SentRequest) -> MigrationRequest:
    return sent.request


def _only_id_and_place(sent: SentRequest) -> MigrationRequest:
    return sent.with_disks(tuple(one.only("InstanceID", _PLACE) for one in sent.disks))


def _no_disks(sent: SentRequest) -> MigrationRequest:
    return sent.with_disks(())


def _without_disks_of_checkpoints(sent: SentRequest) -> MigrationRequest | None:
    has_more = len(sent.own) < len(sent.disks)
    return sent.with_disks(tuple(one.settings for one in sent.own)) if has_more else None


def _last_disk_left_out(sent: SentRequest) -> MigrationRequest | None:
    return sent.with_last() if _has_two(sent) else None


def _has_two(sent: SentRequest) -> bool:
    """One that moves, and another one."""
    return len(sent.own) > 1


def _last_disk_stays(sent: SentRequest) -> MigrationRequest | None:
    if not _has_two(sent):
        return None
    last = sent.own[-1]
    return sent.with_last(last.at(last.file))


def _last_disk_renamed(sent: SentRequest) -> MigrationRequest | None:
    if not sent.own:
        return None
    last = sent.own[-1]
    folder, _, name = last.place.rpartition("\\")
    return sent.with_last(last.at(below(folder, f"renamed-{name}")))


def _two_disks_in_one_place(sent: SentRequest) -> MigrationRequest | None:
    if not _has_two(sent):
        return None
    return sent.with_last(sent.own[-1].at(sent.own[0].place))


def _to_default_folders(sent: SentRequest) -> MigrationRequest:
    """As one public program does it (Apache CloudStack): disks as they are, and no folders."""
    disks = tuple(one.at(one.file) for one in sent.disks)
    return replace(sent.with_disks(disks), folders=None)


def _without_addresses(sent: SentRequest) -> MigrationRequest:
    return sent.without("DestinationIPAddressList")


def _without_compression(sent: SentRequest) -> MigrationRequest:
    return sent.without("EnableCompression")


def _to_nobody(sent: SentRequest) -> MigrationRequest:
    """What does an error look like, on a pair too where all is well?

    A name of the domain ``invalid`` is nobody's (RFC 6761 6.4).
    """
    return replace(sent.request, target="nobody.invalid")


WAYS: Mapping[str, Way] = {
    "as_sent": _as_sent,
    "only_id_and_place": _only_id_and_place,
    "no_disks": _no_disks,
    "without_disks_of_checkpoints": _without_disks_of_checkpoints,
    "last_disk_left_out": _last_disk_left_out,
    "last_disk_stays": _last_disk_stays,
    "last_disk_renamed": _last_disk_renamed,
    "two_disks_in_one_place": _two_disks_in_one_place,
    "to_default_folders": _to_default_folders,
    "without_addresses": _without_addresses,
    "without_compression": _without_compression,
    "to_nobody": _to_nobody,
}
"""By their keys in the file."""
