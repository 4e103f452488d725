"""Texts in a host's language, beside the numbers: English, or Japanese as a host's own are.

With ``numbers`` off, what a program could go by is gone: the HRESULTs in texts, the MessageIDs.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from tests.lab.hosts.failures import WAITED, Failed
from tests.lab.hosts.state import HostState

HRESULT = re.compile(r"\s*\((0x[0-9A-F]{8})\)")
WRAPPER, NO_CONNECTION, NO_SWITCH, OTHER = "21024", "20413", "33012", "21125"
"""Message ids: the first three as event ids and people's reports have them, the rest is ours."""
IN_JAPANESE = {
    "Virtual Machine": "仮想マシン",
    "Microsoft Virtual Machine": "Microsoft 仮想マシン",
    "Hosting Computer System": "ホスト コンピューター システム",
    "Microsoft Hosting Computer System": "Microsoft ホスト コンピューター システム",
    "Operating normally": "正常稼働中",
    "In service": "サービス中",
    "Migrating": "移行中",
    "Creating checkpoint": "チェックポイントの作成中",
    "Merging disks": "ディスクの結合中",
    "Backing up": "バックアップ中",
    "Moving storage": "記憶域の移動中",
    "Moving Virtual Machine and Storage": "仮想マシンと記憶域の移動",
    "Checking Virtual Machine and Storage Compatibility": "仮想マシンと記憶域の互換性を確認中",
    "Creating Remote Virtual Machine": "リモート仮想マシンの作成",
    "Hard Disk Image": "ハード ディスク イメージ",
    "Settings for the Microsoft Hard Disk Image.": "Microsoft ハード ディスク イメージの設定です。",
    "Network Adapter": "ネットワーク アダプター",
    "Processor": "プロセッサ",
    "Memory": "メモリ",
    "Job is running": "ジョブは実行中です",
    "The operation was cancelled.": "操作は取り消されました。",
    "The method completed successfully.": "メソッドは正常に完了しました。",
    "Microsoft Windows Server 2022 Datacenter": "Microsoft Windows Server 2022 Datacenter",
}


@dataclass(frozen=True)
class Trouble:
    """One error of a job: what Msvm_Error holds of it."""

    message_id: str
    text: str
    arguments: tuple[str, ...] = ()


@dataclass(frozen=True)
class Wording:
    """The texts of one host."""

    language: str
    numbers: bool

    @classmethod
    def of(cls, state: HostState) -> Wording:
        """Give a host's."""
        return cls(state.language, state.numbers)

    @property
    def is_japanese(self) -> bool:
        """Whether it is not English."""
        return self.language == "ja-JP"

    def say(self, text: str) -> str:
        """Give a text in the host's language."""
        return IN_JAPANESE.get(text, text) if self.is_japanese else text

    def told(self, text: str) -> str:
        """Give an error's text: in Japanese only its names and numbers stay."""
        if self.is_japanese and text not in IN_JAPANESE:
            names = "、".join(f"「{one}」" for one in re.findall(r"'([^']*)'", text))
            codes = "".join(f" ({one})" for one in HRESULT.findall(text))
            text = f"仮想マシンの移行操作に失敗しました: {names}{codes}"
        else:
            text = self.say(text)
        return text if self.numbers else HRESULT.sub("", text)

    def troubles(self, error: Failed, limit: int) -> list[Trouble]:
        """Make a job's errors of a failed migration: a wrapper first, then the reasons."""
        first, *reasons = error.message.split("\n\n")
        if error.hresult == WAITED:
            # Known from Windows: this reason carries no HRESULT.
            reached = f'because virtual machine migration limit "{limit}" was reached'
            more = "please wait for completion of an ongoing migration operation."
            reasons = [f"The operation failed {reached}, {more}"]
        return [self.trouble(WRAPPER, first), *(self.trouble(number(one), one) for one in reasons)]

    def trouble(self, message_id: str, text: str, arguments: Sequence[str] = ()) -> Trouble:
        """Make one error."""
        found = tuple(arguments) or tuple(re.findall(r"'([^']*)'", text))
        return Trouble(message_id if self.numbers else "", self.told(text), found)


def number(reason: str) -> str:
    """Give a reason's message id."""
    if "Ethernet switch" in reason:
        return NO_SWITCH
    return NO_CONNECTION if "establish a connection" in reason else OTHER
