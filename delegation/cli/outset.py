"""The world before there is an inventory, for ``init``: told by options and this machine alone."""

import os
import re
import socket
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import date
from pathlib import Path
from urllib.parse import urlsplit

from delegation import wiring
from delegation.cli.options import Options
from delegation.cli.passwords import TerminalPasswords
from delegation.cli.telling import TerminalTeller
from delegation.errors import DirectoryError, UsageError
from delegation.inventory import DirectorySettings
from delegation.mesh.seams import Inspector


class Outset:
    """Implements discovery.Surroundings for an inventory that is to lie in ``folder``."""

    def __init__(self, given: Options, folder: Path) -> None:
        self._given = given
        self._folder = folder

    @contextmanager
    def reading(self, settings: DirectorySettings, domain: str) -> Iterator[Inspector]:
        """What is said about keys of the inventory is said about options: there is none yet."""
        try:
            with self._reading(settings, domain) as inspector:
                yield inspector
        except (DirectoryError, UsageError) as exc:
            details = [_as_options(line) for line in exc.details]
            raise type(exc)(_as_options(exc.what), _as_options(exc.fix), details) from exc

    def _reading(
        self, settings: DirectorySettings, domain: str
    ) -> AbstractContextManager[Inspector]:
        passwords, teller = TerminalPasswords(self._given), TerminalTeller(self._given)
        return wiring.reading(settings, domain, self._given.places, passwords, teller)

    def domains_of_export(self, file: str) -> list[str]:
        return wiring.domains_of_export(file)

    def guessed_domains(self, url: str) -> Iterator[tuple[str, str]]:
        """The last may ask DNS, and is asked only where nothing else has told."""
        yield (urlsplit(url).hostname or "").partition(".")[2], "the server's name"
        yield os.environ.get("USERDNSDOMAIN", ""), "USERDNSDOMAIN"
        yield socket.getfqdn().partition(".")[2], "this machine's name"

    def from_inventory(self, path: str) -> str:
        if Path(path).is_absolute():
            return path
        with suppress(ValueError):  # another drive
            return Path(os.path.relpath(path, self._folder)).as_posix()
        return str(Path(path).absolute())

    def today(self) -> date:
        return wiring.today()


def _as_options(words: str) -> str:
    """A message about keys of the inventory as one about the options that stand for them."""
    words = words.replace("directory.url", "--directory").replace(" in the inventory", "")
    words = words.replace("the inventory's domain", "the domain asked for")
    words = words.replace("domain:", "--domain").replace("dns_servers", "dns_server")
    return _KEY.sub(_as_option, words)


# No other word: an export may be called directory.ldif.
_KEY = re.compile(
    rf"directory\.({'|'.join(DirectorySettings._fields)}|dns_server)\b"
    "(?:: true)?"
)


def _as_option(key: re.Match[str]) -> str:
    return f"--{key[1].replace('_', '-')}"
