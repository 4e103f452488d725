"""A list of moves, in YAML or CSV: which virtual machine goes to which host.

    moves:
      - {vm: web01, source: hv01, target: hv02, storage: 'D:\\VMs'}
      - {vm: web02, target: hv03}

``source`` may be left out, and is then found by looking; ``storage`` too, and is then the
target's default folder. As CSV the same four words are columns. A file gives its moves, or all
of its problems at once.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from types import MappingProxyType

from delegation.errors import InventoryError, Problem
from delegation.hosts.folders import is_device
from delegation.inventory import Inventory, yaml_tree
from delegation.inventory.fields import Field, Reading
from delegation.inventory.yaml_text import MAX_BYTES, quoted
from delegation.inventory.yaml_tree import Document, Node, Scalar
from delegation.inventory.yaml_writing import comment, scalar
from delegation.migrations.moves import csv_tree
from delegation.migrations.moves.asked import AskedMove
from delegation.migrations.moves.terms import reach
from delegation.migrations.moves.volumes import STAGING

MAX_MOVES = 20_000
"""No run is asked for more."""

KEYS: Mapping[str, str] = MappingProxyType(
    {"vm": "web01", "source": "hv01", "target": "hv02", "storage": "'D:\\VMs'"}
)
"""What a move may say, each with an example; ``vm`` and ``target`` it has to."""
REQUIRED = ("vm", "target")

_FIRST = "moves: [{vm: web01, target: hv02}]"
_DRIVE = re.compile(r"[A-Za-z]:\\")
_SHARE = re.compile(r"\\\\[^\\]+\\[^\\]")
_BAD_PART = re.compile(r'[<>:"/|?*]|[. ]\Z')
_LONGEST = 200
"""Characters of a folder: a disk's path below it still has to fit into Windows' 260."""


def parse(data: bytes, file: str, inventory: Inventory) -> tuple[AskedMove, ...]:
    """The moves in ``data``, the bytes of ``file``, which is CSV where its name says so.

    Raises InventoryError with all problems, in the order of the file, and Refused for a mesh
    beyond all bounds.
    """
    document = _document(data, is_csv=file.casefold().endswith((".csv", ".tsv")))
    reading = Reading(document.problems)
    moves: list[AskedMove] = []
    if document.root is not None:
        judge = _Judge(reading, inventory)
        for item in _items(reading, document.root):
            judge.move(item)
        moves = judge.moves
    problems = reading.problems()
    if problems:
        raise InventoryError(file, problems)
    return tuple(moves)


def written(moves: Iterable[AskedMove], remark: str = "") -> str:
    """A list that ``parse`` reads, and gives these moves; ``remark`` is a comment at its top."""
    lines = [*comment(remark), "moves:"]
    for move in moves:
        said = {
            "vm": move.machine,
            "source": move.source,
            "target": move.target,
            "storage": move.storage,
        }
        words = ", ".join(f"{key}: {_scalar(text)}" for key, text in said.items() if text)
        lines.append(f"  - {{{words}}}")
    if lines[-1] == "moves:":
        lines[-1] = "moves: []"
    return "\n".join(lines)


def _scalar(text: str) -> str:
    """As ``scalar``, but for paths, which nobody wants to read with their backslashes escaped."""
    if "\\" in text and text.isprintable():
        return "'" + text.replace("'", "''") + "'"
    return scalar(text)


def _document(data: bytes, *, is_csv: bool) -> Document:
    if len(data) > MAX_BYTES:
        what = f"the file is larger than {MAX_BYTES >> 20} MiB, which no list of moves is"
        return Document(None, (Problem(1, 1, what, "split it"),))
    if b"\0" in data and data[:2] not in {b"\xff\xfe", b"\xfe\xff"}:
        what = "a NUL byte: this is not a text file"
        return Document(None, (Problem(1, 1, what, "name a list of moves, YAML or CSV"),))
    if is_csv:
        return csv_tree.load(data, "moves", REQUIRED)
    lines = data.removeprefix(b"\xef\xbb\xbf").splitlines()
    if all(not line.strip(b" \t-.") or line.lstrip().startswith(b"#") for line in lines):
        return Document(None, (Problem(1, 1, "the file is empty", f"start it with: {_FIRST}"),))
    return yaml_tree.load(data)


def _items(reading: Reading, root: Node) -> list[Field]:
    """What stands in the list ``moves``, the one key of the file."""
    if not isinstance(root, yaml_tree.Mapping):
        title = "a list of moves, unless its file's name ends in .csv,"
        reading.wrong(Field(title, _FIRST, root), "a mapping")
        return []
    items: list[Field] | None = None
    for key, node in root.entries:
        if key.text == "moves":
            listed = Field("'moves'", _FIRST, node)
            items = items or reading.items(listed, may_be_empty=True)
        else:
            what = f"unknown key {quoted(key.text)} in a list of moves"
            reading.problem(key, what, f"its only key is moves, as in {_FIRST}")
    if items is None:
        if root.complete and all(key.text != "moves" for key, _ in root.entries):
            reading.problem(root, "the file lacks 'moves'", f"add {_FIRST}")
        return []
    if len(items) > MAX_MOVES:
        reading.problem(root, f"more than {MAX_MOVES:,} moves", "split the list")
        return []
    return items


class _Judge:
    """Reads one move after the other, and remembers which machines were named."""

    def __init__(self, reading: Reading, inventory: Inventory) -> None:
        self.moves: list[AskedMove] = []
        self._reading = reading
        self._reach = reach(inventory)
        self._labels = {
            name.casefold(): host.label
            for host in inventory.hosts.values()
            for name in (host.fqdn, host.computer, host.label)
        }
        self._named: dict[str, list[tuple[AskedMove, Node]]] = defaultdict(list)

    def move(self, item: Field) -> None:
        fields = self._fields(item)
        if fields is None:
            return
        machine = self._reading.text(fields.get("vm"))
        source = self._host(fields.get("source"))
        target = self._host(fields.get("target"))
        storage = self._folder(fields.get("storage"))
        if source and target:
            self._pair(source, target, fields["target"].node)
        if machine:
            node = fields["vm"].node
            move = AskedMove(machine, target or "", source, storage, node.line, node.column)
            if source or "source" not in fields:
                self._once(move, node)
            self.moves.append(move)

    def _fields(self, item: Field) -> dict[str, Field] | None:
        node = item.node
        if not isinstance(node, yaml_tree.Mapping):
            self._reading.wrong(Field(item.title, "{vm: web01, target: hv02}", node), "a mapping")
            return None
        found: dict[str, Field] = {}
        guessed: set[str] = set()
        for key, value in node.entries:
            if key.text in KEYS:
                found.setdefault(key.text, Field(repr(key.text), self._example(key.text), value))
            else:
                guessed.add(self._unknown(key))
        for needed in REQUIRED:
            if needed not in found and needed not in guessed and node.complete:
                fix = f"add {self._example(needed)}"
                self._reading.problem(node, f"a move lacks {needed!r}", fix)
        return found

    @staticmethod
    def _example(key: str) -> str:
        return f"{key}: {KEYS[key]}"

    def _unknown(self, key: Scalar) -> str:
        """Reports an unknown key and gives the one that was meant, or nothing."""
        close = get_close_matches(key.text[:40], KEYS, n=1)
        fix = f"did you mean {close[0]!r}?" if close else f"known are {', '.join(KEYS)}"
        self._reading.problem(key, f"unknown key {quoted(key.text)} in a move", fix)
        return close[0] if close else ""

    def _host(self, field: Field | None) -> str | None:
        text = self._reading.text(field)
        if field is None or text is None:
            return None
        label = self._labels.get(text.casefold())
        if label is None and ("[" in text or "," in text):
            what = f"{field.title} is {quoted(text)}, and a move has one"
            self._reading.problem(field.node, what, "name one host; migrate drain chooses targets")
        elif label is None:
            what = f"unknown host {quoted(text)}"
            fix = "name a host of the inventory, or declare it there"
            self._reading.problem(field.node, what, fix)
        return label

    def _folder(self, field: Field | None) -> str | None:
        text = self._reading.text(field)
        if field is None or text is None:
            return None
        is_root = _DRIVE.fullmatch(text) is not None
        parts = text[3 if _DRIVE.match(text) else 2 :].removesuffix("\\").split("\\")
        fix = "write a folder of the target, such as 'D:\\VMs'"
        if not (_DRIVE.match(text) or _SHARE.match(text)):
            what = f"{quoted(text)} is not the full path of a folder"
        elif len(text) > _LONGEST:
            what, fix = f"'storage' is longer than {_LONGEST} characters", "shorten it"
        elif not is_root and any(not part or _BAD_PART.search(part) for part in parts):
            what = f"{quoted(text)} is not a path that Windows takes as it is written"
        elif reserved := next(filter(is_device, parts), None):
            what = f"{quoted(text)}: Windows keeps the name {quoted(reserved)} to itself"
        elif any(part.casefold() == STAGING for part in parts):
            what = f"{quoted(text)} lies in the folder that Hyper-V keeps for migrations under way"
        else:
            return text if is_root else text.removesuffix("\\")
        self._reading.problem(field.node, what, fix)
        return None

    def _pair(self, source: str, target: str, node: Node) -> None:
        if source == target:
            what = f"source and target are both {quoted(source)}"
            self._reading.problem(node, what, "name another target; it is there already")
        elif target not in self._reach[source]:
            what = f"{source} may not migrate to {target}: no mesh has that pair"
            fix = "name another target, or add the pair to the inventory's meshes and apply"
            self._reading.problem(node, what, fix)

    def _once(self, move: AskedMove, node: Node) -> None:
        """Machines of one name are told apart by their sources alone."""
        named = self._named[move.machine.casefold()]
        for other, first in named:
            if move.source is None or other.source in {None, move.source}:
                at = f"{first.line}:{first.column}"
                what = f"{quoted(move.machine)} is moved twice, first at {at}"
                fix = (
                    "keep one; two machines of one name need the source of each, on one host "
                    "their ids"
                )
                self._reading.problem(node, what, fix)
                break
        named.append((move, node))
