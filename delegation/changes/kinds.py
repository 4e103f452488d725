"""The kinds of runs: those whose changes a rollback takes back, and those that change nothing."""

from collections.abc import Mapping
from typing import Any, Generic, NamedTuple

from delegation.changes.plan import S
from delegation.errors import Advice, Command, command


class KindWords(NamedTuple):
    """What verbs say of a kind: what its objects ``have`` and how they are ``written``.

    ``left`` is what somebody does about conflicts who wants a rollback after all.
    """

    have: str
    written: str
    left: str


class Kind(NamedTuple, Generic[S]):
    """What an apply changes and a rollback takes back.

    ``name`` goes into the digests of its plans, ``apply`` and ``rollback`` are what its runs are
    called in the journal, which are also the commands that make them; ``state`` is recorded;
    ``words`` are for messages. ``has_undo_file``: its runs leave their undo for other programs too.
    """

    name: str
    apply: str
    rollback: str
    state: type[S]
    words: KindWords
    has_undo_file: bool = False

    @property
    def runs(self) -> tuple[str, str]:
        return self.apply, self.rollback

    def undo_command(self, run: int) -> Command:
        """What undoes that run."""
        return command(*self.rollback.split(), str(run))

    def settle_command(self, run: int, hosts: str) -> Advice:
        """What records what a person says of that run's changes in doubt, on those hosts."""
        group = self.rollback.split()[:-1]
        typed = command(*group, "settle", str(run), "--host", hosts, "--as")
        return Advice(typed, " made|not-made")


class Kinds(NamedTuple):
    """All kinds of runs, as one explicit table that whoever opens a journal hands to it.

    ``unchanging`` are runs without changes of their own: audits, migrations. A kind that stands in
    neither was written by another version of this program. It may have written anything, so that it
    counts among those that may be unsettled.
    """

    changing: tuple[Kind[Any], ...]
    unchanging: tuple[str, ...]

    def of(self, run_kind: str) -> Kind[Any] | None:
        """The kind of the runs called so; None where they change nothing, or are unknown."""
        return self._by_run.get(run_kind)

    @property
    def _by_run(self) -> Mapping[str, Kind[Any]]:
        return {run: kind for kind in self.changing for run in kind.runs}
