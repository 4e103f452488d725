"""Inventory, directory -> CheckView: what is wrong before anything is written.

Also whether the account that is logged on could write. Nothing in this module can.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from delegation.errors import DelegationError
from delegation.events import Remark, warning
from delegation.inventory import Inventory
from delegation.mesh import checks, rights, survey
from delegation.mesh.account_records import RememberingWorld, known_to
from delegation.mesh.checks import Severity
from delegation.mesh.compare import Comparison
from delegation.mesh.findings_view import FindingsView
from delegation.mesh.rights import Rights, RightsAnswer
from delegation.mesh.seams import Inspector

Unlocated = DelegationError | None
"""Why no domain controller is to be found; None where one is named, or DNS knows one."""


class PreflightWorld(RememberingWorld, Protocol):
    """What a check looks at: the directory without a write, where there is one to be found."""

    @property
    def inventory(self) -> Inventory: ...

    def today(self) -> date: ...

    def unlocated(self) -> Unlocated:
        """Why no domain controller is to be found; None where there is one to try."""

    def reading(self) -> AbstractContextManager[Inspector]: ...


@dataclass(frozen=True, slots=True)
class CheckView:
    """What was found, and whether the account that is logged on may write."""

    found: FindingsView
    write: Rights

    @property
    def was_read(self) -> bool:
        """Whether there was a directory to look at; without one the file alone was judged."""
        return self.found.dc is not None

    @property
    def has_high(self) -> bool:
        """Whether anything is of high severity or above, which a check fails for."""
        return any(finding.severity >= Severity.HIGH for finding in self.found.findings)

    def to_json(self) -> dict[str, object]:
        """The check as programs read it (README, check)."""
        return {**self.found.to_json(), "write": self.write.to_json()}


def check(world: PreflightWorld, operators: Sequence[str] = ()) -> CheckView:
    """Everything wrong with the inventory and its accounts.

    A domain that DNS knows no domain controller of is a warning: an inventory is often checked
    where no domain is, as in a pull request. One that fails raises DirectoryError.
    """
    missing = world.unlocated()
    if missing is not None:
        return _without_directory(world, missing)
    known = known_to(world)
    with world.reading() as inspector:
        comparison = survey.for_findings(
            world.inventory, inspector, world.today(), operators=operators, known=known
        )
        write = _may_write(comparison, inspector)
    found = checks.judged(checks.MeshCase(comparison), preflight=True)
    return CheckView(FindingsView.of(comparison, found.open, found.accepted), write)


def _without_directory(world: PreflightWorld, missing: DelegationError) -> CheckView:
    what = f"no directory was looked at: {missing.what}"
    world.teller.say(warning(what))
    for line in (*missing.details, missing.fix):
        world.teller.say(Remark(f"  {line}"))
    return CheckView(FindingsView.unread(world.inventory), Rights(RightsAnswer.UNKNOWN, (what,)))


def _may_write(comparison: Comparison, inspector: Inspector) -> Rights:
    hosts = {host.label: host.computer for host in comparison.objects}
    writable = inspector.writable([computer.guid for computer in hosts.values()]) if hosts else {}
    return rights.judged(hosts, writable, inspector.own_token())
