"""The world: opens what the capabilities need, from typed arguments."""

from delegation.changes.kinds import Kinds
from delegation.hosts.settings import HOST_SETTINGS
from delegation.mesh.audits import AUDIT
from delegation.mesh.state import DELEGATION
from delegation.migrations.record.recorded import MIGRATE

KINDS = Kinds(changing=(DELEGATION, HOST_SETTINGS), unchanging=(AUDIT, MIGRATE))
"""All kinds of runs that this version knows."""
