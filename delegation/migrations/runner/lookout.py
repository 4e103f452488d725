"""Answers of the hosts -> when to look at which again, and whether there is reason to go on."""

from collections.abc import Callable, Iterable, Mapping

from delegation.errors import HostError
from delegation.migrations.lifecycle import MigrationStep
from delegation.migrations.runner.board import Board, involved
from delegation.migrations.runner.patience import Alarms, Patience
from delegation.migrations.runner.whereabouts import Answer
from delegation.migrations.runner.work import RunnerCrew


class Lookout:
    """The hosts of a run, by label, the third hosts of a bypass included."""

    def __init__(
        self,
        board: Board,
        crew: RunnerCrew,
        hosts: Iterable[str],
        clock: Callable[[], float],
        patience: Patience,
    ) -> None:
        self._board = board
        self._crew = crew
        self._hosts = sorted({*hosts, *involved(board.moves.values())})
        self._clock = clock
        self._patience = patience
        self._asked: set[str] = set()
        self._revisits: Alarms[str] = Alarms(clock)
        self._active_at = clock()
        self._is_fresh = False

    @property
    def is_looking(self) -> bool:
        """Whether a host has still to answer."""
        return bool(self._asked)

    @property
    def is_patient(self) -> bool:
        """Whether something has happened not too long ago."""
        return self.seconds_left > 0

    @property
    def unreachable(self) -> dict[str, HostError]:
        """Why hosts that are needed can't be asked, by label."""
        gone = self._board.gone
        return {host: gone[host] for host in sorted(self._needed & gone.keys())}

    @property
    def seconds_left(self) -> float:
        """Seconds for which it is still patient, where nothing happens."""
        silent_for = self._clock() - self._active_at
        return max(self._patience.silence - silent_for, 0.0)

    @property
    def _needed(self) -> set[str]:
        """The hosts of all that has no end yet."""
        return involved(move for move in self._board.moves.values() if not move.state.ended)

    def note_activity(self) -> None:
        """Something has happened: there is reason to go on, and what was seen may be old."""
        self._active_at = self._clock()
        self._is_fresh = False

    def visit(self, *hosts: str) -> None:
        """Look at these, unless an answer is awaited already."""
        for host in hosts:
            if host not in self._asked:
                self._asked.add(host)
                self._crew.visit(host)

    def visit_all(self) -> None:
        self.visit(*self._hosts)

    def revisit_due(self) -> None:
        """Look again at the hosts whose time has come."""
        self.visit(*self._revisits.due())

    def take_visit(self, host: str, answer: Answer) -> None:
        """The answer of a host that was to be looked at."""
        self._asked.discard(host)
        self.take_answers({host: answer})

    def take_answers(self, answers: Mapping[str, Answer]) -> None:
        """Hosts as they are now; what keeps one of ours from going on is looked at again later.

        That is a host that does not answer, and one that somebody else migrates from. The first
        that is back, and the second while it is there, are reasons to go on.
        """
        were_gone = self._board.gone.keys() & answers.keys()
        self._board.take_answers(answers)
        gone = self._board.gone.keys() & answers.keys()
        shared = {host for host in answers if self._board.is_shared(host)}
        if not (were_gone | gone | shared):
            return
        needed = self._needed
        for host in needed & (gone | shared):
            self._revisits.set(host, self._patience.poll)
        are_back = were_gone - gone
        if needed & (shared | are_back):
            self.note_activity()

    def give_up_stuck(self) -> None:
        """Where nothing will go on by itself, look at every host once more, then give up."""
        if self._revisits or self._asked:
            return
        stuck = self._board.stuck()
        if self._is_fresh:
            for machine, why in stuck.items():
                self._board.step(self._board.moves[machine], MigrationStep.GIVEN_UP, why)
        elif stuck:
            self.visit_all()
            self._is_fresh = True
