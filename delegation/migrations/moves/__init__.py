"""What is to be moved where: lists of moves, drains, their placement, and the plan of them."""

from delegation.migrations.moves.move_list import MAX_MOVES, parse, written

__all__ = ["MAX_MOVES", "parse", "written"]
