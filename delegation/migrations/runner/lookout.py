"""Looks at the hosts, and tells whether there is still reason to go on."""

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
        self._again: Alarms[str] = Alarms(clock)
        self._stirred = clock()
        self._is_fresh = False

    @property
    def is_looking(self) -> bool:
        """Whether a host has still to answer."""
        return bool(self._asked)

    @property
    def is_patient(self) -> bool:
        """Whether something has happened not too long ago."""
        return self.left > 0

    @property
    def missed(self) -> dict[str, HostError]:
        """Why hosts that are needed can't be asked, by label."""
        needed = involved(move for move in self._board.moves.values() if not move.state.ended)
        return {host: self._board.gone[host] for host in sorted(needed & self._board.gone.keys())}

    @property
    def left(self) -> float:
        """Seconds for which it is still patient, where nothing happens."""
        return max(self._patience.silence - (self._clock() - self._stirred), 0.0)

    def stir(self) -> None:
        """Something has happened: there is reason to go on, and what was seen may be old."""
        self._stirred = self._clock()
        self._is_fresh = False

    def visit(self, *hosts: str) -> None:
        for host in hosts:
            if host not in self._asked:
                self._asked.add(host)
                self._crew.visit(host)

    def visit_all(self) -> None:
        self.visit(*self._hosts)

    def go_on(self) -> None:
        """Look again at the hosts whose time has come."""
        self.visit(*self._again.due())

    def visited(self, host: str, answer: Answer) -> None:
        self._asked.discard(host)
        self.saw({host: answer})

    def saw(self, answers: Mapping[str, Answer]) -> None:
        """Hosts as they are now; what keeps one of ours from going on is looked at again later."""
        were_gone = self._board.gone.keys() & answers.keys()
        self._board.saw(answers)
        gone = self._board.gone.keys() & answers.keys()
        shared = {host for host in answers if self._board.shared(host)}
        if not (were_gone | gone | shared):
            return
        needed = involved(move for move in self._board.moves.values() if not move.state.ended)
        for host in needed & (gone | shared):
            self._again.set(host, self._patience.poll)
        if needed & (shared | (were_gone - gone)):
            self.stir()

    def unstick(self) -> None:
        """Where nothing will go on by itself, look at every host once more, then give up."""
        if self._again or self._asked:
            return
        stuck = self._board.stuck()
        if self._is_fresh:
            for machine, why in stuck.items():
                self._board.step(self._board.moves[machine], MigrationStep.GIVEN_UP, why)
        elif stuck:
            self.visit_all()
            self._is_fresh = True
