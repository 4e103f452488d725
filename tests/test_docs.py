"""README.md, docs/ and the changelog, held against the program that they speak of."""

import os
import re
import shlex
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import click
import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

from delegation import __version__, cli
from delegation.cli import options
from delegation.mesh import checks
from tests.architecture import MODULES
from tests.cli.commands import EVERY, command, parse
from tests.test_architecture import FLOOR

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
NAMES = [str(page.relative_to(ROOT)) for page in PAGES]
README = ROOT / "README.md"

pages = pytest.mark.parametrize("page", PAGES, ids=NAMES)


def tokens(page: Path) -> list[Token]:
    return MarkdownIt("gfm-like").disable("linkify").parse(page.read_text(encoding="utf-8"))


def every_token(page: Path) -> Iterator[Token]:
    for token in tokens(page):
        yield token
        yield from token.children or []


# Commands


def commands(page: Path) -> Iterator[tuple[int, str]]:
    """The command lines of ``delegation`` in console blocks, each with its line in the file."""
    for token in tokens(page):
        if token.type != "fence" or token.info.split()[:1] not in (["console"], ["shell"], ["sh"]):
            continue
        first = (token.map or [0])[0] + 2
        shown = token.content.replace("\\\n", "  ").splitlines()
        prompt = "$ " if any(line.startswith("$ ") for line in shown) else ""
        for offset, line in enumerate(shown):
            if line.startswith(f"{prompt}delegation "):  # all else is its output
                yield first + offset, line.removeprefix(prompt)


COMMANDS = [
    pytest.param(line, id=f"{name}:{number}")
    for page, name in zip(PAGES, NAMES, strict=True)
    for number, line in commands(page)
]


def words(line: str) -> list[str]:
    """What the program is given: up to a comment, a pipe, a redirection or a second command."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars="|&;<>")
    lexer.whitespace_split = True
    lexer.commenters = "#"
    found = []
    for word in lexer:
        if set(word) <= set("|&;<>"):
            break
        found.append(word)
    return found[1:]


@pytest.mark.parametrize("line", COMMANDS)
def test_commands_exist_with_their_options(line: str) -> None:
    parse(words(line))


def test_unknown_commands_and_options_would_be_seen() -> None:
    assert words("delegation -i 'my file' plan | tee x  # look") == ["-i", "my file", "plan"]
    assert words("delegation --limit hv[01-02] plan > out") == ["--limit", "hv[01-02]", "plan"]
    parse(["-i", "x.yaml", "apply", "plan.json", "--yes"])
    for bad in (["plon"], ["plan", "--limt", "x"], ["--inventroy", "x", "plan"], ["demo", "x"]):
        with pytest.raises(click.UsageError):
            parse(bad)


def test_the_readme_shows_how_it_is_used() -> None:
    shown = {word for _, line in commands(README) for word in words(line)}
    assert {"plan", "apply", "rollback", "audit", "history"} <= shown


def test_every_command_is_mentioned() -> None:
    text = "".join(
        page.read_text(encoding="utf-8") for page in PAGES if page != ROOT / "CHANGELOG.md"
    )
    assert [name for name in cli.SUMMARIES if not re.search(rf"\b{name}\b", text)] == []


@pages
def test_options_in_the_text_exist(page: Path) -> None:
    """``--limit`` and the like, where code in the text speaks of this program."""
    known = {
        option
        for one in [cli.cli, *map(command, EVERY)]
        for parameter in one.params
        for option in parameter.opts
    } | {"--help", "-h"}
    unknown = {
        option
        for token in every_token(page)
        if token.type == "code_inline" and token.content.startswith(("delegation ", "--"))
        for option in re.findall(r"(?<![\w-])--[a-z][a-z-]*", token.content)
        if option not in known
    }
    assert unknown - OPTIONS_OF_OTHERS == set()


OPTIONS_OF_OTHERS = {"--unit", "--full", "--write", "--lab", "--no-deps", "--no-build-isolation"}
"""Of scripts/test, tests.recordings and pip."""


def test_exit_codes_are_documented() -> None:
    text = README.read_text(encoding="utf-8")
    assert re.search(r"exit code", text, re.IGNORECASE)
    for code in (0, 1, 2, 3, 4, 130):
        assert re.search(rf"\b{code}\b", text), code


@pages
def test_environment_variables_exist(page: Path) -> None:
    variables = set(re.findall(r"\bDELEGATION_[A-Z_]+\b", page.read_text(encoding="utf-8")))
    known = {
        "DELEGATION_" + name[2:].upper().replace("-", "_")
        for names, _ in (*options._COMMON, *options._HOSTS)
        for name in names
        if name.startswith("--")
    }
    assert variables - known - {"DELEGATION_PASSWORD", "DELEGATION_HOSTS_PASSWORD"} == set()


# Links


def links(page: Path) -> Iterator[str]:
    for token in every_token(page):
        target = token.attrs.get("href") or token.attrs.get("src")
        if target:
            yield str(target)


@pages
def test_relative_links_resolve(page: Path) -> None:
    broken = []
    for link in links(page):
        path, _, anchor = link.partition("#")
        if re.match(r"[a-z]+:", path):
            continue
        target = (page.parent / path) if path else page
        found = target.exists() and (
            not anchor or target.suffix != ".md" or anchor in anchors(target)
        )
        if not found:
            broken.append(link)
    assert broken == []


def anchors(page: Path) -> set[str]:
    """The ids that GitHub gives to headings."""
    found: set[str] = set()
    listed = tokens(page)
    for token, inside in pairwise(listed):
        if token.type == "heading_open":
            text = "".join(child.content for child in inside.children or [])
            slug = re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")
            number = 1
            unique = slug
            while unique in found:
                unique = f"{slug}-{number}"
                number += 1
            found.add(unique)
    return found


@pages
def test_web_links_are_https(page: Path) -> None:
    assert [link for link in links(page) if link.startswith("http:")] == []


@pages
def test_files_that_code_names_exist(page: Path) -> None:
    """``scripts/test`` and the like, in the text."""
    named = {
        match[1]
        for token in every_token(page)
        if token.type in {"code_inline", "fence"}
        for match in re.finditer(
            r"(?:^|[\s`])(?:\./)?((?:scripts|docs|templates|tests)/[\w./-]*\w)", token.content
        )
    }
    assert [name for name in sorted(named) if not (ROOT / name).exists()] == []


# For the next person


CONTRIBUTING = ROOT / "CONTRIBUTING.md"
DECISIONS = ROOT / "docs" / "decisions"
FOR_THE_NEXT = [
    page
    for page in PAGES
    if page in {CONTRIBUTING, ROOT / "SECURITY.md", ROOT / "docs" / "README.md"}
    or page.parent == DECISIONS
]
"""Pages that speak of the code itself."""

NUMBERED = sorted(DECISIONS.glob("[0-9]*.md"))

for_the_next = pytest.mark.parametrize(
    "page", FOR_THE_NEXT, ids=[str(page.relative_to(ROOT)) for page in FOR_THE_NEXT]
)


def in_code(page: Path) -> Iterator[str]:
    """What stands in code in the text or in a block, a line each."""
    for token in every_token(page):
        if token.type in {"code_inline", "fence"}:
            yield from token.content.splitlines()


@for_the_next
def test_files_of_the_project_that_are_named_exist(page: Path) -> None:
    """From the top of the project, or else anywhere in ``delegation``."""
    words = {word for line in in_code(page) for word in line.split() if "NAME" not in word}
    top = {path.name for path in ROOT.iterdir()}
    whole = {word for word in words if word.removeprefix("./").partition("/")[0] in top}
    missing = {word for word in whole if not (ROOT / word).exists()}
    a_file = re.compile(r"[\w/]+\.py|[a-z]+/[\w/]*")
    for word in filter(a_file.fullmatch, words - whole):
        if not any((ROOT / "delegation").rglob(word.rstrip("/"))):
            missing.add(word)
    assert missing == set()


@for_the_next
def test_names_of_code_that_are_named_exist(page: Path) -> None:
    """Classes, functions and constants; also those that moved to another module."""
    sources = [*(ROOT / "delegation").rglob("*.py"), *(ROOT / "tests").rglob("*.py")]
    known = set(re.findall(r"\w+", "\n".join(path.read_text("utf-8") for path in sources)))
    codes = [token.content for token in every_token(page) if token.type == "code_inline"]
    dotted = re.compile(r"(?:\w+\.)*([A-Za-z_]\w{3,})(?:\(\))?")
    named = {match[1] for code in codes if (match := dotted.fullmatch(code))}
    own = {path.name.partition(".")[0] for path in ROOT.iterdir()}
    assert named - known - own - WORDS_OF_OTHERS == set()


WORDS_OF_OTHERS = {"ldifde", "ldapmodify"}
"""Programs of others."""


@for_the_next
def test_scripts_and_modules_that_are_typed_exist_with_their_options(page: Path) -> None:
    for line in in_code(page):
        script = re.search(r"(?:^|\s)\./(scripts/[\w-]+)", line)
        module = re.search(r"python -m (tests[\w.]*)", line)
        if script:
            typed, source = line[script.end() :], ROOT / script[1]
            assert os.access(source, os.X_OK), line
        elif module:
            typed, folder = line[module.end() :], ROOT / module[1].replace(".", "/")
            source = folder / "__main__.py"
        else:
            continue
        text = source.read_text(encoding="utf-8") + _LAB.read_text(encoding="utf-8")
        options = re.findall(r"(?<!\S)--[a-z-]+", typed)
        assert [option for option in options if option not in text] == [], line


_LAB = ROOT / "tests" / "lab" / "__main__.py"
"""To which ``scripts/lab`` hands what it is given."""


def test_stories_that_are_typed_are_recorded() -> None:
    from tests.recordings.recording import STORIES

    typed = [line for line in in_code(CONTRIBUTING) if "python -m tests.recordings" in line]
    assert typed
    for line in typed:
        words = line.partition("tests.recordings")[2].split()
        assert {word for word in words if not word.startswith("--")} <= STORIES.keys()


def test_the_rooms_stand_on_their_floors() -> None:
    drawn = {}
    for line in CONTRIBUTING.read_text(encoding="utf-8").splitlines():
        if row := re.match(r"\| (\d) \| `(\w+)` \|", line):
            drawn[row[2]] = int(row[1]) - 1
    entries = {path.stem for path in (ROOT / "delegation").iterdir()}
    assert drawn == {room: floor for room, floor in FLOOR.items() if room != "__main__"}
    assert drawn.keys() <= entries


def test_the_map_of_rooms_has_the_arrows_of_the_code() -> None:
    """The rows above the floors that all may use: floor, room, and every room that it imports."""
    drawn: dict[str, tuple[int, set[str]]] = {}
    for line in (ROOT / "docs/design.md").read_text(encoding="utf-8").splitlines():
        if row := re.fullmatch(r"  ([3-9])    (\w+)(.*)", line):
            drawn[row[2]] = (int(row[1]), set(re.findall(r"\w+", row[3])))
    rooms = {room for room, floor in FLOOR.items() if floor >= FLOOR["inventory"]} - {"__main__"}
    found: dict[str, tuple[int, set[str]]] = {room: (FLOOR[room] + 1, set()) for room in rooms}
    for module in MODULES.values():
        if module.room in rooms:
            imported = {name.partition(".")[0] for name in module.own}
            found[module.room][1].update(imported & rooms - {module.room})
    assert drawn == found


def test_decisions_are_numbered_and_listed() -> None:
    assert [page.name[:4] for page in NUMBERED] == [f"{n + 1:04}" for n in range(len(NUMBERED))]
    index = DECISIONS / "README.md"
    listed = [link for link in links(index) if link[:1].isdigit()]
    assert listed == [page.name for page in NUMBERED]
    text = index.read_text(encoding="utf-8")
    for page in NUMBERED:
        title = page.read_text(encoding="utf-8").splitlines()[0].partition(": ")[2]
        assert f"]({page.name}) | {title} |" in text


@pytest.mark.parametrize("page", NUMBERED, ids=lambda page: page.stem)
def test_a_decision_is_one_short_page(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert text.startswith(f"# {page.name[:4]}: ")
    parts = ["Context", "Decision", "Consequences", "Status"]
    assert re.findall(r"^\*\*(\w+)\.\*\* ", text, re.MULTILINE) == parts
    assert 10 <= len([line for line in text.splitlines() if line]) <= 20


def test_every_page_is_in_the_index() -> None:
    index = ROOT / "docs" / "README.md"
    listed = {(index.parent / link.partition("#")[0]).resolve() for link in links(index)}
    assert set(PAGES) - {index} - set(NUMBERED) - listed == set()


# Rules and versions


def rule_table() -> dict[str, list[str]]:
    """The cells of the table in docs/rules.md by the rule's id, as plain text."""
    found: dict[str, list[str]] = {}
    for token, inside in pairwise(tokens(ROOT / "docs" / "rules.md")):
        if token.type == "tr_open":
            row: list[str] = []
        elif token.type == "td_open":
            row.append("".join(child.content for child in inside.children or []))
        elif inside.type == "tr_close" and row:
            found[row[0]] = row
    return found


def test_every_rule_is_documented_and_no_other() -> None:
    ours = {rule.id for rule in checks.RULES}
    assert rule_table().keys() == ours
    for page in PAGES:
        named = set(re.findall(r"\bKCD\d{3}\b", page.read_text(encoding="utf-8")))
        assert named <= ours, page


@pytest.mark.parametrize("rule", checks.RULES, ids=lambda rule: rule.id)
def test_rules_are_documented_as_they_are(rule: checks.Rule) -> None:
    _, severity, drift, finding, fix, reference = rule_table()[rule.id]
    assert severity.partition(",")[0] == str(rule.severity)
    assert drift == ("yes" if rule.drift else "no")
    assert finding.startswith(rule.title)
    assert fix.startswith(rule.fix)
    assert reference == rule.reference


def test_the_changelog_tells_of_this_version() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    versions = re.findall(r"^## \[(.+?)\](?: - (\d{4}-\d{2}-\d{2}))?$", text, re.MULTILINE)
    assert __version__ in [version for version, _ in versions]
    assert all(day for version, day in versions if version != "Unreleased")
    released = [
        tuple(int(part) for part in version.split("."))
        for version, _ in versions
        if version != "Unreleased"
    ]
    assert released == sorted(released, reverse=True)


def test_the_changelog_has_the_sections_of_keep_a_changelog() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    sections = set(re.findall(r"^### (.+)$", text, re.MULTILINE))
    assert sections <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
