"""What two hosts counted as under way while one migration was copied -> what slots it takes.

Whether a migration of machine and storage takes a storage slot, beside its live one, is written
nowhere for certain; the inventory says which it is (``migrate.slots``). So each run notes what the
hosts themselves count, and a report of it can answer that from experience.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from delegation.hosts.machines import UnderWay


@dataclass(frozen=True, slots=True)
class SlotCounts:
    """The counts of both hosts, by label: ``before`` it was sent, and the most ``during`` it.

    ``ours`` are migrations of the run that were on their way at that host meanwhile.
    """

    machine: UUID
    name: str
    before: Mapping[str, UnderWay] = field(default_factory=dict)
    during: Mapping[str, UnderWay] = field(default_factory=dict)
    ours: Mapping[str, int] = field(default_factory=dict)

    def with_more(self, counted: Mapping[str, UnderWay], ours: Mapping[str, int]) -> "SlotCounts":
        """The same, counted once more: the most of each kind counts."""
        most = dict(self.during)
        for host, more in counted.items():
            before = most.get(host, UnderWay())
            most[host] = UnderWay(
                max(before.migrations, more.migrations),
                max(before.storage_migrations, more.storage_migrations),
            )
        most_ours = {host: max(self.ours.get(host, 0), count) for host, count in ours.items()}
        return replace(self, during=most, ours=most_ours)

    def to_json(self) -> dict[str, Any]:
        hosts = {}
        for host, during in self.during.items():
            before = self.before.get(host, UnderWay())
            ours = self.ours.get(host, 0)
            hosts[host] = {"before": _pair(before), "during": _pair(during), "ours": ours}
        return {"id": str(self.machine), "vm": self.name, "hosts": hosts}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "SlotCounts":
        before, during, ours = {}, {}, {}
        for host, counted in data["hosts"].items():
            before[host] = UnderWay(*counted["before"])
            during[host] = UnderWay(*counted["during"])
            ours[host] = counted["ours"]
        return cls(UUID(data["id"]), data["vm"], before, during, ours)

    def in_words(self) -> Iterator[str]:
        """What was counted, a line for each host."""
        for host, during in self.during.items():
            before = self.before.get(host, UnderWay())
            yield (
                f"{host} counted {during.migrations} live and {during.storage_migrations} storage "
                f"migrations under way while {self.name} was copied, {self.ours.get(host, 0)} of "
                f"this run; {before.migrations} and {before.storage_migrations} before"
            )


def _pair(counted: UnderWay) -> list[int]:
    return [counted.migrations, counted.storage_migrations]
