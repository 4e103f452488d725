"""An answer of an SMB server -> whether the host sent it: signed, or sealed, with the logon's key.

impacket signs and seals what it sends, but takes any answer, whoever sent it. With the key that
only the holder of the host's own key can know (MS-SMB2 3.2.5.1.1, 3.2.5.1.3), an answer also
proves that the server is the host.
"""

from typing import Any

_SEALED, _PLAIN = b"\xfdSMB", b"\xfeSMB"
_STATUS, _FLAGS, _SIGNATURE = slice(8, 12), slice(16, 20), slice(48, 64)
_SIGNED = 0x8
_PENDING = 0x103
"""STATUS_PENDING: "wait for it". Such an answer says nothing else, and bears no signature."""
_HEADER = 52
"""Bytes of a transform header (MS-SMB2 2.2.41); its signature, nonce, and what is bound to it."""
_TAG, _NONCE, _BOUND = slice(4, 20), slice(20, 31), slice(20, 52)


class ForgedError(Exception):
    """An answer that the host did not sign."""


class Verified:
    """In place of the session of impacket's ``connection`` (an SMB3 object that is logged on)."""

    def __init__(self, connection: Any) -> None:  # noqa: ANN401 - impacket has no types
        self._session = connection._NetBIOSSession  # noqa: SLF001 - impacket's own names
        self._keys = connection._Session  # noqa: SLF001
        connection._NetBIOSSession = self  # noqa: SLF001

    def recv_packet(self, timeout: float | None = None) -> Any:  # noqa: ANN401
        """The next answer. Raises ForgedError."""
        packet = self._session.recv_packet(timeout)
        data = bytes(packet.get_trailer())
        if data[:4] == _SEALED:
            self._unseal(data)
        elif not self._is_rightly_plain(data):
            raise ForgedError
        return packet

    def _unseal(self, data: bytes) -> None:
        from impacket.smb3 import AES

        key, nonce = self._keys["DecryptionKey"], data[_NONCE]
        if not key or len(data) < _HEADER:
            raise ForgedError
        cipher = AES.new(key, AES.MODE_CCM, nonce, mac_len=16)
        cipher.update(data[_BOUND])
        try:
            cipher.decrypt_and_verify(data[_HEADER:], data[_TAG])
        except ValueError as exc:
            raise ForgedError from exc

    def _is_rightly_plain(self, data: bytes) -> bool:
        from impacket.crypto import AES_CMAC

        if data[:4] != _PLAIN or len(data) < _SIGNATURE.stop:
            return False
        status = int.from_bytes(data[_STATUS], "little")
        if status == _PENDING:
            return True
        flags = int.from_bytes(data[_FLAGS], "little")
        is_signed = flags & _SIGNED != 0
        # In a session that seals, a plain answer is not taken, signed or not (MS-SMB2 3.2.5.1.1).
        must_be_sealed = bool(self._keys["EncryptionKey"])
        if must_be_sealed or not is_signed:
            return False
        # The signature is made over the message with sixteen zeros in its own place.
        unsigned = data[: _SIGNATURE.start] + bytes(16) + data[_SIGNATURE.stop :]
        signature: bytes = AES_CMAC(self._keys["SigningKey"], unsigned, len(unsigned))
        return signature == data[_SIGNATURE]

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        return getattr(self._session, name)
