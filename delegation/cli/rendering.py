"""A result as text on a terminal, by its type: the one table of what a view looks like."""

from functools import singledispatch

from delegation.cli.options import Options


@singledispatch
def show(view: object, given: Options) -> None:  # noqa: ARG001
    """Print a view. Raises TypeError for one that nobody has written a rendering for."""
    raise TypeError(f"there is no rendering of {type(view).__name__}")
