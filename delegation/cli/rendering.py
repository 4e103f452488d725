"""A result as text on a terminal, by its type: the one table of what a view looks like."""

from functools import singledispatch

from delegation.cli.options import Options


def show(view: object, given: Options) -> None:
    """Print a view. Raises TypeError for one that nobody has written a rendering for."""
    from delegation.cli import show as _of_the_mesh  # noqa: F401 - these register theirs
    from delegation.cli.hosts import tables as _of_hosts  # noqa: F401
    from delegation.cli.migrate import runs_shown as _of_runs  # noqa: F401
    from delegation.cli.migrate import show as _of_moves  # noqa: F401
    from delegation.cli.migrate import traffic as _of_the_wire  # noqa: F401

    rendered(view, given)


@singledispatch
def rendered(view: object, given: Options) -> None:  # noqa: ARG001
    raise TypeError(f"there is no rendering of {type(view).__name__}")
