"""The journal, the time -> whether the scheduled audit of an inventory has stopped to come.

A timer that was never started again, or a machine that is off, finds nothing and says nothing. So
those say it who use the same state folder; an audit with a state folder of its own is not seen.
"""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta

from delegation.changes.journal import Journal
from delegation.changes.records import Records
from delegation.errors import DelegationError
from delegation.events import Teller
from delegation.mesh.audit_events import BaselineLate

LEAST_GAP = timedelta(hours=1)
"""Two audits within it were made by hand, as on the day on which a unit is installed."""


def tell_late(
    records: Records, now: datetime, teller: Teller, audited_as: str | None = None
) -> None:
    """Say which audits are late, of one inventory or of all in that state folder.

    A journal that can't be read, or may not be trusted, is told by whoever needs it.
    """
    try:
        with records.trusting() as journal:
            late = list(_late(journal, now, audited_as))
    except DelegationError:
        return
    for event in late:
        teller.say(event)


def _late(journal: Journal, now: datetime, audited_as: str | None) -> Iterator[BaselineLate]:
    """Audits that are older than twice the gap between them and the ones before them."""
    if not journal.has("baselines"):
        return
    for (inventory,) in journal.rows("SELECT DISTINCT inventory FROM baselines WHERE declared"):
        if audited_as not in {None, inventory}:
            continue
        started = [
            row["started"]
            for row in journal.rows(
                "SELECT started FROM baselines JOIN runs ON run = id"
                " WHERE inventory = ? AND declared ORDER BY run DESC LIMIT 2",
                inventory,
            )
        ]
        with journal.reading("when audits were made"):
            times = [datetime.fromisoformat(text) for text in started]
            _domain, path, _kind = json.loads(inventory)
        if len(times) < 2:
            continue
        gap = max(times[0] - times[1], LEAST_GAP)
        if now - times[0] > 2 * gap:
            yield BaselineLate(path, started[0], gap)
