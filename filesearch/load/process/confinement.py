"""Confinement: what a worker gives up before it sees the first file: network, writes, privileges.

scratch folder -> Confinement, the account of what holds. It needs neither root nor a package: on
Linux, Landlock makes all but the scratch folder read-only and seccomp refuses sockets, or a
network namespace of its own holds none, where there is no seccomp. Each is taken where the kernel
has it and named where not. macOS offers nothing of this to a program without entitlements.

Nothing here can be undone in the process or in what it starts.
Sources: landlock(7), seccomp(2), user_namespaces(7).
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import platform
import resource
import struct
import sys
from pathlib import Path

import msgspec

MAX_FILE_BYTES = 256 << 20
"""Largest file in the scratch folder: a page at 600 dpi is 100 MB uncompressed."""

_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, _PR_SET_NO_NEW_PRIVS = 22, 2, 38  # linux/prctl.h
_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000  # linux/sched.h
# The same numbers on every architecture but Alpha.
_LANDLOCK_CREATE_RULESET, _LANDLOCK_ADD_RULE, _LANDLOCK_RESTRICT_SELF = 444, 445, 446
_LANDLOCK_CREATE_RULESET_VERSION = 1
_LANDLOCK_RULE_PATH_BENEATH = 1
_WRITE_FILE, _TRUNCATE = 1 << 1, 1 << 14
_WRITES = _WRITE_FILE | sum(1 << bit for bit in range(4, 13))  # remove and make, of every kind
_REFER, _IOCTL_DEV = 1 << 13, 1 << 15
_BIND_AND_CONNECT_TCP = 0b11
_ABSTRACT_SOCKETS_AND_SIGNALS = 0b11

_CAPABILITY_VERSION_3 = 0x20080522  # linux/capability.h

_X86_64, _AARCH64 = 0xC000003E, 0xC00000B7  # AUDIT_ARCH_*, linux/audit.h
_X32_BIT = 0x40000000
# Sockets of any kind: none is needed, pipes and socket pairs do. io_uring makes them too. Then
# what Landlock does not cover: modes, owners, times and extended attributes of files, and other
# processes' memory and descriptors. Last, leaving the process group by which all are ended.
_REFUSED = (
    "socket io_uring_setup io_uring_enter io_uring_register "
    "truncate chmod fchmod fchmodat fchmodat2 chown fchown lchown fchownat utime utimes futimesat "
    "utimensat setxattr lsetxattr fsetxattr removexattr lremovexattr fremovexattr "
    "ptrace process_vm_readv process_vm_writev pidfd_getfd unshare setns "
    "setsid setpgid"
).split()
_NUMBERS: dict[str, tuple[int, dict[str, int]]] = {
    "x86_64": (
        _X86_64,
        {
            "socket": 41, "io_uring_setup": 425, "io_uring_enter": 426, "io_uring_register": 427,
            "truncate": 76, "chmod": 90, "fchmod": 91, "fchmodat": 268, "fchmodat2": 452,
            "chown": 92, "fchown": 93, "lchown": 94, "fchownat": 260, "utime": 132,
            "utimes": 235, "futimesat": 261, "utimensat": 280, "setxattr": 188, "lsetxattr": 189,
            "fsetxattr": 190, "removexattr": 197, "lremovexattr": 198, "fremovexattr": 199,
            "ptrace": 101, "process_vm_readv": 310, "process_vm_writev": 311, "pidfd_getfd": 438,
            "unshare": 272, "setns": 308, "setsid": 112, "setpgid": 109,
        },
    ),
    "aarch64": (
        _AARCH64,
        {
            "socket": 198, "io_uring_setup": 425, "io_uring_enter": 426, "io_uring_register": 427,
            "truncate": 45, "fchmod": 52, "fchmodat": 53, "fchmodat2": 452, "fchown": 55,
            "fchownat": 54, "utimensat": 88, "setxattr": 5, "lsetxattr": 6, "fsetxattr": 7,
            "removexattr": 14, "lremovexattr": 15, "fremovexattr": 16, "ptrace": 117,
            "process_vm_readv": 270, "process_vm_writev": 271, "pidfd_getfd": 438,
            "unshare": 97, "setns": 268, "setsid": 157, "setpgid": 154,
        },
    ),
}  # fmt: skip
"""Machine -> its AUDIT_ARCH and the numbers of the refused calls it has (asm/unistd.h)."""


class Confinement(msgspec.Struct, array_like=True, frozen=True):
    """What holds for a worker.

    Attributes:
        network: By what the network is closed; empty where it is open.
        writes: By what writing outside the scratch folder is refused; empty where it is not.
        missing: What does not hold, and why; one sentence each.
    """

    network: str = ""
    writes: str = ""
    missing: tuple[str, ...] = ()

    def describe(self) -> str:
        """Return the account in one line, for people."""
        held = [
            f"{what} ({how})"
            for what, how in (
                ("no network", self.network),
                ("no writes outside a scratch folder", self.writes),
            )
            if how
        ]
        return "; ".join([*held, *self.missing])


class _Refused(Exception):
    """The kernel has not got it, or does not grant it here; the message says why."""


def confine(scratch: Path) -> Confinement:
    """Close the network and writing outside `scratch` for this process, as far as may be.

    To be called while the process has one thread: the others stay free, which the account says.

    Args:
        scratch: An existing folder.
    """
    resource.setrlimit(resource.RLIMIT_FSIZE, (MAX_FILE_BYTES, MAX_FILE_BYTES))
    if sys.platform != "linux":
        return Confinement(missing=(f"{sys.platform} lets no program give up network or writes",))
    missing: list[str] = []
    network = writes = ""
    with contextlib.suppress(OSError):  # no /proc
        if (others := len([*Path("/proc/self/task").iterdir()]) - 1) > 0:
            missing.append(f"threads that ran before are not confined (there are {others})")
    # The namespace comes first: with the filter no process may make one.
    if platform.machine() not in _NUMBERS:
        try:
            network = _leave_network()
        except _Refused as error:
            missing.append(f"the network is open ({error})")
    _check(_libc().prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
    try:
        abi = _make_read_only_except(scratch)
        writes = f"Landlock {abi}"
        if abi < 3:  # the right to truncate is not known yet
            missing.append(f"files outside can be emptied (Landlock {abi}, from 3 on not)")
    except _Refused as error:
        missing.append(f"writes are not confined (Landlock: {error})")
    if platform.machine() in _NUMBERS:
        try:
            _refuse_calls(*_NUMBERS[platform.machine()])
            network = "seccomp"
        except _Refused as error:
            missing.append(f"the network is open (seccomp: {error})")
    _drop_capabilities()
    return Confinement(network, writes, tuple(missing))


def _make_read_only_except(scratch: Path) -> int:
    """Restrict this process by Landlock; returns the version of it that the kernel has."""
    abi = _call(_LANDLOCK_CREATE_RULESET, None, 0, _LANDLOCK_CREATE_RULESET_VERSION)
    rights = _WRITES
    for since, right in ((2, _REFER), (3, _TRUNCATE), (5, _IOCTL_DEV)):
        rights |= right if abi >= since else 0
    attributes = struct.pack(
        "=QQQ",
        rights,
        _BIND_AND_CONNECT_TCP if abi >= 4 else 0,
        _ABSTRACT_SOCKETS_AND_SIGNALS if abi >= 6 else 0,
    )[: 8 if abi < 4 else 16 if abi < 6 else 24]
    ruleset = _call(_LANDLOCK_CREATE_RULESET, attributes, len(attributes), 0)
    try:
        _allow(ruleset, scratch, rights)
        # Programs that are started (OCR) have their output thrown away there.
        _allow(ruleset, Path(os.devnull), _WRITE_FILE | (rights & _TRUNCATE))
        _call(_LANDLOCK_RESTRICT_SELF, ruleset, 0)
    finally:
        os.close(ruleset)
    return abi


def _allow(ruleset: int, path: Path, rights: int) -> None:
    descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        rule = struct.pack("=Qi", rights, descriptor)
        _call(_LANDLOCK_ADD_RULE, ruleset, _LANDLOCK_RULE_PATH_BENEATH, rule, 0)
    finally:
        os.close(descriptor)


def _refuse_calls(architecture: int, numbers: dict[str, int]) -> None:
    """Install a seccomp filter that answers every call of `_REFUSED` with EPERM."""
    load, equal, at_least, give = 0x20, 0x15, 0x35, 0x06  # BPF_LD|W|ABS, BPF_JMP|*|K, BPF_RET|K
    allow, kill = 0x7FFF0000, 0x80000000
    refuse, unknown = 0x00050000 | errno.EPERM, 0x00050000 | errno.ENOSYS
    refused = [numbers[name] for name in _REFUSED if name in numbers]
    program = [
        (load, 0, 0, 4),  # the architecture: numbers of another would mean other calls
        (equal, 1, 0, architecture),
        (give, 0, 0, kill),
        (load, 0, 0, 0),  # the number of the call
        *([(at_least, 0, 1, _X32_BIT), (give, 0, 0, unknown)] if architecture == _X86_64 else []),
        *((equal, len(refused) - i, 0, number) for i, number in enumerate(refused)),
        (give, 0, 0, allow),
        (give, 0, 0, refuse),
    ]
    code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *line) for line in program))
    header = ctypes.create_string_buffer(struct.pack("@HP", len(program), ctypes.addressof(code)))
    _check(_libc().prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, header, 0, 0))


def _leave_network() -> str:
    """Move this process to a network namespace of its own, with nothing in it."""
    user, group = os.getuid(), os.getgid()
    _check(_libc().unshare(_CLONE_NEWUSER | _CLONE_NEWNET))
    with contextlib.suppress(OSError):  # unmapped ids only look odd
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1")
    return "network namespace"


def _drop_capabilities() -> None:
    """Make root an ordinary user, who may not look into processes outside (CAP_PERFMON may)."""
    header, none = struct.pack("=Ii", _CAPABILITY_VERSION_3, 0), bytes(24)
    with contextlib.suppress(AttributeError):  # a C library without it
        _check(_libc().capset(header, none))  # giving up is never refused


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _call(number: int, *arguments: int | bytes | None) -> int:
    """Make a system call; raises _Refused as `_check` does."""
    typed = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
    result: int = _libc().syscall(ctypes.c_long(number), *typed)
    return _check(result)


def _check(result: int) -> int:
    """Return the result of a C function, or raise _Refused with the name of its error."""
    if result < 0:
        code = ctypes.get_errno()
        if code in (errno.ENOSYS, errno.EOPNOTSUPP):
            raise _Refused("this kernel does not have it")
        raise _Refused(f"{errno.errorcode.get(code, code)}: {os.strerror(code)}")
    return result
