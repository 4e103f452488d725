"""Journal -> what a rollback is about to take back: one run, or all that came after one, as one.

Several runs are taken back by one change of each object. What counts is each part by itself: how it
was before the first of these runs touched it, and how the last one left it. What they have undone
among themselves is done, and whoever has changed such a part since has changed it for good.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, Generic, NamedTuple
from uuid import UUID

from delegation import names
from delegation.changes.doubt import doubt_of
from delegation.changes.journal import Journal
from delegation.changes.kinds import Kind
from delegation.changes.outcomes import Result
from delegation.changes.plan import Change, S
from delegation.changes.rewrites import Rewrites, rewrites_of, superseded_of
from delegation.changes.run import Run
from delegation.errors import Command, DelegationError, command


class Undoing(NamedTuple):
    """Runs to take back, the newest first; where ``back_to`` is given, all that came after it."""

    runs: tuple[Run, ...]
    back_to: int | None = None

    @property
    def newest(self) -> Run:
        return self.runs[0]

    @property
    def numbers(self) -> frozenset[int]:
        return frozenset(run.id for run in self.runs)

    @property
    def words(self) -> str:
        """``run 5``, or ``the runs after run 4``."""
        if self.back_to is None:
            return f"run {self.newest.id}"
        return f"the runs after run {self.back_to}"

    def command(self, kind: Kind[Any]) -> Command:
        """What takes them back, typed."""
        if self.back_to is None:
            return kind.undo_command(self.newest.id)
        return command(*kind.rollback.split(), "--to", str(self.back_to))


def all_after(journal: Journal, stays: Run, kind: Kind[Any], directory: str | None) -> Undoing:
    """Every run of that kind after ``stays``, on that directory; None: that of the newest.

    Raises DelegationError where there is none.
    """
    later = [run for run in journal.runs() if run.id > stays.id and run.kind in kind.runs]
    if directory is None and later:
        directory = later[-1].directory
    runs = tuple(run for run in reversed(later) if run.directory == directory)
    if not runs:
        what = f"no run after run {stays.id} has changed {directory or 'anything'}"
        raise DelegationError(what, "see: delegation history")
    return Undoing(runs, stays.id)


class Effects(NamedTuple, Generic[S]):
    """What is in effect of runs that are to be taken back.

    ``made`` has one change an object; ``in_doubt`` those of which it is not known whether they were
    made, with their run. ``rewrites`` stand for later runs as well, and ``superseded`` has the
    object and the later run of each part that was changed back by one: neither is these runs' own
    by now. ``cancelled`` is what the runs have undone among themselves, as the changes no more to
    be made.
    """

    made: tuple[Change[S], ...]
    in_doubt: tuple[tuple[int, Change[S]], ...] = ()
    rewrites: Rewrites = MappingProxyType({})
    superseded: tuple[tuple[str, int], ...] = ()
    cancelled: tuple[Change[S], ...] = ()

    @property
    def is_empty(self) -> bool:
        return not (self.made or self.in_doubt or self.superseded or self.cancelled)

    @property
    def names(self) -> frozenset[str]:
        """Of all objects that something is known of."""
        known = {name for name, _ in self.superseded}
        for change in (*self.made, *self.cancelled):
            known.add(change.target.name)
        for _, change in self.in_doubt:
            known.add(change.target.name)
        return frozenset(known)

    def without(self, left_out: Collection[str]) -> "Effects[S]":
        """The same but for objects of these names."""
        return self._replace(
            made=tuple(it for it in self.made if it.target.name not in left_out),
            in_doubt=tuple(it for it in self.in_doubt if it[1].target.name not in left_out),
            superseded=tuple(it for it in self.superseded if it[0] not in left_out),
            cancelled=tuple(it for it in self.cancelled if it.target.name not in left_out),
        )

    def without_objects(self, objects: Collection[UUID]) -> "Effects[S]":
        """The same but for these: by name, a host that was joined anew is two."""
        return self._replace(
            made=tuple(it for it in self.made if it.target.guid not in objects),
            in_doubt=tuple(it for it in self.in_doubt if it[1].target.guid not in objects),
            cancelled=tuple(it for it in self.cancelled if it.target.guid not in objects),
        )

    def is_superseded(self, done: Iterable[Change[S]]) -> bool:
        """Whether all that is left of it, but for what is ``done``, is later runs' own for certain.

        An object that the rewrites don't know is left for another reason.
        """
        if self.in_doubt or not (self.rewrites or self.superseded):
            return False
        found: dict[UUID, set[str]] = defaultdict(set)
        for change in done:
            found[change.target.guid] |= change.parts
        for change in self.made:
            guid = change.target.guid
            if not change.parts - found[guid]:
                continue
            again = list(_of(self.rewrites, guid))
            if not again or not all(rewrite.is_certain for rewrite in again):
                return False
        return True

    def superseded_lines(self) -> Iterator[str]:
        """What is left to later runs, objects folded."""
        counts = Counter(self.superseded)
        by_words: list[tuple[str, str]] = []
        for (name, run), count in counts.items():
            words = f"{names.counted(count, 'part')} changed again by run {run}, and left to it"
            by_words.append((words, name))
        for words, objects in names.grouped(by_words).items():
            yield f"{names.fold(objects)}: {words}"


def _of(rewrites: Rewrites, guid: UUID) -> Collection[Any]:
    return rewrites.get(guid, {}).values()


def effects_of(journal: Journal, undoing: Undoing, kind: Kind[S]) -> Effects[S]:
    """What there is to take back, by the record alone."""
    doubtful: list[tuple[int, Change[S]]] = []
    for run in undoing.runs:
        doubtful += [(run.id, change) for change in doubt_of(journal, run.id, kind).changes]
    in_doubt = tuple(doubtful)
    if undoing.back_to is not None:
        made, cancelled = _net_changes(journal, reversed(undoing.runs), kind)
        in_effect = _parts_in_effect(journal, undoing, kind)
        not_known = {change.target.guid for _, change in in_doubt}
        news: list[Change[S]] = []
        for change in cancelled:
            untold = change.only(in_effect.get(change.target.guid, frozenset()))
            if untold is not None and change.target.guid not in not_known:
                news.append(untold)
        known = tuple(it for it in made if it.target.guid not in not_known)
        return Effects(known, in_doubt, cancelled=tuple(news))
    run = undoing.newest
    unreversed = journal.in_effect(run.id, kind)
    superseded = superseded_of(journal, run, kind, unreversed)
    own: list[Change[S]] = []
    for change in unreversed:
        remaining = change.without(superseded.get(change.target.guid, {}).keys())
        if remaining is not None:
            own.append(remaining)
    rewrites = rewrites_of(journal, run, kind, own)
    called = {change.target.guid: change.target.name for change in unreversed}
    lost: list[tuple[str, int]] = []
    for guid, by_part in superseded.items():
        for rewrite in by_part.values():
            lost.append((called[guid], rewrite.run))
    return Effects(tuple(own), in_doubt, rewrites, tuple(lost))


def _parts_in_effect(
    journal: Journal, undoing: Undoing, kind: Kind[S]
) -> Mapping[UUID, frozenset[str]]:
    """What the record has as in effect of runs that are taken back together, by object.

    But for rollbacks among them of one another: they go with what they took back.
    """
    found: dict[UUID, frozenset[str]] = defaultdict(frozenset)
    for run in undoing.runs:
        if (run.oldest_reversed or 0) > (undoing.back_to or 0):
            continue
        for change in journal.in_effect(run.id, kind):
            found[change.target.guid] |= change.parts
    return found


def _net_changes(
    journal: Journal, runs: Iterable[Run], kind: Kind[S]
) -> tuple[list[Change[S]], list[Change[S]]]:
    """One change an object for all that ``runs``, the oldest first, have made; and what is none.

    The second are the parts that they have made and undone, as the changes back.
    """
    net: dict[UUID, Change[S]] = {}
    firsts: dict[UUID, list[Change[S]]] = defaultdict(list)
    touched: dict[UUID, frozenset[str]] = defaultdict(frozenset)
    for change in _events(journal, runs, kind, touched):
        guid = change.target.guid
        first = change.only(change.parts - touched[guid])
        if first is not None:
            firsts[guid].append(first)
        before = net.get(guid)
        net[guid] = before.followed_by(change, touched[guid]) if before else change
        touched[guid] |= change.parts
    made = [change for change in net.values() if change.parts]
    cancelled: list[Change[S]] = []
    for guid, changes in firsts.items():
        for first in changes:
            undone = first.without(net[guid].parts)
            if undone is not None:
                cancelled.append(undone.reversed()._replace(target=net[guid].target))
    return made, cancelled


def _events(
    journal: Journal,
    runs: Iterable[Run],
    kind: Kind[S],
    touched: Mapping[UUID, frozenset[str]],
) -> Iterator[Change[S]]:
    """What was made, in its order, and what was found undone of what these runs had made before.

    What a rollback found of an older run it has not made: that is no part of them.
    """
    for run in runs:
        for recorded in journal.changes(run.id, kind):
            if recorded.result is Result.APPLIED:
                yield recorded.change
        for found in journal.as_before(run.id, kind):
            known = found.only(touched.get(found.target.guid, frozenset()))
            if known is not None:
                yield known
