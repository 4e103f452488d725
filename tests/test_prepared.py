"""What is forked where all modules are read is as good as a process that is started anew."""

import os
import signal
from pathlib import Path
from textwrap import dedent

import pytest

from tests import prepared
from tests.cli.program import environment
from tests.prepared import Ended


@pytest.fixture
def program(tmp_path: Path) -> "Program":
    return Program(tmp_path)


class Program:
    """``program(text, words)`` runs a program with this text, in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, text: str, *words: str, seconds: float = 60, **variables: str) -> Ended:
        (self.folder / "program_of_a_test.py").write_text(dedent(text), encoding="utf-8")
        return prepared.run(
            "program_of_a_test",
            words,
            cwd=self.folder,
            environment=environment(variables),
            seconds=seconds,
        )


def test_it_has_its_own_words_folder_variables_and_streams(program: Program) -> None:
    text = """
        import os, sys
        print(sys.argv[1:], os.getcwd(), os.environ["OWN"], sys.stdin.read(), __name__)
        print("é\\udc80", file=sys.stderr)
    """
    ended = program(text, "a", "b c", OWN="ö")
    assert ended.out == f"['a', 'b c'] {program.folder} ö  __main__\n"
    assert ended.err == "é\\udc80\n"
    assert ended.code == 0


def test_nothing_of_one_is_there_for_the_next(program: Program) -> None:
    text = """
        import os, sys
        import delegation
        print(getattr(delegation, "left", None), os.environ.get("LEFT"))
        delegation.left = os.environ["LEFT"] = "left"
        os.chdir("/")
    """
    for _ in range(2 * prepared.WAITING):
        assert program(text).out == "None None\n"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("import sys; sys.exit(3)", 3),
        ("import sys; sys.exit()", 0),
        ("import sys; sys.exit('words')", 1),
        ("raise ValueError", 1),
        ("import os; os._exit(70)", 70),
        ("import os; os.kill(os.getpid(), 9)", -signal.SIGKILL),
    ],
)
def test_its_end_is_its_own(program: Program, text: str, code: int) -> None:
    ended = program(f"print('so far', flush=True); {text}")
    assert ended.code == code
    assert ended.out == "so far\n"
    assert ("words" in ended.err, "ValueError" in ended.err) == ("words" in text, "Value" in text)


def test_its_threads_and_what_it_left_for_its_end_are_waited_for(program: Program) -> None:
    text = """
        import atexit, threading, time
        atexit.register(print, "at the end")
        threading.Thread(target=lambda: (time.sleep(0.2), print("thread"))).start()
    """
    assert program(text).out == "thread\nat the end\n"


def test_ctrl_c_is_for_it(program: Program) -> None:
    text = """
        import os, signal
        try:
            os.kill(os.getpid(), signal.SIGINT)
        except KeyboardInterrupt:
            print("interrupted")
    """
    assert program(text).out == "interrupted\n"


def test_one_that_hangs_is_killed(program: Program) -> None:
    text = "import os, time; print(os.getpid(), flush=True); time.sleep(60)"
    with pytest.raises(AssertionError, match="hangs") as hangs:
        program(text, seconds=0.5)
    number = int(str(hangs.value).split()[-1])
    with pytest.raises(ProcessLookupError):
        os.kill(number, 0)
    assert program("print(1)").out == "1\n"


def test_two_in_a_row_have_sets_in_another_order(program: Program) -> None:
    text = "print(list({str(n) for n in range(64)}))"
    first, second = program(text), program(text)
    assert first.out != second.out


def test_what_an_interpreter_heeds_at_its_start_is_heeded(program: Program) -> None:
    assert program("print('é')", PYTHONIOENCODING="ascii:backslashreplace").out == "\\xe9\n"
