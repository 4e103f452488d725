"""The hosts' settings as a kind of change: opened to apply a plan, or to undo a run."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta

from delegation import names
from delegation.changes.apply import Report
from delegation.changes.doubt import doubt_of
from delegation.changes.journal import Journal
from delegation.changes.opening import Prospect
from delegation.changes.plan import Plan
from delegation.changes.run import NewRun, Run
from delegation.changes.undoing import Effects, Undoing, all_after
from delegation.errors import Advice, DelegationError, HostError, UsageError
from delegation.events import Event, Remark, Teller
from delegation.hosts import settings_plan, settings_survey
from delegation.hosts.fleet import HostSettingsChanger
from delegation.hosts.hypervisor import Open
from delegation.hosts.settings import HOST_SETTINGS, HostSetting, SettingChange
from delegation.hosts.settings_survey import HostsWorld
from delegation.hosts.settings_view import HostsUndoView, unreachable_hosts
from delegation.inventory import Inventory

SETTLED = timedelta(seconds=60 + 60)
"""After so long a request whose answer was lost is carried out, or never will be.

A host gives up after OperationTimeout, which is 60 s; and as much again for what lay in between.
"""


class OpenedHosts:
    """What applies and rollbacks on hosts have in common; see changes.opening.Opened."""

    kind = HOST_SETTINGS

    def __init__(self, world: HostsWorld, open_host: Open, allow: Collection[str]) -> None:
        self.recorded_as = settings_survey.recorded_as(world.inventory)
        self.changer = changer(world.inventory, open_host, world.teller)
        self._world = world
        self._open_host = open_host
        self._allow = allow

    @property
    def place(self) -> str:
        """Each host tells of itself."""
        return ""

    def cannot_tell_of(self, run: Run) -> str:  # noqa: ARG002
        """A host itself tells what it is set to, whoever asks."""
        return ""

    def unmade_is_untold(self, run: Run) -> str:
        """A request without an answer may still be in its host's queue.

        When the last one of a run that died was sent nobody knows: by the time of the first look,
        which is on record as its end.
        """
        if run.finished is not None:
            ended = datetime.fromisoformat(run.finished)
            if self._world.now() - ended > SETTLED:
                return ""
        return "not found made, but its host may still make it: look again in two minutes"

    def new_run(self, plan: Plan[HostSetting]) -> NewRun:
        inventory = self._world.inventory
        return NewRun(
            self.kind.apply,
            self.recorded_as,
            inventory.domain,
            names.fold(change.target.name for change in plan.changes),
            {},
            inventory.digest,
            plan.digest,
            inventory_path=self._world.inventory_path,
        )

    def before_first_write(self, run: Run, plan: Plan[HostSetting]) -> None:
        """Nothing: no other program takes a file of settings."""

    def after_write(self, report: Report[HostSetting]) -> Iterable[Event]:  # noqa: ARG002
        """Settings are in effect at once."""
        return ()


def changer(inventory: Inventory, open_host: Open, teller: Teller) -> HostSettingsChanger:
    """What changes hosts; Ctrl-C lets what is under way come to its end, and says so."""
    fqdns = {label: host.fqdn for label, host in inventory.hosts.items()}
    waiting = Remark("waiting for what is under way on the hosts; Ctrl-C again waits no longer")
    return HostSettingsChanger(open_host, fqdns, stopping=lambda: teller.say(waiting))


class HostsToApply(OpenedHosts):
    """Implements changes.opening.OpenedToApply."""

    def __init__(
        self,
        world: HostsWorld,
        open_host: Open,
        labels: Sequence[str],
        allow: Collection[str],
        journal: Journal,
    ) -> None:
        super().__init__(world, open_host, allow)
        self._labels = labels
        self._journal = journal

    def plan(self) -> Prospect[HostSetting]:
        return self._planned(self._labels)

    def plan_again(self, confirmed: Prospect[HostSetting]) -> Prospect[HostSetting]:
        """Of the hosts that could be read: the others were told, and are not asked once more."""
        reached = [label for label in self._labels if label not in confirmed.unreached]
        return self._planned(reached)

    def _planned(self, labels: Sequence[str]) -> Prospect[HostSetting]:
        """But for hosts that may still make what an earlier run has asked for.

        Of two requests under way nobody knows which one a host carries out last.
        """
        errors = _errors_of_doubt(self._may_still_be_made())
        waiting = {label: errors[label] for label in labels if label in errors}
        asked = [label for label in labels if label not in waiting]
        found = settings_survey.planned(self._world, self._open_host, asked, self._allow)
        view = replace(found, unreached={**waiting, **found.unreached})
        return Prospect(view.plan, view, view.unreached)

    def _may_still_be_made(self) -> Iterator[tuple[int, SettingChange]]:
        """Changes in doubt, with their run, on which the hosts may still be at work."""
        for run in self._journal.unsettled(self.kind):
            if run.directory == self.recorded_as and self.unmade_is_untold(run):
                for change in doubt_of(self._journal, run.id, self.kind).changes:
                    yield run.id, change


class HostsToUndo(OpenedHosts):
    """Implements changes.opening.OpenedToUndo."""

    def __init__(
        self, world: HostsWorld, open_host: Open, undoing: Undoing, allow: Collection[str]
    ) -> None:
        super().__init__(world, open_host, allow)
        self._undoing = undoing

    def new_run(self, plan: Plan[HostSetting]) -> NewRun:
        run = self._undoing.newest
        return NewRun(
            self.kind.rollback,
            self.recorded_as,
            run.domain,
            names.fold(change.target.name for change in plan.changes),
            {},
            plan_digest=plan.digest,
        )

    def undo(self, effects: Effects[HostSetting]) -> Prospect[HostSetting]:
        """Nothing is undone on a host where a change is in doubt: it could be half a reverse."""
        undoing = self._undoing
        if effects.is_empty and undoing.back_to is None:
            what = f"{undoing.words} changed nothing that is still in effect"
            raise DelegationError(what, "see: delegation history")
        doubtful = [change for _, change in effects.in_doubt]
        targets = [change.target for change in (*effects.made, *doubtful)]
        progress = self._world.teller.progress(settings_survey.READ)
        readings, errors = self.changer.readings(targets, progress)
        unreachable = {**_errors_of_doubt(effects.in_doubt), **errors}
        certain = {
            label: reading for label, reading in readings.items() if label not in unreachable
        }
        domain = self._world.inventory.domain
        back = settings_plan.reversal(domain, effects.made, certain, effects.rewrites)
        plan = settings_survey.guarded(self._world, back.plan, readings, self._allow)
        unreached = unreachable_hosts(unreachable)
        view = HostsUndoView(undoing, plan, back.cluster, unreached, back.conflicts, back.as_before)
        done = tuple(change.reversed() for change in back.as_before)
        left = frozenset(target.guid for target in targets if target.name in unreachable)
        return Prospect(plan, view, unreachable, left, conflicts=back.conflicts, done=done)

    def nothing_left(self, back: Prospect[HostSetting]) -> DelegationError | None:
        if back.unreached:
            return DelegationError("on none of its hosts can it be undone now; nothing was changed")
        if back.conflicts:
            what = f"nothing of {self._undoing.words} can be taken back now; nothing was changed"
            return DelegationError(what)
        if not isinstance(back.view, HostsUndoView) or not back.view.cluster:
            return None
        return DelegationError(
            f"what {self._undoing.words} set and is in effect is a cluster's own now; nothing was "
            "changed",
            "see to it with the cluster's tools; an older run is undone by its number: delegation "
            "history",
        )


def _errors_of_doubt(doubtful: Iterable[tuple[int, SettingChange]]) -> dict[str, HostError]:
    """Why nothing can be done yet on the hosts of these changes, by label."""
    errors: dict[str, HostError] = {}
    for run, change in doubtful:
        label = change.target.name
        if label in errors:
            continue
        said = HOST_SETTINGS.settle_command(run, label)
        errors[label] = HostError(
            f"whether {change.after.name} was changed there is not known",
            Advice("try again; a person may say what no look can tell: ", said),
        )
    return errors


@contextmanager
def open_to_apply(
    world: HostsWorld,
    open_host: Open,
    labels: Sequence[str],
    allow: Collection[str],
    journal: Journal,
) -> Iterator[HostsToApply]:
    """The hosts ``labels``, to be set as the inventory declares."""
    yield HostsToApply(world, open_host, labels, allow, journal)


class HostsUndoOpening:
    """Implements changes.opening.UndoOpening."""

    kind = HOST_SETTINGS

    def __init__(self, world: HostsWorld, allow: Collection[str]) -> None:
        self._world = world
        self._open_host = world.hosts()
        self._allow = allow

    def choose(
        self,
        journal: Journal,
        number: int | None,
        recorded_as: str | None = None,
        passed_over: Collection[int] = (),
    ) -> Run:
        hosts = recorded_as or settings_survey.recorded_as(self._world.inventory)
        if number is not None:
            return self.numbered(journal, number)
        newest = journal.undoable(hosts, HOST_SETTINGS, passed_over)
        if newest is None:
            raise DelegationError(
                "there is no hosts apply left to undo",
                "see: delegation history; a rollback is undone by its number",
            )
        return newest

    def numbered(self, journal: Journal, number: int) -> Run:
        chosen = journal.run(number)
        kind = journal.kinds.of(chosen.kind)
        if kind != HOST_SETTINGS:
            fix = Advice("to undo it: ", kind.undo_command(number)) if kind else ""
            raise UsageError(f"run {number} ({chosen.kind}) changed no settings of hosts", fix)
        if chosen.directory != settings_survey.recorded_as(self._world.inventory):
            raise UsageError(
                f"run {number} was made in {chosen.domain}, which is not the inventory's domain",
                "name the inventory of that domain with --inventory",
            )
        return chosen

    def all_after(self, journal: Journal, number: int) -> Undoing:
        """Of any kind of run: hosts are gone back to how they were when it was made."""
        stays = journal.run(number)
        directory = settings_survey.recorded_as(self._world.inventory)
        return all_after(journal, stays, HOST_SETTINGS, directory)

    @contextmanager
    def to_undo(self, undoing: Undoing) -> Iterator[HostsToUndo]:
        yield HostsToUndo(self._world, self._open_host, undoing, self._allow)
