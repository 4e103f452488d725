"""Which migrations start now: online list scheduling by slots and room, without a clock."""

from delegation.inventory import Slots
from delegation.migrations.schedule.ledger import UNTOLD, Capacity, Move, Start
from delegation.migrations.schedule.obstacles import overfull_hosts
from delegation.migrations.schedule.scheduler import Schedule

__all__ = ["UNTOLD", "Capacity", "Move", "Schedule", "Slots", "Start", "overfull_hosts"]
