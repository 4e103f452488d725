"""Hosts that try it out before the first migration: the ports of each pair, and dry runs."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from uuid import UUID

from delegation.cli import terminal
from delegation.errors import HostError, HostUnreachable
from delegation.explain.hosts import MIGRATION_PORT, SMB_PORT, DryRun, HostPair
from delegation.hyperv.crew import Crew, Job, Limits, Line
from delegation.hyperv.machines import MoveOrder
from delegation.hyperv.seams import Hypervisor, Open, opened

WORKERS = 16
"""Pairs that are tried at a time; WinRM allows one user about 30 shells on a host."""
SECONDS = 400.0
"""How long a host may say nothing; the deadline of a dry run is shorter."""

MISSING_SWITCH = 33012
"""The one reason of Compare-VM that is confirmed to have nothing to do with room (FIELD 8)."""

Ends = tuple[str, str]
"""A pair by its labels: source, target."""


@dataclass(frozen=True, slots=True)
class Trip:
    """One machine's way from host to host, by label; ``storage`` is a folder of the latter.

    ``fits``: there is room for it now. Where there is not, others make room before it starts, and
    a dry run of now complains of that in words that can't be told from others.
    """

    machine: UUID
    name: str
    source: str
    to: str
    storage: str
    fits: bool = True

    @property
    def ends(self) -> Ends:
        return self.source, self.to


def tried(
    open_host: Open, fqdns: Mapping[str, str], pairs: Mapping[Ends, HostPair], trips: Iterable[Trip]
) -> Iterator[tuple[Ends, HostPair]]:
    """Each pair with its ports and one machine's dry run, for every one of the ``trips``.

    ``pairs`` is what is known of them by now, ``fqdns`` are the hosts' full names by label.
    """
    by_pair: dict[Ends, list[Trip]] = defaultdict(list)
    for trip in trips:
        by_pair[trip.ends].append(trip)
    ends_of = {f"{source} to {to}": (source, to) for source, to in by_pair}
    crew: Crew[HostPair] = Crew(
        {
            label: _job(open_host, fqdns[ends[1]], pairs[ends], by_pair[ends])
            for label, ends in ends_of.items()
        },
        Limits(WORKERS, SECONDS),
    )
    progress, done = terminal.Progress("pairs tried:"), 0
    try:
        while (heard := crew.hear()) is not None:
            label, said = heard
            ends = ends_of[label]
            if isinstance(said, HostPair):
                yield ends, said
                continue
            if said.silent:
                silent = DryRun(by_pair[ends][0].name, error=_silent(ends[0]))
                yield ends, replace(pairs[ends], dry_run=silent)
            done += 1
            progress(done, len(ends_of))
    finally:
        crew.close()


def _job(open_host: Open, fqdn: str, pair: HostPair, trips: list[Trip]) -> Job[HostPair]:
    def job(line: Line[HostPair]) -> None:
        name = trips[0].name
        try:
            with opened(open_host, pair.source.label) as source:
                ports = {port: _reaches(source, fqdn, port) for port in (MIGRATION_PORT, SMB_PORT)}
                for trip in trips:
                    name = trip.name
                    order = MoveOrder(trip.machine, trip.name, fqdn, trip.storage)
                    said = source.compare(order)
                    reasons = [one for one in said if trip.fits or one.id == MISSING_SWITCH]
                    line.says(replace(pair, ports=ports, dry_run=DryRun(trip.name, reasons)))
        except HostError as exc:
            line.says(replace(pair, dry_run=DryRun(name, error=exc)))

    return job


def _reaches(source: Hypervisor, fqdn: str, port: int) -> bool | HostError:
    try:
        return source.reaches(fqdn, port)
    except HostError as exc:
        return exc


def _silent(label: str) -> HostUnreachable:
    return HostUnreachable(
        f"{label} has not answered within {SECONDS:,.0f} s",
        "look whether the host is overloaded or hangs",
    )
