"""What is written into a job's file comes out of it again as it was, or is refused."""

import re
import subprocess
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from delegation import names
from delegation.cli.jobs import escaping
from delegation.errors import UsageError

HOSTILE = (
    "/srv/two words/inventory.yaml",
    "/srv/100%n/%%/%",
    "/srv/$HOME/${STATE_DIRECTORY}/$(reboot)/`reboot`",
    '/srv/it\'s/"quoted"/a\'b"c',
    "/srv/a;b|c&d>e<f#g*h?i[j]k{l}~m!n",
    "/srv/:colon:/a=b,c",
    "/srv/caf\u00e9/\u5317\u4eac",
    "-o",
    "--as=x",
    ";",
    "",
)
INVISIBLE = ("a\nb", "a\rb", "a\0b", "a\x1b[31m", "\u202egpj", "a\u2028b", "\ud800", "\x7f")

hostile = pytest.mark.parametrize("text", HOSTILE)
words = st.lists(
    st.text(st.sampled_from("ab /\\\"'%$;:{}()~\u00e9"), max_size=12), min_size=1, max_size=4
)


def systemd_words(line: str) -> list[str]:
    """As systemd.service and systemd.syntax tell: words, quotes, escapes, specifiers, variables."""
    found: list[str] = []
    for match in re.finditer(r'"((?:[^"\\]|\\.)*)"|(\S+)', line):
        word = re.sub(r"\\(.)", r"\1", match[1]) if match[1] is not None else match[2]
        assert "'" not in (match[2] or ""), "a quote that is not quoted"
        assert "\\" not in (match[2] or "")
        word = _once(word, "%")
        found.append(word)
    return found


def _once(text: str, mark: str) -> str:
    assert mark not in text.replace(mark * 2, ""), f"{text!r} would be replaced"
    return text.replace(mark * 2, mark)


def windows_words(line: str) -> list[str]:
    """As CommandLineToArgvW and the C runtime take a line apart."""
    found: list[str] = []
    at = 0
    while at < len(line):
        while at < len(line) and line[at] in " \t":
            at += 1
        if at == len(line):
            break
        word, quoted = "", False
        while at < len(line) and (quoted or line[at] not in " \t"):
            count = 0
            while at < len(line) and line[at] == "\\":
                count, at = count + 1, at + 1
            if at < len(line) and line[at] == '"':
                word += "\\" * (count // 2)
                if count % 2:
                    word += '"'
                else:
                    quoted = not quoted
                at += 1
                continue
            word += "\\" * count
            if at < len(line) and (quoted or line[at] not in " \t"):
                word, at = word + line[at], at + 1
        found.append(word)
    return found


def shell_words(command: str) -> list[str]:
    """What a shell makes of a crontab's command, behind cron."""
    assert "%" not in command.replace("\\%", ""), "cron would end the command there"
    done = subprocess.run(
        ["sh", "-c", f"printf '%s\\0' {command.replace(chr(92) + '%', '%')}"],
        capture_output=True,
        check=True,
    )
    return done.stdout.decode().split("\0")[:-1]


@hostile
def test_systemd_gets_the_words(text: str) -> None:
    line = escaping.systemd_arguments(["--inventory", text, "audit"])
    assert [_once(word, "$") for word in systemd_words(line)] == ["--inventory", text, "audit"]


@given(words)
def test_systemd_gets_any_words(given_words: Sequence[str]) -> None:
    try:
        line = escaping.systemd_arguments(given_words)
    except UsageError:
        assert any(w != w.strip() or w.endswith("\\") for w in given_words)
        return
    assert "\n" not in line
    assert [_once(word, "$") for word in systemd_words(line)] == list(given_words)


@pytest.mark.parametrize("path", ["/opt/two words/$HOME/100%/delegation", "/usr/bin/delegation"])
def test_the_programs_own_path_has_no_variables(path: str) -> None:
    assert systemd_words(escaping.systemd_program(path)) == [path]


@pytest.mark.parametrize("path", ["/opt/it's/d", '/opt/"/d', "/opt/a\\b"])
def test_systemd_takes_no_program_with_quotes(path: str) -> None:
    with pytest.raises(UsageError, match="quotes or a backslash"):
        escaping.systemd_program(path)


@hostile
def test_cron_and_its_shell_get_the_words(text: str) -> None:
    command = escaping.cron_command(["delegation", "--inventory", text])
    assert shell_words(command) == ["delegation", "--inventory", text]


def test_cron_takes_no_backslash() -> None:
    with pytest.raises(UsageError, match="backslash"):
        escaping.cron_command(["a\\b"])


@pytest.mark.parametrize(
    "text",
    [
        "C:\\Program Files\\x",
        "C:\\a\\",
        "C:\\two words\\",
        "a'b&c^d|e",
        'a "b" c',
        "$HOME",
        "",
        "C:\\\u5317",
    ],
)
def test_windows_gets_the_words(text: str) -> None:
    assert windows_words(escaping.windows_arguments(["-i", text, "audit"])) == ["-i", text, "audit"]


@pytest.mark.parametrize("text", ["C:\\%TEMP%\\x", "C:\\$(Arg0)"])
def test_what_task_scheduler_would_replace_is_refused(text: str) -> None:
    for write in (
        escaping.windows_program,
        escaping.windows_text,
        lambda w: escaping.windows_arguments([w]),
    ):
        with pytest.raises(UsageError, match="can't be scheduled"):
            write(text)


def test_a_program_of_windows_has_no_quotes() -> None:
    with pytest.raises(UsageError, match="no quotes"):
        escaping.windows_program('C:\\a"b')


@pytest.mark.parametrize("text", INVISIBLE)
def test_what_nobody_can_see_is_refused_everywhere(text: str) -> None:
    for write in (
        escaping.systemd_program,
        escaping.systemd_word,
        escaping.systemd_text,
        escaping.windows_text,
        lambda word: escaping.systemd_arguments([word]),
        lambda word: escaping.cron_command([word]),
        lambda word: escaping.windows_arguments([word]),
    ):
        with pytest.raises(UsageError, match="nobody can see") as refused:
            write(text)
        assert names.inert(refused.value.what) == refused.value.what
