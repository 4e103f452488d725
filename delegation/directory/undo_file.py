"""The undo of a plan as an LDIF change file, written before the first write.

For whoever must go back without this program: ``ldifde -i -f FILE`` or ``ldapmodify -f FILE``.
"""

import os
from pathlib import Path

from delegation.directory.change_file import records
from delegation.errors import JournalError
from delegation.mesh.state import DelegationPlan


def undo_ldif(path: Path, plan: DelegationPlan) -> None:
    """Write the reverse of ``plan`` to ``path``. Raises JournalError."""
    text = records(plan.reversed())
    try:
        path.unlink(missing_ok=True)  # a link planted there must not be followed
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
    except OSError as exc:
        raise JournalError(
            f"the undo file {path} can't be written: {exc.strerror or exc}; nothing was changed",
            "every write needs its undo: make the state folder writable",
        ) from exc
