"""A file on Windows -> who else may change or read it, by its owner and its access list.

What the API is asked for is here, and nothing is judged: that is in changes/file_rights.py.
"""

import stat
import sys
from functools import cache
from pathlib import Path

from delegation.changes.file_rights import Distrust, WindowsFile, untold

if sys.platform == "win32":
    import msvcrt

    import pywintypes
    import win32api
    import win32file
    import win32security

    _READ_CONTROL = 0x2_0000
    _SHARED_WITH_ALL = 0x7
    _ASKED_FOR = win32security.OWNER_SECURITY_INFORMATION | win32security.DACL_SECURITY_INFORMATION
    _NAME_SURROGATE = 0x2000_0000
    """Such a reparse point stands for something else, as links and mounted folders do."""

    def is_link(path: Path) -> bool:
        """Also a junction, and a folder that a volume is mounted on. Raises OSError."""
        try:
            found = path.lstat()
        except FileNotFoundError:
            return False
        is_reparse_point = found.st_file_attributes & stat.FILE_ATTRIBUTE_REPARSE_POINT
        return bool(is_reparse_point and found.st_reparse_tag & _NAME_SURROGATE)

    def distrusted_link(link: Path) -> Distrust | None:
        """Whoever may change a link may lead it elsewhere."""
        return _judged(link, win32file.FILE_FLAG_OPEN_REPARSE_POINT)

    def distrusted_there(path: Path) -> Distrust | None:
        """Who else may change what is at ``path``, behind whatever links. Raises OSError."""
        return _judged(path)

    def shown(descriptor: int, path: Path) -> Distrust | None:
        """Who else may read the open file ``descriptor``."""
        try:
            return _found(path, msvcrt.get_osfhandle(descriptor)).readable()
        except pywintypes.error as exc:
            return untold(str(path), "read", exc.strerror)

    def _judged(path: Path, flags: int = 0) -> Distrust | None:
        """What may not be asked about may be anybody's, even where it may be opened."""
        try:
            handle = win32file.CreateFile(
                str(path),
                _READ_CONTROL,
                _SHARED_WITH_ALL,
                None,
                win32file.OPEN_EXISTING,
                # Without it no folder can be opened.
                win32file.FILE_FLAG_BACKUP_SEMANTICS | flags,
                None,
            )
            try:
                return _found(path, int(handle), is_folder=path.is_dir()).changeable()
            finally:
                handle.Close()
        except pywintypes.error as exc:
            return untold(str(path), "change", exc.strerror)

    def _found(path: Path, handle: int, *, is_folder: bool = False) -> WindowsFile:
        found = win32security.GetSecurityInfo(handle, win32security.SE_FILE_OBJECT, _ASKED_FOR)
        # Its buffer is the descriptor, self-relative; its type does not say that it has one.
        descriptor = bytes(found)  # type: ignore[call-overload]
        return WindowsFile(str(path), descriptor, _own_sid(), is_folder, _name)

    @cache
    def _own_sid() -> str:
        token = win32security.OpenProcessToken(
            win32api.GetCurrentProcess(), win32security.TOKEN_QUERY
        )
        sid, _ = win32security.GetTokenInformation(token, win32security.TokenUser)
        return win32security.ConvertSidToStringSid(sid)

    def _name(sid: str) -> str:
        """The SID itself where nobody knows its name: an account that is gone, or a domain."""
        try:
            binary = win32security.ConvertStringSidToSid(sid)
            name, domain, _ = win32security.LookupAccountSid(None, binary)
        except pywintypes.error:
            return sid
        return f"{domain}\\{name}" if domain else name
