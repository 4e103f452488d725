"""Journal -> the changes of a run of which nobody knows whether they were made, and why not."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Generic, NamedTuple
from uuid import UUID

from delegation.changes.journal import Journal
from delegation.changes.kinds import Kind
from delegation.changes.outcomes import Result
from delegation.changes.plan import Change, S


class Doubt(NamedTuple, Generic[S]):
    """The changes of a run of which nobody knows whether they were made."""

    intended: tuple[Change[S], ...] = ()
    not_begun: tuple[Change[S], ...] = ()
    """By the record."""
    reasons: Mapping[UUID, str] = MappingProxyType({})
    """What was found when somebody looked, by object."""

    @property
    def changes(self) -> tuple[Change[S], ...]:
        return (*self.intended, *self.not_begun)


def doubt_of(journal: Journal, run: int, kind: Kind[S]) -> Doubt[S]:
    """What is in doubt of a run.

    Of one without an end it is everything without a result. That an intent is committed before its
    write is only as true as the disk is: one that lies about a sync, or an older journal that was
    restored, has written objects that nothing on record tells of.
    """
    has_ended = journal.run(run).finished is not None
    intended: list[Change[S]] = []
    not_begun: list[Change[S]] = []
    reasons: dict[UUID, str] = {}
    for recorded in journal.changes(run, kind):
        if not recorded.in_doubt and (has_ended or not recorded.not_begun):
            continue
        (intended if recorded.intended else not_begun).append(recorded.change)
        if recorded.result is Result.UNKNOWN:
            reasons[recorded.change.target.guid] = recorded.reason
    return Doubt(tuple(intended), tuple(not_begun), reasons)
