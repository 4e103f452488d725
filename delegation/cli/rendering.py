"""The one table of what a view looks like on a terminal, by its type; renderers register here."""

from functools import singledispatch

from delegation.cli.options import Options


@singledispatch
def rendered(view: object, given: Options) -> None:  # noqa: ARG001
    """Print a view. Raises TypeError for one that nobody has written a rendering for."""
    raise TypeError(f"there is no rendering of {type(view).__name__}")
