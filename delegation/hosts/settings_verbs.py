"""The verbs of the hosts' own settings: plan, apply, roll back or settle a run; the front door."""

from collections.abc import Collection
from functools import partial

from delegation.changes import rolling_back, settlement, verbs
from delegation.changes.review import Reviewed
from delegation.changes.rolling_back import UndoRequest
from delegation.changes.run import Asked
from delegation.changes.settlement import ConfirmSettlement, Said, SettlementView
from delegation.changes.verbs import Carried, Confirm
from delegation.hosts import settings_survey
from delegation.hosts.settings import HostSetting
from delegation.hosts.settings_changes import HostsUndoOpening, open_to_apply
from delegation.hosts.settings_form import SettingsPlanForm
from delegation.hosts.settings_survey import HostsWorld
from delegation.hosts.settings_view import HostsPlanView, HostsView


def show_settings(world: HostsWorld, *, limit: str | None = None) -> HostsView:
    """The hosts that ``limit`` names, or all, as they are, with what is not as declared."""
    labels = settings_survey.in_scope(world.inventory, limit)
    return HostsView.of(world.inventory, settings_survey.read(world, world.hosts(), labels))


def plan_settings(
    world: HostsWorld, *, limit: str | None = None, allow: Collection[str] = ()
) -> HostsPlanView:
    """What would make the hosts that ``limit`` names, or all, as the inventory declares them.

    Hosts without live_migration are not asked; those that can't be reached are in the view.
    """
    labels = declared(world, limit)
    open_host = settings_survey.reach(world, labels)
    return settings_survey.planned(world, open_host, labels, allow)


def declared(world: HostsWorld, limit: str | None) -> list[str]:
    """The hosts in scope of which the inventory declares any setting. Raises UsageError."""
    return settings_survey.managed(
        world.inventory, settings_survey.in_scope(world.inventory, limit)
    )


def apply_settings(  # noqa: PLR0913 - what may be said of an apply
    world: HostsWorld,
    confirm: Confirm[HostSetting] | None,
    *,
    limit: str | None = None,
    allow: Collection[str] = (),
    reviewed: Reviewed[HostSetting] | None = None,
    ticket: str | None = None,
) -> Carried[HostSetting]:
    """Set the hosts as the inventory declares, many at a time, each setting read back.

    ``confirm`` is asked about the plan, None asks nobody. Raises UsageError, JournalError, and
    Refused where nothing was changed because it would not have been safe.
    """
    reviewed = reviewed or Reviewed(SettingsPlanForm())
    limit = reviewed.limited(limit)
    labels = declared(world, limit)
    reviewed.tell_untyped(world.teller, allow)
    open_host = settings_survey.reach(world, labels)
    return verbs.apply(
        partial(open_to_apply, world, open_host, labels, allow),
        world.records,
        reviewed,
        world.teller,
        confirm,
        ticket,
        Asked(limit, tuple(sorted(allow))),
    )


def roll_back_settings(  # noqa: PLR0913 - what may be said of a rollback
    world: HostsWorld,
    confirm: Confirm[HostSetting] | None,
    *,
    run: int | None = None,
    back_to: int | None = None,
    limit: str | None = None,
    skip_conflicts: bool = False,
    allow: Collection[str] = (),
    ticket: str | None = None,
) -> Carried[HostSetting]:
    """Take back what ``run``, or the newest apply, set on the hosts, and nothing else.

    ``back_to``: what all runs set after that one, which stays.
    ``limit``: only on these of them. ``skip_conflicts``: what can't be taken back stays, and the
    rest is taken back all the same.
    """
    return rolling_back.roll_back(
        HostsUndoOpening(world, allow),
        world.records,
        UndoRequest(run, limit, skip_conflicts, back_to, tuple(allow)),
        SettingsPlanForm(),
        world.teller,
        confirm,
        ticket,
    )


def settle_settings(  # noqa: PLR0913 - what is said, and of what
    world: HostsWorld,
    confirm: ConfirmSettlement | None,
    *,
    run: int,
    hosts: str,
    said: Said,
    ticket: str | None = None,
) -> SettlementView:
    """Record what a person says of settings of ``run`` that no host can tell of."""
    opening, records = HostsUndoOpening(world, ()), world.records
    return settlement.settle(opening, records, run, hosts, said, world.teller, confirm, ticket)
