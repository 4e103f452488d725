"""Lists of moves: what a good one gives, and every problem of a bad one with its place."""

import csv
import io
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delegation.errors import InventoryError
from delegation.migrations import moves
from delegation.migrations.moves.asked import AskedMove, is_readable
from tests.builders import inventory, one_way, two_way

CASES = Path(__file__).parents[1] / "cases" / "moves"
FOUR = inventory(
    *("hv01", "hv02", "hv03", "hv04"),
    meshes=[two_way("production", "hv01", "hv02", "hv03"), one_way("away", ["hv01"], ["hv04"])],
)


def parsed(text: str | bytes, file: str = "moves.yaml") -> tuple[AskedMove, ...]:
    return moves.parse(text.encode() if isinstance(text, str) else text, file, FOUR)


def problems(text: str | bytes, file: str = "moves.yaml") -> list[str]:
    with pytest.raises(InventoryError) as caught:
        parsed(text, file)
    assert caught.value.file == file
    return [str(problem) for problem in caught.value.problems]


def test_a_list_says_which_machine_goes_where() -> None:
    text = r"""
# for the weekend
moves:
  - {vm: web01, source: hv01, target: hv02, storage: 'D:\VMs'}
  - vm: "web 02"
    target: HV03.corp.example
  - {vm: 6b29fc40-ca47-1067-b31d-00dd010662da, target: hv04, storage: '\\sofs01\vms\x\'}
"""
    assert parsed(text) == (
        AskedMove("web01", "hv02", "hv01", "D:\\VMs"),
        AskedMove("web 02", "hv03"),
        AskedMove("6b29fc40-ca47-1067-b31d-00dd010662da", "hv04", None, r"\\sofs01\vms\x"),
    )
    assert [(move.line, move.column) for move in parsed(text)] == [(4, 10), (5, 9), (7, 10)]


def test_an_empty_list_is_one() -> None:
    assert parsed("moves: []") == ()
    assert parsed("vm,target\n", "x.csv") == ()


@pytest.mark.parametrize(
    "text",
    [
        "vm,source,target,storage\nweb01,hv01,hv02,D:\\VMs\nweb02,,hv03,\n",
        "\ufeffVM;Source;Target;Storage\r\nweb01;hv01;hv02;D:\\VMs\r\nweb02;;hv03;\r\n;;;\r\n",
        "sep=;\nvm;source;target;storage\nweb01;hv01;hv02;D:\\VMs\nweb02;;hv03\n",
        "vm\ttarget\tsource\tstorage\nweb01\thv02\thv01\tD:\\VMs\nweb02\thv03\n",
        '"vm", "storage", "target", "source"\n\n"web01","D:\\VMs","hv02", hv01\nweb02,,hv03,\n',
    ],
    ids=["commas", "as Excel saves it", "with Excel's hint", "tabs", "quoted"],
)
def test_a_spreadsheet_says_the_same(text: str) -> None:
    assert parsed(text, "Moves.CSV") == (
        AskedMove("web01", "hv02", "hv01", "D:\\VMs"),
        AskedMove("web02", "hv03"),
    )


@pytest.mark.parametrize("file", ["many_at_once.yaml", "many_at_once.csv"])
def test_every_problem_at_once(file: str) -> None:
    expected = CASES / f"{file}.problems.txt"
    assert problems((CASES / file).read_bytes(), file) == expected.read_text().splitlines()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "1:1: the file is empty; start it with: moves: [{vm: web01, target: hv02}]"),
        ("# nothing\n---\n", "1:1: the file is empty"),
        ("moves: [{vm: a}\n", "2:1: a list [...] is not closed"),
        ("move: []", "1:1: the file lacks 'moves'"),
        ("moves:", "1:7: 'moves' must be a list, not nothing"),
        (b"moves: \xff", "1:8: byte 0xff is not UTF-8 text"),
        ("vm,target", "1:1: a list of moves, unless its file's name ends in .csv, must be a"),
        (b"moves\0", "1:1: a NUL byte: this is not a text file"),
        (b"x" * ((1 << 20) + 1), "1:1: the file is larger than 1 MiB, which no list of moves is"),
        ("&a [*a]", "1:5: alias '*a' contains itself"),
    ],
    ids=["empty", "blank", "unclosed", "key", "null", "latin", "csv", "nul", "large", "self"],
)
def test_a_text_that_is_no_list(text: str | bytes, problem: str) -> None:
    assert any(found.startswith(problem) for found in problems(text)), problems(text)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "1:1: the file is empty; start it with: vm,target"),
        (";;\n", "1:1: the file is empty"),
        ("sep=", "1:1: there is no column 'vm'"),
        ("web01,hv02\n", "1:1: there is no column 'vm'"),
        ('vm,target\n"web"01,hv02\n', "2:1: not a row of CSV"),
        ('vm,target\nweb01,hv02\n"web02,hv02\n', "3:1: not a row of CSV: unexpected end of data"),
        ("vm,target\nweb01,hv01\u202e\n", "2:11: invisible character '\\u202e'"),
        ('vm,target\n"web\n01",hv02\n', "2:1: 'vm' has the invisible character '\\n' in it"),
        (b"\xff\xfev\0m\0", "1:1: the file is UTF-16 text"),
    ],
)
def test_a_text_that_is_no_spreadsheet(text: str | bytes, problem: str) -> None:
    found = problems(text, "moves.csv")
    assert any(one.startswith(problem) for one in found), found


def test_a_missing_column_is_one_problem_and_not_one_a_row() -> None:
    found = problems("vm,destination\nweb01,hv02\nweb02,hv02\n", "moves.csv")
    assert found == [
        "1:1: there is no column 'target'; name the columns in the first row: vm,target",
        "1:4: unknown key 'destination' in a move; known are vm, source, target, storage",
    ]


@pytest.mark.parametrize(
    "folder",
    ["D:", "D:VMs", "VMs", "\\VMs", "\\\\server", "\\\\server\\", "D:\\a|b", "D:\\a\\..\\b",
     "D:\\a\\\\b", "D:\\\\", "D:\\a.", "\\\\?\\D:\\VMs", "C:\\" + "x" * 200, "D:\\a:b"],
)  # fmt: skip
def test_a_folder_that_windows_takes_otherwise_is_refused(folder: str) -> None:
    row = io.StringIO()
    csv.writer(row).writerow(["web01", "hv02", folder])
    [problem] = problems("vm,target,storage\n" + row.getvalue(), "moves.csv")
    assert problem.startswith("2:12: ")


@pytest.mark.parametrize(
    ("folder", "what"),
    [
        ("C:\\VMs\\CON", "Windows keeps the name 'CON' to itself"),
        ("C:\\VMs\\nul.vhdx\\a", "Windows keeps the name 'nul.vhdx' to itself"),
        ("D:\\Lpt1", "Windows keeps the name 'Lpt1' to itself"),
        ("C:\\$VSM$\\x", "lies in the folder that Hyper-V keeps for migrations under way"),
        ("\\\\hv02\\c$\\$vsm$", "lies in the folder that Hyper-V keeps for migrations under way"),
    ],
)
def test_names_that_others_keep_are_refused(folder: str, what: str) -> None:
    [problem] = problems(f"moves: [{{vm: a, target: hv02, storage: '{folder}'}}]")
    assert what in problem


@pytest.mark.parametrize("folder", ["D:\\console", "D:\\com\\x", "D:\\com10", "D:\\my con"])
def test_names_that_are_like_those_are_taken(folder: str) -> None:
    assert parsed(f"moves: [{{vm: a, target: hv02, storage: '{folder}'}}]")[0].storage == folder


def test_what_stands_under_a_duplicate_column_is_no_further_problem() -> None:
    assert problems("vm,target,vm\nweb01,hv02,web2\n", "moves.csv") == [
        "1:11: duplicate column 'vm', first at 1:1; keep one of the two"
    ]


def test_no_problem_of_a_list_talks_of_the_inventory() -> None:
    deep = "moves: " + "[" * 60 + "]" * 60
    bomb = "".join(f"k{n}: &k{n} [{', '.join([f'*k{n - 1}'] * 9)}]\n" for n in range(1, 9))
    for text in (deep, f"k0: &k0 [x]\n{bomb}moves: *k8"):
        [problem] = problems(text)
        assert "inventory" not in problem
        assert "hv[" not in problem


@pytest.mark.parametrize(
    ("folder", "kept"),
    [("D:\\", "D:\\"), ("d:\\VMs\\", "d:\\VMs"), ("\\\\s\\v", "\\\\s\\v"), ("C:\\a b", "C:\\a b")],
)
def test_a_folder_is_kept_without_its_last_separator(folder: str, kept: str) -> None:
    [move] = parsed(f"moves: [{{vm: a, target: hv02, storage: '{folder}'}}]")
    assert move.storage == kept


def test_machines_of_one_name_are_told_apart_by_their_sources() -> None:
    two = parsed(
        "moves: [{vm: a, source: hv01, target: hv03}, {vm: A, source: hv02, target: hv03}]"
    )
    assert [move.source for move in two] == ["hv01", "hv02"]
    assert len(problems(
        "moves: [{vm: a, source: hv01, target: hv03}, {vm: A, source: hv01, target: hv02}]"
    )) == 1  # fmt: skip
    assert len(problems("moves: [{vm: a, target: hv03}, {vm: A, source: hv01, target: hv02}]")) == 1


def test_one_mistake_is_one_problem() -> None:
    """A source that is unknown says nothing of pairs, nor of machines that are moved twice."""
    text = "moves: [{vm: a, source: hv01, target: hv03}, {vm: a, source: hv09, target: hv03}]"
    assert problems(text) == [
        "1:62: unknown host 'hv09'; name a host of the inventory, or declare it there"
    ]


def test_more_moves_than_any_run_is_asked_for() -> None:
    rows = "a,hv02\n" * (moves.MAX_MOVES + 1)
    assert problems(f"vm,target\n{rows}", "moves.csv") == [
        "1:1: more than 20,000 moves; split the list"
    ]


names = st.text(st.characters(), min_size=1, max_size=20).filter(is_readable)
folders = st.none() | st.sampled_from(
    ["D:\\", "D:\\VMs", "\\\\sofs01\\vms", "C:\\x y\\{z}, 'q'", "E:\\a # b"]
)
pairs = st.sampled_from([("hv01", "hv02"), ("hv02", "hv03"), ("hv03", "hv01"), ("hv01", "hv04")])


@st.composite
def lists(draw: st.DrawFn) -> list[AskedMove]:
    found = draw(st.lists(names, max_size=8, unique_by=str.casefold))
    asked = []
    for name in found:
        source, target = draw(pairs)
        storage = draw(folders)
        asked.append(AskedMove(name, target, draw(st.sampled_from([source, None])), storage))
    return asked


@given(lists(), st.text(max_size=50))
def test_what_is_written_is_read_as_it_was(asked: list[AskedMove], remark: str) -> None:
    assert parsed(moves.written(asked, remark)) == tuple(asked)


@given(lists())
def test_what_a_spreadsheet_writes_is_read_as_it_was(asked: Sequence[AskedMove]) -> None:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=";")
    writer.writerow(["vm", "source", "target", "storage"])
    writer.writerows([m.machine, m.source or "", m.target, m.storage or ""] for m in asked)
    assert parsed(text.getvalue(), "moves.csv") == tuple(asked)


@given(st.binary(max_size=80), st.sampled_from(["m.yaml", "m.csv"]))
def test_no_file_is_a_crash(data: bytes, file: str) -> None:
    with suppress(InventoryError):
        moves.parse(data, file, FOUR)


@given(st.text("vmtarge,;\t\"'\n -{}[]:&*h0123\\D", max_size=60), st.sampled_from(["yaml", "csv"]))
def test_no_text_is_a_crash(text: str, kind: str) -> None:
    start = "vm,target\n" if kind == "csv" else "moves:\n"
    with suppress(InventoryError):
        moves.parse((start + text).encode(), f"m.{kind}", FOUR)
