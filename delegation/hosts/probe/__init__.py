"""What only real hosts can tell: asked of two of them, changed on none. ``probing`` is the door."""
