"""Threads that are heard: what they say arrives, a crash as well, and nothing of a closed one."""

import threading
import time

import pytest

from delegation.hosts.thread_inbox import ThreadInbox

LONG = 30.0


def test_what_threads_say_arrives_in_its_order() -> None:
    inbox: ThreadInbox[str] = ThreadInbox()
    thread = inbox.thread("hv01")

    def speak() -> None:
        thread.says("one")
        thread.says("two")

    thread.start(speak)
    assert [inbox.wait(LONG), inbox.wait(LONG)] == ["one", "two"]
    thread.join(LONG)
    assert not thread.is_alive


def test_silence_ends_when_the_time_is_over() -> None:
    inbox: ThreadInbox[str] = ThreadInbox()
    begun = time.monotonic()
    assert inbox.wait(0.3) is None
    assert 0.3 <= time.monotonic() - begun < LONG
    assert inbox.wait(0) is None


def test_a_crash_is_raised_where_it_is_waited() -> None:
    inbox: ThreadInbox[str] = ThreadInbox()

    def crash() -> None:
        raise KeyError("nobody expected this")

    inbox.thread("hv01").start(crash)
    with pytest.raises(KeyError, match="nobody expected this"):
        inbox.wait(LONG)


def test_nothing_is_heard_of_a_closed_thread_its_crash_neither() -> None:
    inbox: ThreadInbox[str] = ThreadInbox()
    closed, open_thread = inbox.thread("hv01"), inbox.thread("hv02")
    may_crash = threading.Event()

    def crash_later() -> None:
        closed.says("said before it was closed")
        may_crash.wait(LONG)
        raise KeyError("of no interest any more")

    closed.start(crash_later)
    closed.close()
    may_crash.set()
    closed.join(LONG)
    open_thread.start(lambda: open_thread.says("the other one"))
    assert inbox.wait(LONG) == "the other one"


def test_a_thread_that_hangs_keeps_nothing_from_ending() -> None:
    inbox: ThreadInbox[str] = ThreadInbox()
    released = threading.Event()
    thread = inbox.thread("hv01")

    def hang() -> None:
        released.wait(LONG)

    thread.start(hang)
    thread.join(0.05)
    assert thread.is_alive
    assert next(it for it in threading.enumerate() if it.name == "hv01").daemon
    released.set()
