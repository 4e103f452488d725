"""What a migration is told from others by: on record as text before anything is sent.

Its host numbers a job only when it begins. Until that answer has come, ours is a job of a move of
our machine to our target that was not listed before; so what was listed is part of the handle.
"""

import json
from dataclasses import asdict, dataclass, replace
from typing import Self

from delegation.errors import HostError
from delegation.hosts.cim.cim_jobs import MOVES, CimJob

START_SECONDS = 120.0
"""A handle is good for so long: what is not sent by then is not sent at all."""
SETTLED_SECONDS = START_SECONDS + 60.0 + 60.0
"""After so long a request whose answer was lost is carried out, or never will be.

It was sent within START_SECONDS; a host gives up after OperationTimeout, which is 60 s; and as
much again for what lay in between.
"""

_FORMAT = 1


@dataclass(frozen=True, slots=True)
class MoveHandle:
    """``made`` is in seconds since 1970; ``listed`` are the InstanceIDs of the machine's jobs then.

    ``had_planned``: the target had a planned machine of that id before, which is somebody's.
    ``job`` is the InstanceID of ours, once the host has told it.
    """

    machine: str
    target: str
    made: float
    listed: tuple[str, ...]
    had_planned: bool
    job: str = ""

    def __str__(self) -> str:
        return json.dumps({"format": _FORMAT, **asdict(self)}, separators=(",", ":"))

    @classmethod
    def read(cls, text: str) -> Self | None:
        """None: an older version has recorded it, and what it says means nothing here.

        Raises HostError for one of a later version.
        """
        try:
            told = json.loads(text)
        except ValueError:
            return None
        if not isinstance(told, dict):
            return None
        try:
            if told.pop("format") == _FORMAT:
                return cls(**{**told, "listed": tuple(told["listed"])})
        except (KeyError, TypeError):
            pass
        raise HostError(
            "a migration is on record in a form that this program does not know",
            "go on with the version that has begun it",
        )

    def of_job(self, job: str) -> Self:
        return replace(self, job=job)

    def age(self, clock: float) -> float:
        """Seconds since it was made. A clock that was set back makes it young again."""
        return clock - self.made

    def is_ours(self, job: CimJob) -> bool:
        """Whether a job of the machine is that of this migration."""
        if self.job:
            return job.instance_id.casefold() == self.job.casefold()
        is_new = job.instance_id.casefold() not in {one.casefold() for one in self.listed}
        is_there = job.destination.casefold() == self.target.casefold()
        return is_new and is_there and job.kind in MOVES
