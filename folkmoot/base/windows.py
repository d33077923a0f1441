"""Counters in fixed time windows, in one file that all processes of a machine share.

The file is a table of buckets, each with 32 slots of 16 bytes: the tag of a counter (a keyed hash, so that the file does
not reveal who was counted), the end of its window, and the count. A bucket holds all counters of one owner. Counting
changes mapped memory, under a lock on the bucket that the system releases when a process is killed. All space is allocated
at the start: on a full disk that fails, while using an unallocated page would kill the process. A new slot is written with
a system call, which fails harmlessly on a file system that copies pages before it changes them.

The table never grows. A full bucket replaces expired windows first, then the lowest count, so that new owners do not
reset one who is close to a limit. A window that ends later than possible was written with a wrong clock: it is restarted.
"""

import hashlib
import logging
import mmap
import os
import struct
import time
import weakref
from collections.abc import Sequence
from contextlib import suppress
from fcntl import LOCK_EX, LOCK_NB, LOCK_UN, lockf
from pathlib import Path
from typing import TypeAlias

log = logging.getLogger(__name__)
_SLOT = struct.Struct("<8sII")
_WINDOW = struct.Struct("<II")  # the end of the window, the count
_SLOTS = 32  # per bucket
_BUCKETS = 8192
_BUCKET = _SLOTS * _SLOT.size
_MAX_COUNT = 2**32 - 1
_MAX_SECONDS = 86_400  # seconds of a window
_SKEW = 60  # seconds: the time is read before the bucket is locked
_PATIENCE = 1.0  # seconds to wait for a lock: a process can be stopped while it holds it
_PAUSES = (0.0001, 0.01)  # the first and the longest pause between two attempts; short, because a lock is held for microseconds
Counters: TypeAlias = tuple[int, list[tuple[bytes, int]]]  # the bucket; the tag and the seconds of each counter
Window: TypeAlias = tuple[int, int]  # (count, end); a plain tuple, because one is made for each request


class WindowTable:
    """The counters; without a file those of this process only. Only one thread of a process may count."""

    def __init__(self, file: Path | None, key: bytes) -> None:
        self._key = hashlib.sha256(key).digest()
        self._file: int | None = None
        if file:
            try:
                self._file = _open(file)
                weakref.finalize(self, os.close, self._file)
            except OSError as error:
                log.warning("limits are counted per process: %s cannot be used: %s", file, error)
        size = _BUCKETS * _BUCKET
        # An anonymous map would be shared with forked processes.
        self._table: mmap.mmap | bytearray = bytearray(size) if self._file is None else mmap.mmap(self._file, size)

    def locate(self, owner: object, counters: Sequence[tuple[object, int]]) -> Counters:
        """Finds the place of these counters of one owner: (name, seconds of its window, at most a day)."""
        bucket = int.from_bytes(self._hash(owner), "little") % _BUCKETS
        return bucket, [(self._hash((owner, name)), seconds) for name, seconds in counters]

    def count(self, counters: Counters, moment: int) -> list[Window]:
        """Adds one to each of these counters. Returns for each (count, end of the window in seconds since 1970)."""
        bucket, tags = counters
        is_locked = self._file is not None and _lock(self._file, bucket)
        try:
            return [self._add(bucket, tag, seconds, moment) for tag, seconds in tags]
        finally:
            if self._file is not None and is_locked:
                lockf(self._file, LOCK_UN, 1, bucket)

    def _add(self, bucket: int, tag: bytes, seconds: int, moment: int) -> Window:
        offset = self._find(bucket, tag)
        if offset is None:
            window = _first(moment, seconds)
            self._insert(self._free_slot(bucket, moment), _SLOT.pack(tag, window[1], window[0]))
            return window
        end, count = _WINDOW.unpack_from(self._table, offset + 8)
        window = (min(count + 1, _MAX_COUNT), end) if moment < end <= moment + seconds + _SKEW else _first(moment, seconds)
        _WINDOW.pack_into(self._table, offset + 8, window[1], window[0])
        return window

    def _find(self, bucket: int, tag: bytes) -> int | None:
        """The offset of the slot with this tag. It is searched in a copy, so that other processes cannot change the bucket meanwhile."""
        start = bucket * _BUCKET
        slots = self._table[start : start + _BUCKET]
        place = slots.find(tag)
        while place >= 0 and place % _SLOT.size:
            place = slots.find(tag, place + 1)
        return None if place < 0 else start + place

    def _free_slot(self, bucket: int, moment: int) -> int:
        """The offset for a new slot: an empty one, one whose window is over, or the one with the lowest count."""
        start = bucket * _BUCKET

        def worth(slot: tuple[int, tuple[bytes, int, int]]) -> int:
            _, (_, end, count) = slot
            return count if moment < end <= moment + _MAX_SECONDS + _SKEW else 0

        slots = enumerate(_SLOT.iter_unpack(self._table[start : start + _BUCKET]))
        number, _ = min(slots, key=worth)
        return start + number * _SLOT.size

    def _insert(self, offset: int, slot: bytes) -> None:
        if self._file is None:
            self._table[offset : offset + _SLOT.size] = slot
            return
        try:
            os.pwrite(self._file, slot, offset)
        except OSError as error:  # the disk is full: this use is not counted
            log.warning("a limit could not be counted: %s", error)

    def _hash(self, name: object) -> bytes:
        return hashlib.blake2b(repr(name).encode(), digest_size=8, key=self._key).digest()


def _open(file: Path) -> int:
    """Opens the file and creates it if necessary. It is never truncated, because other processes map it."""
    file.parent.mkdir(mode=0o700, exist_ok=True)
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        os.posix_fallocate(descriptor, 0, _BUCKETS * _BUCKET)  # on tmpfs even reading an unallocated page needs space
        with suppress(BlockingIOError, PermissionError):
            lockf(descriptor, LOCK_EX | LOCK_NB, 1, 0)  # raises on a file system without locks
            lockf(descriptor, LOCK_UN, 1, 0)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def _lock(file: int, bucket: int) -> bool:
    """Waits for the lock of a bucket. POSIX has no lock with a time limit, so this asks again and again until the time is over:
    a fixed number of attempts could all meet a lock that other processes take in turn. Returns whether it has the lock."""
    until, (pause, longest) = time.monotonic() + _PATIENCE, _PAUSES
    while True:
        try:
            lockf(file, LOCK_EX | LOCK_NB, 1, bucket)
            return True
        except (BlockingIOError, PermissionError):  # POSIX allows both for a lock that another process holds
            if time.monotonic() >= until:
                break
        time.sleep(pause)
        pause = min(2 * pause, longest)
    log.warning("a process holds the lock of a counter for too long; counting without the lock")
    return False


def _first(moment: int, seconds: int) -> Window:
    return 1, (moment // seconds + 1) * seconds
