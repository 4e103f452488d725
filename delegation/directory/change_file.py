"""A plan -> what other programs carry out: its records in LDIF, and what templates tell of it."""

from base64 import b64encode
from functools import lru_cache
from pathlib import Path
from uuid import uuid5

from delegation import names
from delegation.changes import files
from delegation.changes.run import Run
from delegation.directory import entries, ldif
from delegation.errors import JournalError
from delegation.mesh.export_plan import ChangeFile, ExportedChange
from delegation.mesh.state import DelegationChange, DelegationPlan, added, flags, removed


def records(plan: DelegationPlan) -> str:
    """An LDIF change file (RFC 2849) without comments: one modify an object, in plan order.

    The order is also right for an undo. Programs stop at the first record that is refused; the
    objects in front of it are those that were changed, and the undo of these comes first then.
    """
    return "version: 1\n" + "".join(f"\n{record(change)}\n" for change in plan.changes)


def record(change: DelegationChange) -> str:
    """One modify: values deleted and added, userAccountControl by its exact old number.

    A directory makes all of it or nothing (RFC 4511 4.6): it refuses a value to delete that is
    not there with 16, and one to add that is there with 20. Lines are not folded; there is no
    line ending after the last.
    """
    lines = [_line("dn", change.target.dn), "changetype: modify"]
    name = entries.ALLOWED_TO_DELEGATE_TO
    for operation, values in (("delete", removed(change)), ("add", added(change))):
        if values:
            lines.append(f"{operation}: {name}")
            lines += [_line(name, value) for value in values]
            lines.append("-")
    if change.before.uac != change.after.uac:
        uac = entries.USER_ACCOUNT_CONTROL
        lines += [f"delete: {uac}", f"{uac}: {change.before.uac}", "-"]
        lines += [f"add: {uac}", f"{uac}: {change.after.uac}", "-"]
    return "\n".join(lines)


@lru_cache(maxsize=65_536)  # in a mesh each value stands on every peer
def _line(attribute: str, text: str) -> str:
    """In base64 also where the grammar does without, but a terminal would obey what it shows."""
    if text.isprintable():
        return ldif.line(attribute, text)
    return f"{attribute}:: {b64encode(text.encode()).decode()}"


def write_undo(path: Path, plan: DelegationPlan, run: Run | None = None) -> None:
    """Write the reverse of ``plan`` to a new file, before its first write. Raises JournalError.

    For whoever must go back without this program: ``ldifde -i -f FILE`` or ``ldapmodify -f FILE``,
    as its comments say where ``run`` is given. It is on the disk, with its name, when this returns;
    what is there already is never replaced.
    """
    text = records(plan.reversed())
    if run is not None:
        text = text.replace("version: 1\n", f"version: 1\n{_header(run, path.name)}", 1)
    try:
        files.create(path, text.encode(), files.OWNERS_ALONE)
        files.sync_folder(path.parent)
    except OSError as exc:
        raise JournalError(
            f"the undo file {path} can't be written: {exc.strerror or exc}; nothing was changed",
            "every write needs its undo: make the state folder writable",
        ) from exc


def _header(run: Run, name: str) -> str:
    """What of which run it is, and how it is imported, as comments (RFC 2849: lines with #)."""
    is_export = run.directory.startswith("ldif:")
    dc = "DC" if is_export else run.dc
    of = f" of {run.reverses}" if run.reverses else ""
    lines = [
        f"The undo of run {run.id} ({run.kind}{of}), value by value.",
        "",
        f"  made      {run.started} by {run.who} on {run.machine}",
        f"  domain    {run.domain}, {run.directory if is_export else run.dc}",
        *([f"  ticket    {run.ticket}"] if run.ticket else []),
        "",
        *_HOW.format(run=run.id, dc=dc, domain=run.domain, file=name).splitlines(),
    ]
    return "".join(f"# {_commented(line)}".rstrip() + "\n" for line in lines)


_HOW = """\
For whoever has to do without the program: delegation rollback {run} does the same, looks at every
object first, and records it. To import this, with write access to both attributes and
SeEnableDelegationPrivilege, on that one domain controller and once:

  ldapmodify -x -H ldaps://{dc} -D ACCOUNT@{domain} -W -f {file}
  ldifde -i -s {dc} -f {file} -j .

Never ldifde -k: it passes over results 16 (a value to remove is not there) and 20 (a value to add
is there already), which say that an object is no longer as the run left it. Where one is refused,
nothing of that object is changed, and the import stops: the records before it are done.

The journal knows nothing of an import. Afterwards delegation rollback {run} finds all of it as
before, and puts that on record. Unverified on Windows: that ldifde reads this file.
"""


def _commented(text: str) -> str:
    """On one line and in ASCII, whatever somebody has typed as a ticket."""
    characters = [
        one if one.isascii() and one.isprintable() else one.encode("unicode_escape").decode()
        for one in text
    ]
    return "".join(characters)


def change_file(plan: DelegationPlan) -> ChangeFile:
    """The changes of a plan as other programs make them."""
    changes = tuple(_exported(change) for change in plan.changes)
    return ChangeFile(changes, sum(bool(flags(change)) for change in plan.changes))


def _exported(change: DelegationChange) -> ExportedChange:
    plus, minus = added(change), removed(change)
    bits = [f"{name} {'on' if after else 'off'}" for name, (_, after) in flags(change).items()]
    counts = f"{len(plus)} values to add, {len(minus)} to remove"
    return ExportedChange(
        computer=change.target.name,
        dn=change.target.dn,
        identity=_identity(change),
        keep=tuple(value for value in change.before.values if value not in set(minus)),
        remove=tuple(minus),
        add=tuple(plus),
        uac=(change.before.uac, change.after.uac),
        words=", ".join([counts, *bits]).replace("_", " "),
        ldif=record(change),
    )


def _identity(change: DelegationChange) -> str:
    """objectGUID; the distinguished name of an object that was exported without (ldifde -m)."""
    made_up = uuid5(entries.WITHOUT_GUID, names.dn_key(change.target.dn))
    return change.target.dn if change.target.guid == made_up else str(change.target.guid)
