"""README.md, docs/ and the changelog, held against the program that they speak of."""

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
from tests.cli.commands import EVERY, command, parse

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


OPTIONS_OF_OTHERS = {"--unit", "--no-deps", "--no-build-isolation"}
"""Of scripts/test and pip."""


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
