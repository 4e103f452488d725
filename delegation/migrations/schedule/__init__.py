"""Which migrations start now: online list scheduling by slots and room, without a clock."""

from delegation.inventory import Slots
from delegation.migrations.schedule.ledger import Capacity, Move, Start
from delegation.migrations.schedule.obstacles import unfit
from delegation.migrations.schedule.scheduler import Schedule

__all__ = ["Capacity", "Move", "Schedule", "Slots", "Start", "unfit"]
