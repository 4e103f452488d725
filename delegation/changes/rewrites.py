"""Journal -> which parts of a run's changes a later run has written again: they are its own now.

A value that somebody took away and an apply put back stands as both runs left it: taking back the
older one would take it from the newer one.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple
from uuid import UUID

from delegation.changes.doubt import doubt_of
from delegation.changes.journal import Journal
from delegation.changes.kinds import Kind
from delegation.changes.plan import Change, S
from delegation.changes.run import Run


class Rewrite(NamedTuple):
    """The newest run that wrote a part again; not ``is_certain`` where that is in doubt.

    ``is_taken_back``: perhaps it took the part back, and somebody else put it there since.
    """

    run: int
    is_certain: bool = True
    is_taken_back: bool = False

    @property
    def words(self) -> str:
        if self.is_certain:
            return f"written again by run {self.run}"
        what = "taken back" if self.is_taken_back else "written again"
        return f"perhaps {what} by run {self.run}, which is in doubt"


Rewrites = Mapping[UUID, Mapping[str, Rewrite]]
"""Which parts of an object were written again, by its GUID and by the part."""


def rewrites_of(journal: Journal, run: Run, kind: Kind[S], made: Iterable[Change[S]]) -> Rewrites:
    """What later runs, as far as they are in effect, have made once more of what ``run`` made."""
    ours = {change.target.guid: change for change in made}
    found: dict[UUID, dict[str, Rewrite]] = defaultdict(dict)
    for later in _later_writers(journal, run, kind):
        effects = [(change, True) for change in journal.in_effect(later.id, kind)]
        effects += [(change, False) for change in doubt_of(journal, later.id, kind).changes]
        for change, is_certain in effects:
            mine = ours.get(change.target.guid)
            if mine is None:
                continue
            again = mine.parts & change.parts_made(mine.after)
            rewrite = Rewrite(later.id, is_certain)
            found[change.target.guid].update(dict.fromkeys(again, rewrite))
    for number in journal.rollbacks_of(run.id):
        for change in doubt_of(journal, number, kind).changes:
            mine = ours.get(change.target.guid)
            taken_back = mine.parts & change.parts if mine else ()
            rewrite = Rewrite(number, is_certain=False, is_taken_back=True)
            found[change.target.guid].update(dict.fromkeys(taken_back, rewrite))
    return found


def superseded_of(journal: Journal, run: Run, kind: Kind[S], made: Iterable[Change[S]]) -> Rewrites:
    """What later runs, as far as they are in effect, have changed again to what it was before.

    What stands there now is not what ``run`` has left, whatever it is: it was taken away by us, and
    whoever put it there since has done so on their own. Undoing the later run brings it back.
    """
    ours = {change.target.guid: change for change in made}
    found: dict[UUID, dict[str, Rewrite]] = defaultdict(dict)
    for later in _later_writers(journal, run, kind):
        for change in journal.in_effect(later.id, kind):
            mine = ours.get(change.target.guid)
            if mine is None:
                continue
            both = mine.parts & change.parts
            back = both & mine.reversed().parts_made(change.after)
            # The newest that wrote a part is the one that says whose it is.
            for part in both - back:
                found[change.target.guid].pop(part, None)
            found[change.target.guid].update(dict.fromkeys(back, Rewrite(later.id)))
    return {guid: parts for guid, parts in found.items() if parts}


def _later_writers(journal: Journal, run: Run, kind: Kind[Any]) -> Iterator[Run]:
    """The oldest first.

    A rollback of a run that is no older than this one only puts back what was there before that
    run: it leaves nothing of its own.
    """
    for later in journal.runs():
        is_ours = later.kind in kind.runs and later.directory == run.directory
        if not is_ours or later.id <= run.id:
            continue
        oldest = later.oldest_reversed
        if oldest is None or oldest < run.id:
            yield later
