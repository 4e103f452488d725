"""The hosts of an inventory, asked and changed many at a time."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import TypeVar
from uuid import UUID

from delegation.changes.evidence import what_became_of
from delegation.changes.outcomes import Absent, Outcome, Result
from delegation.changes.plan import Target
from delegation.errors import CommandFailed, HostError, HostUnreachable
from delegation.hosts import settings
from delegation.hosts.crew import USUAL, Crew, HostLine, Job, Limits, Over
from delegation.hosts.hypervisor import H, Hypervisor, Open, opened
from delegation.hosts.machines import HostReading
from delegation.hosts.settings import HostSetting, SettingChange

T = TypeVar("T")

PATIENT = Limits(seconds=1800.0)
"""For many questions to one host, each of which has an end of its own that comes sooner."""

Progress = Callable[[int, int], None]
"""Called with the number of hosts that have answered, or failed to, and of all."""

SettingOutcome = Outcome[HostSetting]


def _silent(done: int, total: int) -> None:
    pass


def ask(
    open_host: Callable[[str], H],
    labels: Iterable[str],
    question: Callable[[H], T],
    progress: Progress = _silent,
    limits: Limits = USUAL,
) -> dict[str, T | HostError]:
    """What each host answers, or why it does not, in the order of ``labels``.

    ``question`` is put to it in a thread of its own, with a connection of its own.
    """
    return ask_each(open_host, dict.fromkeys(labels, question), progress, limits)


def ask_each(
    open_host: Callable[[str], H],
    questions: Mapping[str, Callable[[H], T]],
    progress: Progress = _silent,
    limits: Limits = USUAL,
) -> dict[str, T | HostError]:
    """The same with a question of its own to each host, by label."""

    def job(line: HostLine[T | HostError]) -> None:
        try:
            with opened(open_host, line.label) as host:
                line.says(questions[line.label](host))
        except HostError as exc:
            line.says(exc)

    asked = list(questions)
    answers: dict[str, T | HostError] = {}
    crew: Crew[T | HostError] = Crew(dict.fromkeys(asked, job), limits)
    try:
        while (heard := crew.hear()) is not None:
            label, event = heard
            if not isinstance(event, Over):
                answers[label] = event
            elif label not in answers:
                answers[label] = _no_answer(label, limits.seconds)
            else:
                continue
            progress(len(answers), len(asked))
    finally:
        crew.close()
    return {label: answers[label] for label in asked}


def read(
    open_host: Open,
    labels: Iterable[str],
    progress: Progress = _silent,
    limits: Limits = USUAL,
) -> tuple[dict[str, HostReading], dict[str, HostError]]:
    """The hosts that could be read, and why the others could not, by label."""
    readings: dict[str, HostReading] = {}
    errors: dict[str, HostError] = {}
    answers = ask(open_host, labels, lambda host: host.read(), progress, limits)
    for label, answer in answers.items():
        if isinstance(answer, HostError):
            errors[label] = answer
        else:
            readings[label] = answer
    return readings, errors


class HostSettingsChanger:
    """Settings of many hosts; implements ``outcomes.Changer[HostSetting]``.

    ``fqdns`` are the hosts' full names by label, as the inventory has them today. ``stopping`` is
    called when Ctrl-C has come and what is under way is still waited for.
    """

    window = 1_000_000
    """All at once: hosts are independent of each other, and what is lost can be read again."""

    def __init__(
        self,
        open_host: Open,
        fqdns: Mapping[str, str],
        limits: Limits = USUAL,
        stopping: Callable[[], None] = lambda: None,
    ) -> None:
        self._open = open_host
        self._fqdns = fqdns
        self._limits = limits
        self._stopping = stopping

    def readings(
        self, targets: Collection[Target], progress: Progress = _silent
    ) -> tuple[dict[str, HostReading], dict[str, HostError]]:
        """The hosts of ``targets`` as they are now, and why others can't be read, by label."""
        strangers: dict[str, HostError] = {}
        for target in targets:
            stranger = self._stranger(target)
            if stranger is not None:
                strangers[target.name] = stranger
        labels = [target.name for target in targets if target.name not in strangers]
        readings, errors = read(self._open, labels, progress, self._limits)
        return readings, {**strangers, **errors}

    def look(self, targets: Collection[Target]) -> Mapping[UUID, HostSetting | Absent]:
        readings, errors = self.readings(targets)
        states: dict[UUID, HostSetting | Absent] = {}
        for target in targets:
            error = errors.get(target.name)
            if error is not None:
                states[target.guid] = Absent(error.what, for_good=False)
            else:
                states[target.guid] = _state(target, readings[target.name])
        return states

    def write(self, changes: Iterable[SettingChange]) -> Iterator[SettingOutcome]:
        """Each host's changes in turn, hosts at the same time; yields outcomes as they come.

        After a change that was not made the rest of that host is not tried. After Ctrl-C what is
        under way comes to its end, nothing more is begun, and KeyboardInterrupt is raised in the
        end.
        """
        # What has no outcome yet, by host. Each outcome takes its change out; what is left when
        # nothing more is heard of a host was not begun, or is in doubt.
        pending: dict[str, dict[UUID, SettingChange]] = defaultdict(dict)
        for change in sorted(changes, key=settings.turn):
            pending[change.target.name][change.target.guid] = change
        jobs: dict[str, Job[SettingOutcome]] = {}
        for label, of_host in pending.items():
            jobs[label] = self._job(tuple(of_host.values()))
        crew: Crew[SettingOutcome] = Crew(jobs, self._limits)
        interrupted: KeyboardInterrupt | None = None
        try:
            while True:
                try:
                    heard = crew.hear()
                except KeyboardInterrupt as exc:
                    # A change on its way can't be taken back: the first Ctrl-C waits for its
                    # answer, which is worth more than a change in doubt. The second does not.
                    if interrupted is not None:
                        raise
                    interrupted = exc
                    crew.stop()
                    self._stopping()
                    continue
                if heard is None:
                    break
                label, event = heard
                if isinstance(event, Over):
                    of_host = pending.pop(label)
                    yield from self._without_outcome(event, of_host.values(), interrupted)
                else:
                    del pending[label][event.change.target.guid]
                    yield event
        finally:
            crew.close()
        if interrupted is not None:
            for of_host in pending.values():
                yield from self._without_outcome(Over(()), of_host.values(), interrupted)
            raise interrupted

    def _job(self, changes: tuple[SettingChange, ...]) -> Job[SettingOutcome]:
        def job(line: HostLine[SettingOutcome]) -> None:
            try:
                with opened(self._open, line.label) as host:
                    for change in changes:
                        if not line.begins(change.target.guid):
                            return
                        outcome = _made(host, change)
                        line.says(outcome)
                        if outcome.result is not Result.APPLIED:
                            return
            except HostError as exc:
                why = f"not reached: {_words(exc)}"
                for change in changes:
                    line.says(Outcome(change, Result.FAILED, why, reached=False))

        return job

    def _without_outcome(
        self, over: Over, changes: Iterable[SettingChange], interrupted: KeyboardInterrupt | None
    ) -> Iterator[SettingOutcome]:
        """What becomes of changes without an outcome, now that nothing more is heard of a host."""
        why = "not tried, after what went wrong on this host before"
        if over.silent:
            silence = _no_answer("the host", self._limits.seconds)
            why = f"not tried: {silence.what}"
        if interrupted is not None:
            why = "not tried: interrupted"
        for change in changes:
            if change.target.guid in over.begun:
                yield Outcome(change, Result.UNKNOWN, "no answer, it may have been made")
            else:
                reached = bool(over.begun) or not over.silent
                yield Outcome(change, Result.FAILED, why, reached=reached)

    def _stranger(self, target: Target) -> HostError | None:
        """Why a target of an earlier run is no host of the inventory today."""
        recorded, _ = settings.place(target)
        today = self._fqdns.get(target.name)
        if today is None:
            what = f"{target.name} ({recorded}) is not in the inventory any more"
        elif today.casefold() != recorded.casefold():
            what = f"{target.name} was {recorded} then, and is {today} in the inventory now"
        else:
            return None
        return HostError(what, "undo it with an inventory that has that host")


def _state(target: Target, reading: HostReading) -> HostSetting | Absent:
    _, name = settings.place(target)
    setting = settings.held(reading.settings, name)
    return setting or Absent(f"the host does not tell its {name}", for_good=False)


def _made(host: Hypervisor, change: SettingChange) -> SettingOutcome:
    """Make it. Only the host's own answer tells anything of what became of it.

    A refusal by the host, as of a logon that is not valid any more, may come after it has
    been made, just as a connection may be lost then.
    """
    try:
        host.set(change.before, change.after)
    except CommandFailed as exc:
        return _after_error(host, change, _words(exc))
    except HostError as exc:
        return Outcome(change, Result.UNKNOWN, _words(exc))
    return Outcome(change, Result.APPLIED)


def _after_error(host: Hypervisor, change: SettingChange, error: str) -> SettingOutcome:
    """What the host has decides: a method can fail after it has made the change."""
    try:
        result, words = what_became_of(change, _state(change.target, host.read()))
    except HostError as exc:
        return Outcome(change, Result.UNKNOWN, f"{error}; not read back: {exc.what}")
    if result is Result.REFUSED:
        return Outcome(change, Result.FAILED, error)
    return Outcome(change, result, f"{words}, although it failed: {error}")


def _words(exc: HostError) -> str:
    return f"{exc.what}; {exc.fix}" if exc.fix else exc.what


def _no_answer(who: str, seconds: float) -> HostUnreachable:
    return HostUnreachable(
        f"{who} has not answered within {seconds:,.0f} s",
        "look whether the host is overloaded or hangs; a reboot ends what is left there",
    )
