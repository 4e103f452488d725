"""What ``hosts plan`` and ``hosts apply`` say where there is nothing to do."""

from collections.abc import Collection

import pytest

from delegation.cli.hosts import tables


@pytest.mark.parametrize(
    ("declared", "unreachable", "words", "code"),
    [
        ((), (), "the inventory declares no live_migration", 0),
        (("hv01", "hv02"), (), "the hosts are as the inventory says", 0),
        (("hv01", "hv02"), ("hv01",), "nothing to do on the hosts that could be asked", 1),
        (("hv01", "hv02"), ("hv02", "hv01"), "no host could be asked", 1),
    ],
)
def test_hosts_that_were_not_asked_are_not_called_in_order(
    declared: Collection[str],
    unreachable: Collection[str],
    words: str,
    code: int,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert tables.nothing_to_do(declared, unreachable) == code
    assert words in capsys.readouterr().err
