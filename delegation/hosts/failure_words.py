"""Errors of Hyper-V migrations in plain words, by every number that a host may give.

Sources: Microsoft's "Troubleshoot live migration issues" for most of the SEC_E_ numbers; of the
others the Win32 error codes (MS-ERREF 2.2), whose names say enough of what they mean for a
migration; for ErrorCode the return values of Msvm_VirtualSystemMigrationService.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class FailureKind(StrEnum):
    """What kind of trouble it is; whether trying again can help depends on it."""

    DELEGATION = "delegation"
    RIGHTS = "rights"
    NAME = "name"
    NETWORK = "network"
    BUSY = "busy"
    SPACE = "space"
    STOPPED = "stopped"
    OTHER = "other"
    UNKNOWN = "unknown"
    """Its numbers say nothing here, or it has none: texts never decide."""

    @property
    def passes(self) -> bool:
        """Whether the same attempt can succeed later with nothing done about it."""
        return self in {FailureKind.NETWORK, FailureKind.BUSY}


Known = tuple[FailureKind, str, str]
"""What kind, what in words, and what to do."""

DELEGATION_FIX = (
    "look at this pair's links with `delegation explain SOURCE TARGET`; after an apply, wait up to "
    "15 minutes, or purge the source's tickets: klist purge -li 0x3e7"
)
_NETWORK_FIX = (
    "look whether TCP 6600 and 445 of the target are open from the source, and whether both share "
    "a migration network"
)
_NO_CREDENTIALS = (
    "the source has no credentials for the target: delegation or protocol transition is missing, "
    "or CredSSP is set without a logon at the source"
)
_NAME_FIX = (
    "look which account holds the target's names (setspn -Q cifs/TARGET), at its address in DNS, "
    "and whether an address of a migration network is on both hosts, as of a private cluster "
    "network: a source then reaches itself"
)
_LOGON_FIX = (
    "give the target's NT VIRTUAL MACHINE\\Virtual Machines the right to log on as a service, "
    "which Group Policy may have taken"
)
_EXISTS_FIX = (
    "look whose file it is; remove it where an earlier attempt left it, or choose another folder"
)
_STATE = (
    "it is not in the state for that: live migration is off at one end, or the virtual machine is "
    "being migrated already"
)
START_AGAIN = "start it again where it is still wanted"
_EVENTS = "look at the host's events: Microsoft-Windows-Hyper-V-VMMS/Admin"
_OPERATOR_FIX = "add the operator to Hyper-V Administrators on the source and on the target"
_DENIED_TO_OPERATOR = (
    "access is denied to the operator, who has to be a Hyper-V administrator on both hosts"
)
_DENIED = (
    "access is denied: to the operator, who has to be a Hyper-V administrator on both hosts; or, "
    "while files are copied, to a folder or a share, or by an antivirus"
)
_DENIED_FIX = (
    f"{_OPERATOR_FIX}; then look at the rights on folders and shares, and at what an antivirus "
    "blocks there"
)
_DENIED_FILES = (
    "access to files is denied: a folder or a share on the target, an antivirus, or a file server "
    "that the source may not delegate to"
)
_DENIED_FILES_FIX = (
    "look at the rights of the target's folder, at what an antivirus blocks there, and whether "
    "disks are on a file server: then the source needs cifs/FILE-SERVER"
)
_NO_CIFS = (
    "the source has no credentials for the target: where the check passes all the same, "
    "cifs/TARGET is missing among what it may delegate to, for the check proves no storage"
)
_OWNER_FIX = (
    "look who created the virtual machine, and whether that account still exists; its owner is in "
    "the rights of its files (icacls)"
)
_ADDRESS = (
    "an address of the migration is not valid there: its service may have started before the "
    "network adapter had it"
)
_TYPES_FIX = (
    "look at msDS-SupportedEncryptionTypes of both computers: delegation explain SOURCE TARGET"
)
_SWITCH_FIX = (
    "make a switch of the same name on the target, or connect the virtual machine to another one"
)
_FULL_DISK: Known = (
    FailureKind.SPACE,
    "the disk is full",
    "make room on the target's volume, or choose another folder",
)
_NO_MEMORY: Known = (
    FailureKind.SPACE,
    "there are not enough resources, mostly memory",
    "free memory on the target, or choose another one",
)
_STOPPED: Known = (FailureKind.STOPPED, "it was stopped", START_AGAIN)

BY_HRESULT: Mapping[str, Known] = MappingProxyType(
    {
        "0x8009030E": (FailureKind.DELEGATION, _NO_CREDENTIALS, DELEGATION_FIX),
        "0x8009030D": (
            FailureKind.DELEGATION,
            "the source's credentials are not recognised: constrained delegation is not set up",
            DELEGATION_FIX,
        ),
        "0x80090322": (
            FailureKind.NAME,
            "the target is not who its name says: a wrong service principal name, name or address",
            _NAME_FIX,
        ),
        "0x80090303": (
            FailureKind.NAME,
            "the target is unknown, or can't be reached by that name",
            "look at the target's full DNS name and its service principal names",
        ),
        "0x80070005": (FailureKind.RIGHTS, _DENIED, _DENIED_FIX),
        "0x80070534": (
            FailureKind.OTHER,
            "an account that the virtual machine's files name is not known at the target",
            _OWNER_FIX,
        ),
        "0x80070569": (
            FailureKind.RIGHTS,
            "the target does not grant this type of logon",
            _LOGON_FIX,
        ),
        "0x8007274C": (FailureKind.NETWORK, "the target did not answer in time", _NETWORK_FIX),
        "0x8007274D": (FailureKind.NETWORK, "the target refused the connection", _NETWORK_FIX),
        "0x80072746": (FailureKind.NETWORK, "the connection was reset", _NETWORK_FIX),
        "0x8007271D": (
            FailureKind.NETWORK,
            "the connection was blocked, by a firewall or another policy",
            _NETWORK_FIX,
        ),
        "0x80072751": (FailureKind.NETWORK, "there is no route to the target", _NETWORK_FIX),
        "0x80070035": (FailureKind.NETWORK, "the target's share was not found", _NETWORK_FIX),
        "0x80070040": (FailureKind.NETWORK, "the target's share is gone", _NETWORK_FIX),
        "0x8007003B": (FailureKind.NETWORK, "an unexpected network error occurred", _NETWORK_FIX),
        "0x80070079": (FailureKind.NETWORK, "the network was too slow (timeout)", _NETWORK_FIX),
        "0x800705B4": (
            FailureKind.BUSY,
            "it waited too long, mostly for one of the migrations that an end allows at a time",
            "let other migrations end first, or raise the limit of both hosts",
        ),
        "0x80072741": (
            FailureKind.NETWORK,
            _ADDRESS,
            "restart the service vmms on the target, and look at its migration networks",
        ),
        "0x80090311": (
            FailureKind.NETWORK,
            "no domain controller could be asked for a ticket",
            "look whether both hosts reach a domain controller: nltest /dsgetdc:",
        ),
        "0x80090342": (
            FailureKind.NAME,
            "the domain controller does not support the encryption that the ticket needs",
            _TYPES_FIX,
        ),
        "0x80072AF9": (
            FailureKind.NAME,
            "the source finds no address of the target in DNS",
            "look at the source's DNS servers and the target's record there",
        ),
        "0x8007139F": (
            FailureKind.OTHER,
            _STATE,
            "look at both hosts with `delegation hosts show`, and at the virtual machine",
        ),
        "0x80071398": (
            FailureKind.OTHER,
            "it is not in the state for that in its cluster",
            "look at it with the cluster's own tools",
        ),
        "0xC03A0014": (
            FailureKind.OTHER,
            "a file that is attached is none that the target can open, mostly an ISO image",
            "eject the image on its host (Set-VMDvdDrive -Path $null), then try again",
        ),
        "0x80070032": (
            FailureKind.OTHER,
            "that is not supported, as for a virtual machine that a cluster manages",
            "move it with the cluster's own tools",
        ),
        "0x80070003": (
            FailureKind.OTHER,
            "a folder was not found",
            "look at the storage path; it is a folder on the target",
        ),
        "0x80070050": (FailureKind.OTHER, "the target holds such a file already", _EXISTS_FIX),
        "0x800700B7": (FailureKind.OTHER, "the target holds such a file already", _EXISTS_FIX),
        "0x80070070": _FULL_DISK,
        "0x80070027": _FULL_DISK,
        "0x8007000E": _NO_MEMORY,
        "0x800705AA": _NO_MEMORY,
        "0x80070020": (
            FailureKind.BUSY,
            "a file is in use by another program",
            "look for a backup or another job on the virtual machine; it can be tried again",
        ),
        "0x800700AA": (
            FailureKind.BUSY,
            "the resource is in use",
            "look for another job on the virtual machine; it can be tried again",
        ),
        "0x800703E3": _STOPPED,
        "0x800704C7": _STOPPED,
    }
)

MISSING_SWITCH = "33012"
"""MessageID of the check: the target has no such virtual switch. Expected of the check job, since
Compare-VM tells it so; unverified."""

BY_MESSAGE_ID: Mapping[str, Known] = MappingProxyType(
    {
        MISSING_SWITCH: (
            FailureKind.OTHER,
            "the target has no virtual switch of that name",
            _SWITCH_FIX,
        ),
    }
)

BY_ERROR_CODE: Mapping[int, Known] = MappingProxyType(
    {
        32769: (FailureKind.RIGHTS, "access is denied", _OPERATOR_FIX),
        32770: (FailureKind.OTHER, "it is not supported", _EVENTS),
        32774: (
            FailureKind.BUSY,
            "the virtual machine is in use by another job",
            "wait for the end of that; it can be tried again",
        ),
        32775: (FailureKind.OTHER, _STATE, "look at the virtual machine, and at both hosts"),
        32778: _NO_MEMORY,
    }
)
"""ErrorCode of a job: the return codes of its service. 32768 and 32771 say nothing, and 32772 not
of what it was that took so long."""

IN_STORAGE: Mapping[str, Known] = MappingProxyType(
    {
        "0x8009030E": (FailureKind.DELEGATION, _NO_CIFS, DELEGATION_FIX),
        "0x8009030D": (FailureKind.DELEGATION, _NO_CIFS, DELEGATION_FIX),
        "0x80070005": (FailureKind.RIGHTS, _DENIED_FILES, _DENIED_FILES_FIX),
    }
)
"""What these mean once files are moved: the operator was let in before that."""

IN_CHECK: Mapping[str, Known] = MappingProxyType(
    {"0x80070005": (FailureKind.RIGHTS, _DENIED_TO_OPERATOR, _OPERATOR_FIX)}
)
"""What these mean before any file is touched."""
