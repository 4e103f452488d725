"""``python -m delegation``: the same program as the ``delegation`` script."""

from delegation.cli import main

if __name__ == "__main__":
    main()
