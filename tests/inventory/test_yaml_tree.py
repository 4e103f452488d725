"""yaml_tree and yaml_text: positions, kinds of values, bounds, and what is refused."""

import tracemalloc
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import assume, given
from hypothesis import strategies as st

from delegation.errors import UsageError
from delegation.inventory.yaml_text import (
    _BAD_CHARACTER,
    MAX_BYTES,
    MAX_DEPTH,
    hide_ranges,
    quoted,
    read_file,
    show_ranges,
    syntax_problem,
)
from delegation.inventory.yaml_tree import (
    MAX_NODES,
    BrokenNode,
    MappingNode,
    Node,
    NodeTree,
    ScalarKind,
    ScalarNode,
    SequenceNode,
    load,
)

LOADERS = [yaml.SafeLoader, yaml.CSafeLoader]
PIECES = [
    *"ab[]{}:,-#&*!|>'\"%@? \n\t",
    "hv[1-2]",
    "- ",
    ": ",
    "\n  ",
    "é",
    "<<",
    "&a ",
    "*a",
    "---\n",
]
YAMLISH = st.lists(st.sampled_from(PIECES), max_size=40).map("".join)


def root(text: str) -> Node:
    document = load(text.encode())
    assert document.problems == ()
    assert document.root is not None
    return document.root


def only_problem(data: bytes, loader: Any = yaml.CSafeLoader) -> str:
    """Without the tree: shown by a failing assertion, that of an alias bomb has no end."""
    problems = [str(problem) for problem in load(data, loader).problems]
    assert len(problems) == 1
    return problems[0]


def is_readable(text: str) -> bool:
    return load(text.encode()).root is not None


# --- what a text becomes


def test_every_node_knows_where_it_stands() -> None:
    tree = root("a: 1\nb:\n  - é: x\n  - [y]\n")
    assert isinstance(tree, MappingNode)
    (a, one), (b, items) = tree.entries
    assert (a.line, a.column, one.line, one.column) == (1, 1, 1, 4)
    assert (b.line, b.column, items.line, items.column) == (2, 1, 3, 3)
    assert isinstance(items, SequenceNode)
    inner = items.items[0]
    assert isinstance(inner, MappingNode)
    assert inner.entries[0] == (
        ScalarNode(3, 5, "é", ScalarKind.TEXT),
        ScalarNode(3, 8, "x", ScalarKind.TEXT),
    )


@pytest.mark.parametrize(
    ("written", "kind"),
    [
        ("hv01", ScalarKind.TEXT),
        ("30%", ScalarKind.TEXT),
        ("1e3", ScalarKind.TEXT),
        ("10.0.0.53", ScalarKind.TEXT),
        ("no", ScalarKind.BOOLEAN),
        ("On", ScalarKind.BOOLEAN),
        ("010", ScalarKind.INTEGER),
        ("1:30", ScalarKind.INTEGER),
        ("0x1F", ScalarKind.INTEGER),
        ("1.5", ScalarKind.FLOAT),
        (".inf", ScalarKind.FLOAT),
        ("2027-06-30", ScalarKind.DATE),
        ("2027-06-30 10:00:00", ScalarKind.DATE),
        ("~", ScalarKind.NULL),
        ("null", ScalarKind.NULL),
        ("=", ScalarKind.TEXT),
    ],
)
def test_plain_text_is_what_yaml_1_1_takes_it_for(written: str, kind: ScalarKind) -> None:
    assert root(f"[{written}, '{written}', \"{written}\"]") == SequenceNode(
        1,
        1,
        (
            ScalarNode(1, 2, written, kind),
            ScalarNode(1, 4 + len(written), written, ScalarKind.TEXT),
            ScalarNode(1, 8 + 2 * len(written), written, ScalarKind.TEXT),
        ),
    )


def test_a_byte_order_mark_and_windows_line_ends_are_nothing_special() -> None:
    assert load(b"\xef\xbb\xbfa: 1\r\nb: 2\r\n") == load(b"a: 1\nb: 2\n")


def test_an_alias_is_the_node_it_stands_for() -> None:
    tree = root("a: &x [1]\nb: *x\n")
    assert isinstance(tree, MappingNode)
    assert tree.entries[0][1] is tree.entries[1][1]


def test_duplicate_keys_stay_in_the_tree_beside_their_problem() -> None:
    document = load(b"a: 1\nb: 2\na: 3\n")
    assert [str(problem) for problem in document.problems] == [
        "3:1: duplicate key 'a', first at 1:1; keep one of the two"
    ]
    assert isinstance(document.root, MappingNode)
    assert [key.text for key, _ in document.root.entries] == ["a", "b", "a"]
    assert document.root.complete


@pytest.mark.parametrize("text", ["<<: {b: 1}", "? [a]\n: 1", "!!str a: 1"])
def test_a_mapping_says_that_an_entry_was_refused(text: str) -> None:
    document = load(f"x: 1\n{text}\n".encode())
    assert len(document.problems) == 1
    assert isinstance(document.root, MappingNode)
    assert not document.root.complete


@pytest.mark.parametrize("value", ["!!str 1", "!x [1]", "!!python/object:x {}", "! a", "*nobody"])
def test_a_refused_value_leaves_its_place_broken(value: str) -> None:
    document = load(f"- a\n- {value}\n".encode())
    assert len(document.problems) == 1
    assert isinstance(document.root, SequenceNode)
    assert document.root.items[1] == BrokenNode(2, 3)


def test_an_alias_of_itself_is_refused() -> None:
    document = load(b"a: &a [*a, &b {c: *b}]\n")
    assert [str(problem) for problem in document.problems] == [
        "1:8: alias '*a' contains itself; write the value out",
        "1:19: alias '*b' contains itself; write the value out",
    ]


# --- ranges in flow lists


@pytest.mark.parametrize(
    "written", ["hv[01-62]", "hv[01,03, 05]", "r[1-2]hv[01-64]", "hv[1-2]-[3-4]", "hv[x]", "hv[]"]
)
@pytest.mark.parametrize("place", ["[{}]", "{{m: [{}, b]}}", "- {}", "- {}: x", "{}:", "a: {}"])
def test_a_range_needs_no_quotes_anywhere(written: str, place: str) -> None:
    quoted_text = place.format(f"'{written}'")
    assert texts(root(place.format(written))) == texts(root(quoted_text))


def texts(node: Node) -> list[str]:
    if isinstance(node, ScalarNode):
        return [node.text]
    if isinstance(node, SequenceNode):
        return [text for item in node.items for text in texts(item)]
    if isinstance(node, MappingNode):
        return [text for entry in node.entries for half in entry for text in texts(half)]
    return []


@given(YAMLISH)
def test_hiding_ranges_never_changes_what_valid_yaml_means(text: str) -> None:
    try:
        plain = scalars(text)
    except yaml.YAMLError:
        assume(False)
    assert scalars(hide_ranges(text)) == plain


def scalars(text: str) -> list[tuple[str, str, int, int]]:
    events: Any = yaml.parse(text, Loader=yaml.CSafeLoader)
    return [
        (
            type(event).__name__,
            show_ranges(str(getattr(event, "value", ""))),
            event.start_mark.line,
            event.start_mark.column,
        )
        for event in events
    ]


@given(st.text())
def test_hiding_ranges_moves_nothing_and_can_be_undone(text: str) -> None:
    assume(not set(text) & set("\ue000\ue001\ue002"))
    hidden = hide_ranges(text)
    assert len(hidden) == len(text)
    assert show_ranges(hidden) == text


# --- what is no inventory at all


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", "1:1: the file is empty; start it with: domain: corp.example"),
        (b"# nothing\n", "1:1: the file is empty; start it with: domain: corp.example"),
        (b"---\n...\n", "1:1: the file is empty; start it with: domain: corp.example"),
        ("a: é".encode("utf-16"), "1:1: the file is UTF-16 text; save it as UTF-8"),
        ("a: b".encode("utf-16-le"), "1:1: the file is UTF-16 text; save it as UTF-8"),
        ("a: b".encode("utf-16-be"), "1:1: the file is UTF-16 text; save it as UTF-8"),
        ("é: 1\na: é".encode()[:-1], "2:4: byte 0xc3 is not UTF-8 text; save the file as UTF-8"),
        (b"a: 1\r\nb: \xe9", "2:4: byte 0xe9 is not UTF-8 text; save the file as UTF-8"),
        (b"MZ\x90", "1:3: byte 0x90 is not UTF-8 text; save the file as UTF-8"),
        (b"ab\0c", "1:3: a NUL byte: this is not a text file; name the inventory with -i"),
        (b"a: \x1b[2J", "1:4: invisible character '\\x1b'; delete it"),
        ("a: 1\nb: \u202ex".encode(), "2:4: invisible character '\\u202e'; delete it"),
        ("a: 1\u2028b: 2".encode(), "1:5: invisible character '\\u2028'; delete it"),
        ("a: \ue000".encode(), "1:4: invisible character '\\ue000'; delete it"),
        (b"a: 1\n---\nb: 2", "2:1: a second document starts here; keep one document in the file"),
    ],
)
def test_unreadable_text_is_one_problem(data: bytes, expected: str) -> None:
    document = load(data)
    assert document.root is None
    assert only_problem(data) == expected


@pytest.mark.parametrize("loader", LOADERS)
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a:\n\tb: 1", "2:1: a tab where YAML expects spaces"),
        ("a: |\n  x\n\ty: 1", "3:1: a tab where YAML expects spaces"),
        ("a: @b", "1:4: a character that cannot start a value"),
        ("a: */b", "1:5: * or & starts an alias or anchor in YAML"),
        ("a: b: c", "1:5: a ':' where no key can be"),
        ("a: [b", "1:6: a list [...] is not closed, or lacks a comma (it starts at 1:4)"),
        ("a: {b", "1:6: a mapping {...} is not closed, or lacks a comma (it starts at 1:4)"),
        ("a: 'b\nc: d", "1:4: a quoted text is not closed"),
        ("a: - b", "1:4: a list item '-' where none can be"),
        ("a:\n  - b\n c: 1", "3:2: this line does not fit the indentation above"),
        ("a: ]", "1:4: a value was expected here"),
        ("a: b\nc\n", "3:1: a ':' is missing here or on the line before"),
    ],
)
def test_a_syntax_error_is_told_in_plain_words(text: str, expected: str, loader: Any) -> None:
    assert only_problem(text.encode(), loader).partition(";")[0] == expected


def test_an_unknown_escape_is_told_in_plain_words() -> None:
    assert only_problem(b'a: "C:\\delegation"').startswith("1:7: an unknown escape after \\; use ")


def test_a_syntax_error_that_has_no_translation_is_still_one_line() -> None:
    said = only_problem(b"%FOO\n---\na: 1")
    assert said.startswith("1:5: not valid YAML ('found unknown directive name')")


def test_an_error_of_the_parser_without_a_place_is_told_too() -> None:
    problem = syntax_problem(yaml.YAMLError("odd\x1b"), "a: 1").problem
    assert str(problem).startswith("1:1: not valid YAML ('odd\\x1b'); ")


@pytest.mark.parametrize("loader", LOADERS)
def test_a_character_is_either_refused_by_name_or_fine_with_the_parser(loader: Any) -> None:
    everything = "".join(map(chr, (*range(0xD800), *range(0xE000, 0x11000), 0x10FFFF)))
    fine = _BAD_CHARACTER.sub("", everything).replace("'", "''")
    assert load(f"a: '{fine}'".encode(), loader).problems == ()


# --- bounds


@pytest.mark.parametrize("loader", LOADERS)
@pytest.mark.parametrize("opening", ["[", "{a: ", "[\n", "- "])
def test_deep_nesting_is_refused_before_any_recursion(opening: str, loader: Any) -> None:
    said = only_problem((opening * 100_000).encode(), loader)
    assert f"nested deeper than {MAX_DEPTH} levels" in said


def test_the_deepest_nesting_that_is_allowed() -> None:
    assert is_readable("[" * MAX_DEPTH + "]" * MAX_DEPTH)
    assert not is_readable("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1))


def test_an_alias_bomb_is_refused_where_it_goes_off() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 60)]
    said = only_problem("\n".join(lines).encode())
    assert said.startswith(f"6:10: more than {MAX_NODES:,} values")


def test_nodes_are_counted_with_their_aliases_expanded() -> None:
    wide = ", ".join(["*a"] * 198)
    head = f"- &a [{', '.join(['x'] * 999)}]\n- [{wide}]\n- "
    left = MAX_NODES - (1 + 1_000 + 1 + 198_000 + 1)
    assert is_readable(f"{head}[{', '.join(['x'] * left)}]")
    assert not is_readable(f"{head}[{', '.join(['x'] * (left + 1))}]")


def test_the_largest_file_that_is_allowed() -> None:
    text = b"a: 1\n#"
    assert load(text + b"x" * (MAX_BYTES - len(text))).problems == ()
    assert "larger than 1 MiB" in only_problem(text + b"x" * (MAX_BYTES - len(text) + 1))


def test_a_huge_file_is_not_read_into_memory(tmp_path: Path) -> None:
    huge = tmp_path / "huge.yaml"
    with huge.open("wb") as file:
        file.truncate(50_000_000)
    tracemalloc.start()
    try:
        data = read_file(str(huge))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(data) == MAX_BYTES + 1
    assert peak < 4 * MAX_BYTES
    assert "larger than 1 MiB" in only_problem(data)


# --- reading the file


def test_a_file_is_read_whole(tmp_path: Path) -> None:
    file = tmp_path / "inventory.yaml"
    file.write_bytes(b"domain: corp.example\r\n")
    assert read_file(str(file)) == b"domain: corp.example\r\n"


def test_a_file_that_cannot_be_read_is_a_usage_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    wrong = {
        tmp_path / "missing.yaml": "there is no inventory",
        tmp_path / "file" / "below": "cannot be read",
        Path("a\0b"): "cannot be read",
    }
    for path, expected in wrong.items():
        with pytest.raises(UsageError, match=expected) as caught:
            read_file(str(path))
        assert caught.value.exit_code == 2
        assert caught.value.fix
    with pytest.raises(UsageError):
        read_file(str(tmp_path))


# --- laws


@given(st.one_of(st.binary(), YAMLISH.map(str.encode), st.text().map(str.encode)))
def test_no_input_breaks_the_reader_and_problems_lie_inside_the_file(data: bytes) -> None:
    document = load(data)
    assert isinstance(document, NodeTree)
    assert (document.root is None) <= bool(document.problems)
    lines = data.decode(errors="replace").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    for problem in document.problems:
        assert 1 <= problem.line <= len(lines)
        assert 1 <= problem.column <= len(lines[problem.line - 1]) + 1


@given(YAMLISH)
def test_both_parsers_give_the_same_tree(text: str) -> None:
    ours, other = (load(text.encode(), loader) for loader in LOADERS)
    assume(not ours.problems and not other.problems)
    assert ours.root is not None
    assert other.root is not None
    assert texts(ours.root) == texts(other.root)


@given(st.text(max_size=200))
def test_quoted_text_is_short_and_inert(text: str) -> None:
    shown = quoted(text)
    assert shown.isprintable()
    assert len(text) > 60 or eval(shown) == text  # noqa: S307 (it is what repr gave)
