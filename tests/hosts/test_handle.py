"""The handle of a migration, which only its host's own module understands."""

import pytest

from delegation.errors import HostError
from delegation.hosts.machines import MoveOrder
from delegation.hosts.winrm.host import HyperVHost
from tests.migrations.world import machine_id


def test_no_handle_is_given_twice() -> None:
    assert HyperVHost.new_handle() != HyperVHost.new_handle()


def test_a_handle_of_another_kind_is_no_shell_and_nothing_is_sent() -> None:
    """As one that was recorded by a version that speaks to hosts in another way."""
    host = HyperVHost.__new__(HyperVHost)
    order = MoveOrder(machine_id("web01"), "web01", "hv02.corp.example", "")
    with pytest.raises(HostError, match="'job 12' is not a shell"):
        host.reattach("job 12")
    with pytest.raises(HostError, match="'job 12' is not a shell"):
        host.move(order, "job 12")
