"""windows_owners on this machine, before a stand-in for what it asks of Windows.

``python -m tests.changes.windows_stand_in`` prints what it was told, and how it had asked, as JSON.
What the real API says to such questions nobody has seen here: docs/design.md.
"""

import json
import sys
import tempfile
from importlib import import_module
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

from tests.changes.test_file_rights import US, descriptor

OURS, SHARED = "O:USD:P(A;;FA;;;US)", "O:USD:P(A;;FA;;;US)(A;;FA;;;BU)"
FOLDER, JOURNAL, SECRET, BARRED = "folder", "journal", "secret", "barred"
ASKED: list[dict[str, Any]] = []


class APIError(Exception):
    strerror = "Access is denied."


class Handle(int):
    def Close(self) -> None:  # noqa: N802 - as it is called there
        ASKED.append({"closed": int(self)})


def create_file(  # noqa: PLR0917
    name: str, access: int, share: int, attributes: None, how: int, flags: int, template: None
) -> Handle:
    ASKED.append({"open": Path(name).name, "access": access, "flags": flags, "how": how})
    if name.endswith(BARRED):
        raise APIError
    return Handle(7 if name.endswith(FOLDER) else 8)


def security_info(handle: int, kind: int, what: int) -> bytes:
    ASKED.append({"of": handle, "kind": kind, "what": what})
    return descriptor(OURS if handle == 7 else SHARED)


def account_name(system: None, sid: str) -> tuple[str, str, int]:
    if sid == US:
        raise APIError
    return "Users", "BUILTIN", 4


WINDOWS: dict[str, dict[str, Any]] = {
    "msvcrt": {"get_osfhandle": lambda descriptor: 1000 + descriptor},
    "pywintypes": {"error": APIError},
    "win32api": {"GetCurrentProcess": lambda: -1},
    "win32file": {
        "CreateFile": create_file,
        "OPEN_EXISTING": 3,
        "FILE_FLAG_BACKUP_SEMANTICS": 0x2000000,
        "FILE_FLAG_OPEN_REPARSE_POINT": 0x200000,
    },
    "win32security": {
        "OWNER_SECURITY_INFORMATION": 1,
        "DACL_SECURITY_INFORMATION": 4,
        "SE_FILE_OBJECT": 1,
        "TOKEN_QUERY": 8,
        "TokenUser": 1,
        "GetSecurityInfo": security_info,
        "OpenProcessToken": lambda *_: 9,
        "GetTokenInformation": lambda *_: (US, 0),
        "ConvertSidToStringSid": str,
        "ConvertStringSidToSid": str,
        "LookupAccountSid": account_name,
    },
}


class Linked(SimpleNamespace):
    """A path, as far as a link is told by it."""

    def lstat(self) -> SimpleNamespace:
        return SimpleNamespace(st_file_attributes=self.attributes, st_reparse_tag=self.tag)


def main() -> None:
    for name, content in WINDOWS.items():
        module = ModuleType(name)
        for word, meaning in content.items():
            setattr(module, word, meaning)
        sys.modules[name] = module
    sys.platform = "win32"
    owners: Any = import_module("delegation.changes.windows_owners")
    told: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        (place / FOLDER).mkdir()
        for file in (JOURNAL, SECRET, BARRED):
            (place / file).touch()
        told["folder"] = owners.distrusted_there(place / FOLDER)
        told["journal"] = owners.distrusted_there(place / JOURNAL)
        told["link"] = owners.distrusted_link(place / JOURNAL)
        told["barred"] = owners.distrusted_there(place / BARRED)
        with (place / SECRET).open() as opened:
            told["secret"] = owners.shown(opened.fileno(), place / SECRET)
        told["nowhere"] = owners.is_link(place / "nowhere")
    reparse = 0x400
    for kind, tag in {"symlink": 0xA000000C, "junction": 0xA0000003, "cloud": 0x9000001A}.items():
        told[kind] = owners.is_link(Linked(attributes=reparse, tag=tag))
    told["plain"] = owners.is_link(Linked(attributes=0x20, tag=0))
    words = {key: getattr(value, "why", value) for key, value in told.items()}
    sys.stdout.write(json.dumps({"told": words, "asked": ASKED}))


if __name__ == "__main__":
    main()
