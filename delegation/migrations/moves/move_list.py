"""A list of moves, in YAML or CSV -> moves as asked for, or all problems of the file at once.

    moves:
      - {vm: web01, source: hv01, target: hv02, storage: 'D:\\VMs'}
      - {vm: web02, target: hv03}

``source`` may be left out, and is then found by looking; ``storage`` too, and is then the
target's default folder. As CSV the same four words are columns.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from types import MappingProxyType

from delegation.errors import InventoryError, Problem
from delegation.hosts.hosted import is_device
from delegation.inventory import Inventory, yaml_tree
from delegation.inventory.fields import Field, Reading
from delegation.inventory.yaml_text import MAX_BYTES, quoted
from delegation.inventory.yaml_tree import Node, NodeTree, ScalarNode
from delegation.inventory.yaml_writing import comment, scalar
from delegation.migrations.moves import csv_tree
from delegation.migrations.moves.asked import AskedMove
from delegation.migrations.moves.terms import reachable_hosts
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
    document = _load_document(data, is_csv=file.casefold().endswith((".csv", ".tsv")))
    reading = Reading(document.problems)
    moves: list[AskedMove] = []
    if document.root is not None:
        reader = _MoveReader(reading, inventory)
        for item in _listed_items(reading, document.root):
            reader.read_move(item)
        moves = reader.moves
    problems = reading.problems()
    if problems:
        raise InventoryError(file, problems)
    return tuple(moves)


def written(moves: Iterable[AskedMove], remark: str = "") -> str:
    """A list that ``parse`` reads, and gives these moves; ``remark`` is a comment at its top."""
    rows = []
    for move in moves:
        values = (move.machine, move.source, move.target, move.storage)
        given = {key: text for key, text in zip(KEYS, values, strict=True) if text}
        pairs = [f"{key}: {_scalar_or_path(text)}" for key, text in given.items()]
        rows.append(f"  - {{{', '.join(pairs)}}}")
    return "\n".join([*comment(remark), "moves:" if rows else "moves: []", *rows])


def _scalar_or_path(text: str) -> str:
    """As ``scalar``, but for paths, which nobody wants to read with their backslashes escaped."""
    if "\\" in text and text.isprintable():
        return "'" + text.replace("'", "''") + "'"
    return scalar(text)


def _load_document(data: bytes, *, is_csv: bool) -> NodeTree:
    if len(data) > MAX_BYTES:
        what = f"the file is larger than {MAX_BYTES >> 20} MiB, which no list of moves is"
        return NodeTree(None, (Problem(1, 1, what, "split it"),))
    if b"\0" in data and data[:2] not in {b"\xff\xfe", b"\xfe\xff"}:
        what = "a NUL byte: this is not a text file"
        return NodeTree(None, (Problem(1, 1, what, "name a list of moves, YAML or CSV"),))
    if is_csv:
        return csv_tree.load(data, "moves", REQUIRED)
    if _is_blank(data):
        return NodeTree(None, (Problem(1, 1, "the file is empty", f"start it with: {_FIRST}"),))
    return yaml_tree.load(data)


def _is_blank(data: bytes) -> bool:
    """Whether there is nothing but comments, and dashes and dots: the marks of a document."""
    lines = data.removeprefix(b"\xef\xbb\xbf").splitlines()
    return all(line.lstrip().startswith(b"#") or not line.strip(b" \t-.") for line in lines)


def _listed_items(reading: Reading, root: Node) -> list[Field]:
    """What stands in the list ``moves``, the one key of the file."""
    if not isinstance(root, yaml_tree.MappingNode):
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


class _MoveReader:
    """Reads one move after the other, and remembers which machines were named."""

    def __init__(self, reading: Reading, inventory: Inventory) -> None:
        self.moves: list[AskedMove] = []
        self._reading = reading
        self._reach = reachable_hosts(inventory)
        self._labels: dict[str, str] = {}
        for host in inventory.hosts.values():
            for name in (host.fqdn, host.computer, host.label):
                self._labels[name.casefold()] = host.label
        self._named: dict[str, list[tuple[str | None, Node]]] = defaultdict(list)
        """The sources and places of each machine so far, by its name in lower case."""

    def read_move(self, item: Field) -> None:
        fields = self._read_fields(item)
        if fields is None:
            return
        machine = self._reading.text(fields.get("vm"))
        source = self._read_host(fields.get("source"))
        target = self._read_host(fields.get("target"))
        storage = self._read_folder(fields.get("storage"))
        if source and target:
            self._judge_pair(source, target, fields["target"].node)
        if not machine:
            return
        node = fields["vm"].node
        if source or "source" not in fields:
            self._judge_name(machine, source, node)
        if target:
            self.moves.append(AskedMove(machine, target, source, storage, node.line, node.column))

    def _read_fields(self, item: Field) -> dict[str, Field] | None:
        node = item.node
        if not isinstance(node, yaml_tree.MappingNode):
            self._reading.wrong(Field(item.title, "{vm: web01, target: hv02}", node), "a mapping")
            return None
        found: dict[str, Field] = {}
        meant: set[str | None] = set()
        for key, value in node.entries:
            if key.text in KEYS:
                found.setdefault(key.text, Field(repr(key.text), self._example_of(key.text), value))
            else:
                meant.add(self._unknown_key(key))
        for needed in REQUIRED:
            is_missing = needed not in found and needed not in meant
            if is_missing and node.complete:
                fix = f"add {self._example_of(needed)}"
                self._reading.problem(node, f"a move lacks {needed!r}", fix)
        return found

    @staticmethod
    def _example_of(key: str) -> str:
        return f"{key}: {KEYS[key]}"

    def _unknown_key(self, key: ScalarNode) -> str | None:
        """Reports an unknown key and gives the one that was meant; None: nobody can tell."""
        close = get_close_matches(key.text[:40], KEYS, n=1)
        fix = f"did you mean {close[0]!r}?" if close else f"known are {', '.join(KEYS)}"
        self._reading.problem(key, f"unknown key {quoted(key.text)} in a move", fix)
        return close[0] if close else None

    def _read_host(self, field: Field | None) -> str | None:
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

    def _read_folder(self, field: Field | None) -> str | None:
        text = self._reading.text(field)
        if field is None or text is None:
            return None
        fault = _fault_of_folder(text)
        if fault is not None:
            self._reading.problem(field.node, *fault)
            return None
        return text if _DRIVE.fullmatch(text) else text.removesuffix("\\")

    def _judge_pair(self, source: str, target: str, node: Node) -> None:
        if source == target:
            what = f"source and target are both {quoted(source)}"
            self._reading.problem(node, what, "name another target; it is there already")
        elif target not in self._reach[source]:
            what = f"{source} may not migrate to {target}: no mesh has that pair"
            fix = "name another target, or add the pair to the inventory's meshes and apply"
            self._reading.problem(node, what, fix)

    def _judge_name(self, machine: str, source: str | None, node: Node) -> None:
        """Report a machine that is named twice. Those of one name differ by their sources alone."""
        named = self._named[machine.casefold()]
        for other_source, first in named:
            if source is None or other_source in {None, source}:
                at = f"{first.line}:{first.column}"
                what = f"{quoted(machine)} is moved twice, first at {at}"
                fix = (
                    "keep one; two machines of one name need the source of each, on one host "
                    "their ids"
                )
                self._reading.problem(node, what, fix)
                break
        named.append((source, node))


def _fault_of_folder(path: str) -> tuple[str, str] | None:
    """What is wrong with a folder for a machine, and what to do; None: nothing.

    Judged as it is written, since Windows mends such paths in silence: it drops dots and spaces at
    the end of a name, and opens a device where a part is called like one.
    """
    fix = "write a folder of the target, such as 'D:\\VMs'"
    is_on_drive = _DRIVE.match(path) is not None
    if not is_on_drive and not _SHARE.match(path):
        return f"{quoted(path)} is not the full path of a folder", fix
    if len(path) > _LONGEST:
        return f"'storage' is longer than {_LONGEST} characters", "shorten it"
    below = path[3 if is_on_drive else 2 :].removesuffix("\\")
    parts = [] if _DRIVE.fullmatch(path) else below.split("\\")
    if any(not part or _BAD_PART.search(part) for part in parts):
        return f"{quoted(path)} is not a path that Windows takes as it is written", fix
    reserved = next(filter(is_device, parts), None)
    if reserved is not None:
        return f"{quoted(path)}: Windows keeps the name {quoted(reserved)} to itself", fix
    if any(part.casefold() == STAGING for part in parts):
        return f"{quoted(path)} lies in the folder that Hyper-V keeps for migrations under way", fix
    return None
