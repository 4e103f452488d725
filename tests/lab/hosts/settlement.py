"""Whose is the machine, after one of two hosts died in the middle of a migration?

| at the source | found after a restart | what it does |
|---|---|---|
| QUEUED, COPYING | the machine is still its own | forgets the migration |
| HANDING_OVER | the target may own the machine | asks the target, until it answers |

| at the target | |
|---|---|
| incoming | it never said that it took the machine over: it removes share, files, reservation |
| arrived | the machine is its own |

A target that is asked about a migration undoes it if it has not arrived, and so cannot take it
over later: whatever it answers stays true. No two hosts can own one machine.
"""

from __future__ import annotations

import logging
import shutil
import time

from tests.lab.hosts import arrivals, channel, smbd
from tests.lab.hosts.channel import Lost
from tests.lab.hosts.failures import Reason
from tests.lab.hosts.host import Host
from tests.lab.hosts.state import Phase
from tests.lab.hosts.tickets import NoTicket
from tests.lab.hosts.volume import STAGING

log = logging.getLogger(__name__)

PATIENCE = 5.0
TICK = 0.2


def at_start(host: Host) -> None:
    """Settle all that a dead process left; what needs a target that is away stays open."""
    for coming in host.state.incoming:
        arrivals.undone(host, coming.id)
    with host.store.change() as state:
        state.outgoing = [one for one in state.outgoing if one.phase is Phase.HANDING_OVER]
    for share in smbd.shares(host):
        smbd.remove_share(host, share)
    shutil.rmtree(host.volume.file(STAGING), ignore_errors=True)
    ask_all(host)


def ask_all(host: Host) -> None:
    """Ask once about each migration that only its target can end, unless a thread is at it."""
    for one in host.state.outgoing:
        if one.phase is Phase.HANDING_OVER and one.id not in host.handing_over:
            settled(host, one.id)


def settled_within(host: Host, move_id: str, seconds: float) -> bool:
    """Ask until the target answers, or time is over; tell whether it did."""
    deadline = time.monotonic() + seconds
    while not settled(host, move_id):
        if time.monotonic() > deadline:
            return False
        time.sleep(TICK)
    return True


def settled(host: Host, move_id: str) -> bool:
    """Ask the target, as this host and not as a user, whether the machine is its own now."""
    here = host.state.migration(move_id)
    if here is None:
        return True
    try:
        arrived = outcome(host, here.target, move_id)
    except (Lost, NoTicket, Reason) as why:
        log.info("%s does not say whether %s arrived: %s", here.target, move_id, why)
        return False
    if arrived:
        gone(host, move_id)
    else:
        came_back(host, move_id)
    return True


def outcome(host: Host, target: str, move_id: str) -> bool:
    """Ask a target; raises Lost, NoTicket or Reason where there is no answer."""
    connection = channel.connect(host.address, host.lab.host_address(target))
    try:
        asked = channel.authenticate(connection, host.delegation.as_itself(target))
        return bool(asked.ask({"ask": "outcome", "id": move_id})["arrived"])
    finally:
        connection.close()


def gone(host: Host, move_id: str) -> None:
    """The target has the machine: remove it here, files first, since they are named there."""
    here = host.state.migration(move_id)
    if here and here.machine:
        others = {file for one in host.state.machines for file in one.files}
        # A parent may be another machine's too.
        host.volume.remove([file for file in here.machine.files if file not in others])
    with host.store.change() as state:
        state.outgoing = [one for one in state.outgoing if one.id != move_id]


def came_back(host: Host, move_id: str) -> None:
    """The target does not have the machine, and will not: it is this host's again."""
    with host.store.change() as state:
        here = state.migration(move_id)
        if here:
            state.outgoing.remove(here)
            if here.machine:
                state.machines.append(here.machine)
