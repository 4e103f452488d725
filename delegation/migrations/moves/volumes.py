"""Folders as Windows names them: which volume one lies on, and where none should."""

STAGING = "$vsm$"
"""The folder in which disks are while they are on their way (FIELD 8), in lower case."""


def volume(path: str) -> str:
    """The drive or the share that a path of Windows lies on, in lower case."""
    parts = path.casefold().split("\\")
    return "\\".join(parts[:4]) if path.startswith("\\\\") else parts[0]


def system_place(path: str) -> str:
    """What a folder lies in that is no good place for machines, in words; empty: in no such."""
    host, _, rest = path.removeprefix("\\\\").partition("\\")
    share = rest.partition("\\")[0].casefold()
    if path.startswith("\\\\"):
        is_administrative = share == "admin$" or (len(share) == 2 and share.endswith("$"))
        return f"the administrative share {share} of {host}" if is_administrative else ""
    return "Windows' own folder" if share == "windows" else ""
