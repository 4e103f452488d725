"""Migrations: checked, started, followed, stopped, found again, and what they leave behind."""

from uuid import UUID

from delegation.hosts.cim.cim_client import Cim
from delegation.hosts.hypervisor import Moving
from delegation.hosts.machines import Incompatibility, Landing, MoveOrder


def read_landing(cim: Cim, machine: UUID) -> Landing:
    raise NotImplementedError


def remove_planned(cim: Cim, handle: str) -> bool:
    raise NotImplementedError


def check(cim: Cim, order: MoveOrder) -> tuple[Incompatibility, ...]:
    raise NotImplementedError


def new_handle(cim: Cim, order: MoveOrder) -> str:
    raise NotImplementedError


def is_at_work(cim: Cim, machine: UUID) -> bool:
    raise NotImplementedError


def start(cim: Cim, order: MoveOrder, handle: str) -> Moving:
    raise NotImplementedError


def reattach(cim: Cim, machine: UUID, handle: str) -> Moving | None:
    raise NotImplementedError
