"""The files that hold what is known of domains: found, looked at, read and written.

Whoever may write one decides where a password goes. So it is the person's own, or root's, and
never one that comes with an inventory.
"""

import os
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from delegation.changes import files, state_folder
from delegation.directory.known_domains import KnownDomain
from delegation.errors import UsageError

NAME = Path("delegation", "known-domains")
MAX_BYTES = 1 << 20
READABLE_BY_ALL, FOLDER_OF_ALL = 0o644, 0o755
"""Whatever the umask: it is no secret, and other accounts have to read what root has written."""
PATIENCE = 5.0
"""Seconds to wait for another process that is writing."""


def everybodys() -> Path:
    """The file that root, or an administrator, keeps for all accounts of this machine."""
    if sys.platform == "win32":
        return Path(os.environ.get("PROGRAMDATA") or "C:\\ProgramData") / NAME
    return Path("/etc") / NAME


def own() -> Path | None:
    """The file in the user's own configuration; None for an account without a home."""
    if sys.platform == "win32":
        folder = os.environ.get("APPDATA")
        return Path(folder) / NAME if folder else None
    folder = os.environ.get("XDG_CONFIG_HOME")
    # A relative one is to be ignored (XDG Base Directory Specification); it could be anybody's.
    if folder and Path(folder).is_absolute():
        return Path(folder) / NAME
    try:
        home = Path.home()
    except RuntimeError:
        return None
    # What systemd makes up for a run (DynamicUser=) is at home in /.
    has_home = home.is_absolute() and home != Path(home.anchor)
    return home / ".config" / NAME if has_home else None


class KnownDomainsFile:
    """What is known here; ``given`` is the one file that counts then, else the two usual ones.

    ``inventory``: the file beside and below which no list is taken.
    """

    def __init__(self, given: Path | None, inventory: Path) -> None:
        self._given = given
        self._inventory = inventory
        self._known: Mapping[str, KnownDomain] | None = None

    @property
    def target(self) -> Path | None:
        """Where something new is written; None where there is no such place of this account."""
        if self._given is not None:
            return None if state_folder.is_handed_over(self._given) else self._given
        return own()

    @property
    def is_personal(self) -> bool:
        """Whether what is written counts for this account alone."""
        return self._given is None and self.target is not None

    def known(self, domain: str) -> KnownDomain | None:
        """What all files say together of a domain. Raises UsageError."""
        return self.all().get(domain.casefold())

    def all(self) -> Mapping[str, KnownDomain]:
        """Of every domain. Raises UsageError for a file that somebody else could have changed."""
        from delegation.directory import known_domains_form

        if self._known is None:
            found: dict[str, KnownDomain] = {}
            for path in self._files():
                for domain, known in known_domains_form.parse(_content(path), str(path)).items():
                    found[domain] = known.joined(found.get(domain, KnownDomain()))
            self._known = found
        return self._known

    def besides(self, domain: str) -> Path | None:
        """The other file that says something of a domain, and goes on saying it."""
        from delegation.directory import known_domains_form

        for path in self._files():
            others = path != self.target
            if others and domain.casefold() in known_domains_form.parse(_content(path), str(path)):
                return path
        return None

    def of_target(self, domain: str) -> KnownDomain | None:
        """What the file that would be written says itself of a domain. Raises UsageError."""
        from delegation.directory import known_domains_form

        path = self._writable()
        return known_domains_form.parse(_content(path), str(path)).get(domain.casefold())

    def add(self, domain: str, more: KnownDomain) -> Path:
        """Join this to what is known of a domain; the file that was written. Raises UsageError."""
        return self._write(domain, more, is_joined=True)

    def replace(self, domain: str, known: KnownDomain) -> Path:
        """Put this in the place of what is known of a domain. Raises UsageError."""
        return self._write(domain, known, is_joined=False)

    def _write(self, domain: str, said: KnownDomain, *, is_joined: bool) -> Path:
        from delegation.directory import known_domains_form

        # Of a link, what it leads to: somebody may keep such files elsewhere.
        path, domain = self._writable().resolve(), domain.casefold()
        try:
            _make_readable(path.parent)
            _refuse_of_others(path)
            with _alone(path):
                data = _content(path)
                before = known_domains_form.parse(data, str(path)).get(domain)
                joined = before.joined(said) if is_joined and before else said
                made = known_domains_form.with_entry(data, str(path), domain, joined)
                files.replace(path, made)
                path.chmod(READABLE_BY_ALL)
        except OSError as exc:
            raise UsageError(
                f"{path} can't be written: {exc.strerror or exc}; nothing was sent",
                "let whoever may write it do it, or name another file: --known-domains FILE",
            ) from exc
        self._known = None
        return path

    def _writable(self) -> Path:
        path = self.target
        if path is None:
            raise UsageError(
                "this account has no configuration folder of its own",
                f"name the file: --known-domains {everybodys()}",
            )
        _refuse_with_inventory(path, self._inventory, is_given=self._given is not None)
        return path

    def _files(self) -> Iterator[Path]:
        if self._given is not None:
            _refuse_with_inventory(self._given, self._inventory, is_given=True)
            yield self._given
            return
        mine = own()
        # A unit of systemd with ProtectHome= may not even look at the home of its user.
        if mine is not None and _may_look(mine):
            yield mine
        yield everybodys()


def _refuse_with_inventory(path: Path, inventory: Path, *, is_given: bool) -> None:
    """Raise UsageError for a list that whoever sent the inventory could have sent with it."""
    usual = {own(), everybodys()}
    if not is_given or path in usual or state_folder.is_handed_over(path) or not inventory.exists():
        return
    # A link may have come with the list beside it, and lead to an inventory elsewhere.
    folders = (inventory.resolve().parent, inventory.parent.resolve())
    places = (path.resolve(), path.absolute())
    if any(place.is_relative_to(folder) for place in places for folder in folders):
        raise UsageError(
            f"--known-domains {path} lies in the folder of the inventory, or below it: who sent "
            "the one may have sent the other; nothing was sent",
            "keep it elsewhere, as in your own configuration folder",
        )


def _make_readable(folder: Path) -> None:
    """Raises OSError. A folder that is there keeps the mode that somebody gave it."""
    if not folder.exists():
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(FOLDER_OF_ALL)


def _may_look(path: Path) -> bool:
    try:
        path.exists()
    except PermissionError:
        return False
    return True


def _content(path: Path) -> bytes:
    """The bytes of a file, none where there is no such file. Raises UsageError."""
    try:
        if not path.exists():
            return b""
        if path.is_fifo():  # it would be waited for until somebody writes into it, for ever
            raise UsageError(f"the known domains {path} are a pipe", "name a file")
        if not state_folder.is_handed_over(path):
            _refuse_of_others(path)
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as exc:
        raise UsageError(
            f"the known domains {path} can't be read: {exc.strerror or exc}; nothing was sent",
            "make it a file that this account may read, or name another one: --known-domains FILE",
        ) from exc
    if len(data) > MAX_BYTES:
        raise UsageError(f"{path} is larger than a list of domains", "name another file")
    return data


_HOW = "icacls" if sys.platform == "win32" else "chown; chmod go-w"
"""Not what a state folder is told: others may read this."""


def _refuse_of_others(path: Path) -> None:
    """Raise UsageError where somebody else could have written it. Raises OSError."""
    for place in (path.parent, path):
        doubt = state_folder.distrusted(place)
        if doubt is not None:
            raise UsageError(
                f"{doubt.why}, and it says where passwords may go; nothing was sent",
                f"look at what stands in it; then make {path}, its folder and links to it yours "
                f"or root's alone ({_HOW})",
            )


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """One writer at a time, so that what two add at once is both there afterwards."""
    lock = path.with_name(f".{path.name}.lock")
    end = time.monotonic() + PATIENCE
    while True:
        try:
            files.create(lock, b"")
        except FileExistsError as exc:
            if time.monotonic() < end:
                time.sleep(0.02)
                continue
            raise UsageError(
                f"{lock} says that another process writes {path}",
                "wait for it; if there is none, it died: delete that file",
            ) from exc
        break
    try:
        yield
    finally:
        lock.unlink(missing_ok=True)
