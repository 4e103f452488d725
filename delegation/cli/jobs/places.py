"""Where a scheduled audit finds what it needs, on the machine that will run it."""

import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath, PurePosixPath

from delegation import wiring
from delegation.cli.options import Options
from delegation.errors import UsageError
from delegation.inventory import Inventory

HOMES = ("/home", "/root", "/run/user")
TEMPORARY = ("/tmp", "/var/tmp")  # noqa: S108 - nothing is written there


@dataclass(frozen=True)
class AuditPlaces:
    """Paths as the scheduler's machine writes them; ``program`` is the start of a command line."""

    kind: type[PurePath]
    program: tuple[str, ...]
    inventory: str
    directory: str | None
    """What --directory named; ``offline``: that, or what the inventory names, is an export."""
    offline: bool
    state: str
    """Of the inventory; ``state_named``: of --state."""
    state_named: bool
    password_file: str | None
    known_domains: str
    """The list that says where the password may go: of the machine, unless one is named."""
    keytab: str | None
    others: tuple[str, ...]
    """What else the audit reads."""

    @property
    def foreign(self) -> list[str]:
        """Paths that are none on such a machine: it is another one than this."""
        return [path for path in self._all() if not self.kind(path).is_absolute()]

    def below(self, folders: Sequence[str]) -> list[str]:
        """The paths that lie in one of these folders."""
        return [path for path in self._all() if _is_below(path, folders)]

    def closed(self) -> list[str]:
        """What not every user of this machine may read, with the folder or file that denies it.

        Without the keytab: that reaches the audit as a credential, and is to be closed.
        """
        closed: list[str] = []
        for path in (self.program[0], self.inventory, *self.others):
            denied = _denied(Path(path))
            if denied is not None:
                reason = "" if str(denied) == path else f" (because of {denied})"
                closed.append(f"{path}{reason}")
        return closed

    def _all(self) -> Iterator[str]:
        yield from (self.program[0], self.inventory, *self.others)
        if self.keytab is not None:
            yield self.keytab


def _is_below(path: str, folders: Sequence[str]) -> bool:
    return any(PurePosixPath(path).is_relative_to(folder) for folder in folders)


def places(
    options: Options,
    inventory: Inventory,
    kind: type[PurePath],
    *,
    program: str | None,
    folder: str | None,
) -> AuditPlaces:
    """``folder``: where the inventory lies on that machine; None: it is this one.

    Raises UsageError for a path that is not absolute there: a scheduler starts in a folder of its
    own, so that every path is written in full.
    """
    here = options.inventory.parent.resolve()
    home = kind(folder) if folder is not None else here
    if folder is not None and not home.is_absolute():
        raise UsageError(f"--folder {folder} is not an absolute path there", "write it in full")
    if program is not None and not kind(program).is_absolute():
        raise UsageError(f"--program {program} is not an absolute path there", "write it in full")
    settings = inventory.directory
    url = _directory(options, inventory, home, kind) or ""
    is_export = url.startswith("ldif:")
    state, password_file = options.state, options.password_file
    others: list[str] = []
    if settings.ca_file:
        others.append(_joined(home, settings.ca_file))
    if is_export:
        others.append(url.removeprefix("ldif:"))
    if program is None:
        # Our own program is a script, which is of no use to whoever can't read its interpreter.
        others.append(str(Path(sys.executable).resolve()))
    return AuditPlaces(
        kind,
        program=(program,) if program is not None else _own_program(),
        inventory=str(home / options.inventory.name),
        directory=url if options.directory is not None else None,
        offline=is_export,
        state=_given(state, kind) if state is not None else _joined(home, inventory.state),
        state_named=state is not None,
        password_file=_given(password_file, kind) if password_file is not None else None,
        known_domains=_known_domains(options.known_domains, kind),
        keytab=_joined(home, settings.keytab) if settings.keytab else None,
        others=tuple(others),
    )


def _known_domains(given: Path | None, kind: type[PurePath]) -> str:
    """Root's, or an administrator's: whoever audits unattended has no list of their own."""
    if given is not None:
        return _given(given, kind)
    return "/etc/delegation/known-domains" if kind is PurePosixPath else _OF_WINDOWS


_OF_WINDOWS = "C:\\ProgramData\\delegation\\known-domains"


def _directory(
    options: Options, inventory: Inventory, home: PurePath, kind: type[PurePath]
) -> str | None:
    """The URL of the directory; of an export with its path in full."""
    if options.directory is None:
        url = inventory.directory.url
        if url is None or not url.startswith("ldif:"):
            return url
        return f"ldif:{_joined(home, url.removeprefix('ldif:'))}"
    url = wiring.redirect(inventory.directory, options.directory).url or ""
    if not url.startswith("ldif:"):
        return url
    return f"ldif:{_given(Path(url.removeprefix('ldif:')), kind)}"


def _joined(home: PurePath, path: str) -> str:
    return _tidy(home / path)


def _given(path: Path, kind: type[PurePath]) -> str:
    """A path of the command line: of this machine, or in full of the other one."""
    return str(path) if kind(str(path)).is_absolute() else str(Path(path).resolve())


def _tidy(path: PurePath) -> str:
    """Without ``..``, which systemd does not take."""
    kept: list[str] = []
    for part in path.parts:
        if part == ".." and len(kept) > 1:
            kept.pop()
        else:
            kept.append(part)
    return str(type(path)(*kept))


def _own_program() -> tuple[str, ...]:
    """How this program was started, or would be by its script; else by its interpreter."""
    suffix = ".exe" if sys.platform == "win32" else ""
    for script in (Path(sys.argv[0]), Path(sys.executable).parent / f"delegation{suffix}"):
        if script.stem == "delegation" and script.is_file():
            return (str(script.parent.resolve() / script.name),)
    return (sys.executable, "-m", "delegation")


def _denied(path: Path) -> Path | None:
    """What of ``path`` keeps other users from reading it; None where nothing does."""
    if sys.platform == "win32":
        return None
    try:
        # To reach a file takes x on every folder above it; r on the folder itself is not needed.
        for folder in reversed(path.parents):
            if not folder.stat().st_mode & 0o001:
                return folder
        # A program is run (r and x), everything else is read.
        needed = 0o005 if os.access(path, os.X_OK) else 0o004
        return path if path.stat().st_mode & needed != needed else None
    except OSError:
        return path
