"""Inventory, Snapshot -> which host a value leads to by a name that the inventory does not use.

A machine answers to more names than one: by msDS-AdditionalDnsHostName (MS-ADA2), and by what else
is registered on its account. What leads there is not somebody else's, whatever it is called.
"""

from collections.abc import Iterator, Mapping
from functools import cached_property
from uuid import UUID

from delegation import names
from delegation.inventory import Inventory
from delegation.mesh.retirement import MeshNames, host_of
from delegation.mesh.snapshot import Computer, Snapshot


class LivingNames:
    """The hosts of an inventory by all names that their accounts have; judged where it is asked."""

    def __init__(self, inventory: Inventory, snapshot: Snapshot, ours: MeshNames) -> None:
        self._inventory = inventory
        self._snapshot = snapshot
        self._ours = ours

    @cached_property
    def former(self) -> Mapping[str, str]:
        """The names, casefolded, that hosts have no more, with their labels.

        What the directory says that a host answers to is alive, whatever an inventory says of it:
        a suffix is said of all hosts at once, and not all may have lost it.
        """
        former = self._ours.former.items()
        return {name: label for name, label in former if name not in self._additional}

    def by_another_name(self, value: str) -> str | None:
        """The label of the one host that a value of our services leads to."""
        target = host_of(value, names.MIGRATION) or host_of(value, names.CIFS)
        if not target:
            return None
        # The migration service has no alias: VMMS registers its names itself, and only those of the
        # host's own name. By HOST/… the machine is known all the same.
        owners = self._snapshot.owners(value) or self._snapshot.holders(f"HOST/{target}")
        if not owners:
            return self._additional.get(target)
        return self._labels.get(owners[0].guid) if len(owners) == 1 else None

    @cached_property
    def _labels(self) -> Mapping[UUID, str]:
        return {account.guid: label for label, account in self._accounts()}

    @cached_property
    def _additional(self) -> Mapping[str, str]:
        additional: dict[str, str] = {}
        for label, account in self._accounts():
            for name in _additional_names(account):
                additional.setdefault(name, label)
        return additional

    def _accounts(self) -> Iterator[tuple[str, Computer]]:
        for host in self._inventory.hosts.values():
            account = self._snapshot.computer(host.computer)
            if account is not None:
                yield host.label, account


def _additional_names(account: Computer) -> Iterator[str]:
    """Full names, and the short forms that the directory derives from them."""
    for name in account.more_names:
        yield name.casefold()
        yield name.casefold().partition(".")[0]
