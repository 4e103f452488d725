"""A path of Windows -> which volume it lies on, and whether it is a place for machines at all."""

STAGING = "$vsm$"
"""The folder below which VMMS shares a folder for each migration under way, in lower case."""


def volume_of(path: str) -> str:
    """The drive or the share that a path of Windows lies on, in lower case."""
    parts = path.casefold().split("\\")
    return "\\".join(parts[:4]) if path.startswith("\\\\") else parts[0]


def system_place(path: str) -> str | None:
    """What a folder lies in that is no good place for machines, in words; None: in no such."""
    host, _, below = path.removeprefix("\\\\").partition("\\")
    first = below.partition("\\")[0].casefold()
    if not path.startswith("\\\\"):
        return "Windows' own folder" if first == "windows" else None
    # C$, D$ and ADMIN$ are there for administrators, on each host; who is one may change.
    is_administrative = first == "admin$" or (len(first) == 2 and first.endswith("$"))
    return f"the administrative share {first} of {host}" if is_administrative else None


def is_share(path: str) -> bool:
    """Whether a path is on a file server; ``\\\\?`` and ``\\\\.`` are the host's own."""
    return path.startswith("\\\\") and path[2:3] not in {"?", "."}


def server_of(path: str) -> str:
    """The file server of a path on a share."""
    return path.removeprefix("\\\\").partition("\\")[0]
