"""The undo of a plan as an LDIF change file, written before the first write.

For whoever must go back without this program: ``ldifde -i -f FILE`` or ``ldapmodify -f FILE``.
"""

import os
from pathlib import Path

from delegation.directory import entries, ldif
from delegation.errors import JournalError
from delegation.plan import DelegationChange, DelegationPlan, added, removed


def undo_ldif(path: Path, plan: DelegationPlan) -> None:
    """Write the reverse of ``plan`` to ``path``. Raises JournalError."""
    text = "version: 1\n" + "".join(_record(change) for change in plan.reversed().changes)
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


def _record(change: DelegationChange) -> str:
    lines = [f"\n{ldif.line('dn', change.target.dn)}", "changetype: modify"]
    name = entries.ALLOWED_TO_DELEGATE_TO
    for operation, values in (("delete", removed(change)), ("add", added(change))):
        if values:
            lines.append(f"{operation}: {name}")
            lines += [ldif.line(name, value) for value in values]
            lines.append("-")
    if change.before.uac != change.after.uac:
        uac = entries.USER_ACCOUNT_CONTROL
        lines += [f"delete: {uac}", f"{uac}: {change.before.uac}", "-"]
        lines += [f"add: {uac}", f"{uac}: {change.after.uac}", "-"]
    return "\n".join(lines) + "\n"
