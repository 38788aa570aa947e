"""File stamp: when a file last changed, and whether that will tell it from its next version.

A file with the size and the stamp that it had at the last ingest need not be read again.
"""

from __future__ import annotations

import os

# What is written to a file within the grain of its file system's clock leaves no trace in it: two
# seconds on FAT, some milliseconds elsewhere.
GRAIN_NS = 2_000_000_000


def modified_ns(stat: os.stat_result) -> int:
    """Return when a file last changed: its content, or what is known of it; in ns since 1970.

    A file put in the place of another keeps the time at which its content was written, which may
    be the same; the second time, that of its inode, tells them apart.
    """
    return max(stat.st_mtime_ns, stat.st_ctime_ns)


def lasting_stamp(before: os.stat_result, after: os.stat_result, now_ns: int) -> int | None:
    """Return the stamp of a file that was read, if any later change will alter it.

    Args:
        before, after: Of the open file, before and after it was read.
        now_ns: The time before it was read.

    Returns:
        None for a file that changed while it was read, or so shortly before that another change
        could leave the stamp as it is, or that is from the future: its content is to be compared.
    """
    stamp = modified_ns(before)
    if stamp != modified_ns(after) or before.st_size != after.st_size:
        return None
    return stamp if stamp + GRAIN_NS < now_ns else None
