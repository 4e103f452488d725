"""Errors of hosts: what people look them up by is in their words."""

import copy

import pytest

from delegation.errors import CommandFailed, HostError, HostRefused, HyperVFailed


@pytest.mark.parametrize(
    ("what", "hresult", "words"),
    [
        ("access is denied", "0x80070005", "access is denied (0x80070005)"),
        ("no route (0x80072751) to hv02", "0x80072751", "no route (0x80072751) to hv02"),
        ("no route: 0x8009030e", "0x8009030E", "no route: 0x8009030e"),
        ("nobody answers", "", "nobody answers"),
    ],
)
@pytest.mark.parametrize("kind", [HostError, HostRefused, CommandFailed, HyperVFailed])
def test_a_hosts_error_says_its_hresult_once(
    kind: type[HostError], what: str, hresult: str, words: str
) -> None:
    error = kind(what, "look", hresult=hresult)
    assert (error.what, str(error), error.hresult) == (words, words, hresult)
    assert kind(error.what, hresult=hresult).what == words


def test_a_hosts_error_is_whole_in_a_copy() -> None:
    error = HyperVFailed("it fails", "start it", ["No."], hresult="0x80041002", vmms="Stopped")
    again = copy.deepcopy(error)
    assert vars(again) == vars(error)
    assert again.what == "it fails (0x80041002)"
