"""WMI's object paths, as a query has them: ``Msvm_X.Name="…",CreationClassName="…"``."""

from __future__ import annotations

import re

from tests.lab.cim.cim_faults import INVALID_OBJECT_PATH, wmi
from tests.lab.cim.classes import CimClass, classes

PATH = re.compile(
    r"(?:\\\\(?P<server>[^\\]+)\\(?P<namespace>[^:]+):)?(?P<name>\w+)(?:\.(?P<keys>.+)|=(?P<only>.+))?",
    re.DOTALL,
)
KEY = re.compile(
    r"""\s*(\w+)\s*=\s*('(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|[+-]?\d+|TRUE|FALSE)\s*(,|$)""",
    re.IGNORECASE,
)


def object_path(path: str, namespace: str) -> tuple[CimClass, dict[str, str]]:
    """Read an object's path; raise CimFault if it is none, or its keys are not the class's."""
    found = PATH.fullmatch(path)
    if found is None:
        raise wmi(INVALID_OBJECT_PATH, path)
    kind = classes().find(namespace, found["name"])
    text = f"{kind.keys[0]}={found['only']}" if found["only"] else found["keys"] or ""
    keys: dict[str, str] = {}
    while text:
        one = KEY.match(text)
        if one is None:
            raise wmi(INVALID_OBJECT_PATH, path)
        keys[one[1]] = unquoted(one[2])
        text = text[one.end() :]
    if {name.casefold() for name in keys} != {name.casefold() for name in kind.keys}:
        raise wmi(INVALID_OBJECT_PATH, path)
    return kind, keys


def unquoted(text: str) -> str:
    """Take a literal's quotes and backslashes away."""
    if text[0] not in "'\"":
        return text
    return re.sub(r"\\(.)|''", lambda one: one[1] or "'", text[1:-1])
