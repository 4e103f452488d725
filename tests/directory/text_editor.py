"""An administrator with a text editor: LDIF files made, changed and read without our own code."""

import base64
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from delegation.directory.offline import OfflineDirectory
from delegation.mesh.state import Delegation

DELEGATE = "msDS-AllowedToDelegateTo"


@dataclass(frozen=True)
class Style:
    """How an exporter writes a file."""

    newline: str = "\n"
    codec: str = "utf-8"
    mark: bytes = b""
    changetype: bool = False
    comments: bool = False


LDAPSEARCH = Style(comments=True)
LDAPSEARCH_LLL = Style()
LDIFDE = Style(newline="\r\n", changetype=True)
LDIFDE_U = Style(newline="\r\n", codec="utf-16-le", mark=b"\xff\xfe", changetype=True)
NOTEPAD = Style(newline="\r\n", mark=b"\xef\xbb\xbf")
BIG_ENDIAN = Style(codec="utf-16-be", mark=b"\xfe\xff")


def attribute(name: str, value: str) -> str:
    if value.isascii() and value == value.strip() and value[0] not in ":<":
        return f"{name}: {value}"
    return f"{name}:: {base64.b64encode(value.encode()).decode()}"


def parsed(line: str) -> tuple[str, str]:
    name, _, value = line.partition(":")
    if value.startswith(":"):
        return name, base64.b64decode(value[1:]).decode(errors="replace")
    return name, value.removeprefix(" ")


class FileWorld:
    """An export of corp.example in a file, for the contract of a directory."""

    domain_controller = "DC1"

    def __init__(self, path: Path, style: Style) -> None:
        self.path = path
        self.style = style
        self.writer = OfflineDirectory(path, "corp.example")
        self._records: list[list[str]] = []
        self.save([])
        self.create("DC1", uac=532480, spns=["GC/dc1.corp.example/corp.example"])
        self._edit("DC1", lambda line: line.replace("primaryGroupID: 515", "primaryGroupID: 516"))

    def records(self) -> list[list[str]]:
        text = self.path.read_bytes().removeprefix(self.style.mark).decode(self.style.codec)
        blocks = re.split(r"\n\n+", text.replace("\r\n", "\n").replace("\n ", ""))
        return [block.split("\n") for block in blocks if "sAMAccountName" in block]

    def save(self, records: list[list[str]]) -> None:
        text = "".join("\n".join(record) + "\n\n" for record in records)
        if self.style.comments:
            text = f"# extended LDIF\n#\n\n{text}# search result\nsearch: 2\nresult: 0 Success\n"
        raw = text.replace("\n", self.style.newline).encode(self.style.codec)
        self.path.write_bytes(self.style.mark + raw)

    def create(
        self,
        name: str,
        *,
        values: Sequence[str] = (),
        uac: int = 4096,
        spns: Sequence[str] = (),
        dns_host_name: str | None = None,
    ) -> None:
        dn = f"CN={name},OU=Hyper-V,DC=corp,DC=example"
        record = [
            *([f"# {name}, Hyper-V, corp.example"] if self.style.comments else []),
            f"dn: {dn}",
            *(["changetype: add"] if self.style.changetype else []),
            "objectClass: top",
            "objectClass: computer",
            f"objectGUID:: {base64.b64encode(uuid4().bytes).decode()}",
            f"userAccountControl: {uac}",
            "primaryGroupID: 515",
            f"sAMAccountName: {name}$",
            *([f"dNSHostName: {dns_host_name}"] if dns_host_name else []),
            *(attribute("servicePrincipalName", spn) for spn in spns),
            *(attribute(DELEGATE, value) for value in values),
            "msDS-SupportedEncryptionTypes: 28",
        ]
        self.save([*self.records(), record])

    def delete(self, name: str) -> None:
        account = f"sAMAccountName: {name}$"
        self.save([record for record in self.records() if account not in record])

    def move(self, name: str) -> None:
        self._edit(name, lambda line: line.replace("OU=Hyper-V", "OU=Retired"))

    def add(self, name: str, value: str) -> None:
        last = "msDS-SupportedEncryptionTypes: 28"
        line = attribute(DELEGATE, value)
        self._edit(name, lambda old: f"{line}\n{old}" if old == last else old)

    def remove(self, name: str, value: str) -> None:
        gone = attribute(DELEGATE, value)
        self._edit(name, lambda line: None if line == gone else line)

    def set_uac(self, name: str, uac: int) -> None:
        self._edit(
            name,
            lambda line: f"userAccountControl: {uac}" if "userAccountControl" in line else line,
        )

    def _edit(self, name: str, edit: Callable[[str], str | None]) -> None:
        account = f"sAMAccountName: {name}$"
        self.save(
            [
                [line for old in record if (line := edit(old)) is not None]
                if account in record
                else record
                for record in self.records()
            ]
        )

    def look(self, name: str) -> Delegation:
        (record,) = (r for r in self.records() if f"sAMAccountName: {name}$" in r)
        lines = [parsed(line) for line in record if not line.startswith("#")]
        values = tuple(value for key, value in lines if key == DELEGATE)
        (uac,) = (int(value) for key, value in lines if key == "userAccountControl")
        return Delegation(values, uac)
