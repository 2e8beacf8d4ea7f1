#!/usr/bin/env python3
"""Takes back what was not durable when a process under faultshim.so died.

    powercut.py [--mode lose|tear] [--seed N] [--undo DIR] DIR

The process is dead; DIR was its MURDER_SHIM_DIR. `lose` takes back everything
that was not synced. `tear` draws by seed what a disk may have done with it:

- each sector of a file (512 octets, in some files 4,096) is as any one of the
  writes since the last sync left it, or as it was then, apart from all others;
- a file ends where it did at that sync or after any one of these writes, apart
  from its sectors; a sector that is not there reads as zeroes;
- a file that was cut short is so, or is as if nothing happened since;
- of the operations on names in one directory since its last sync the first so
  many have happened and the rest have not; directories are apart.

Afterwards the journal is empty: what is there now is on the disk. shim.h tells
what the journal is made of.
"""

import argparse
import os
import random
import shutil
import stat
import struct

MAGIC = 0x6F646E75
WRITE, SHRINK, SYNC, LOST = 1, 2, 3, 4
HEAD = struct.Struct("<IBBHQQQ")
UNITS = (512, 4096)
KEEP = (0, 0.1, 0.5, 0.9, 1)  # how likely a sector is the newest


class Record:
    """What [at, at + length) held before a write; `old` is its place."""

    def __init__(self, kind, position, at, length, size, old):
        self.kind = kind
        self.position = position
        self.at = at
        self.length = length
        self.size = size
        self.old = old  # None: zeroes
        self.is_durable = False
        self.is_lost = False

    def units(self, unit):
        if not self.length:
            return range(0)
        return range(self.at // unit, (self.at + self.length - 1) // unit + 1)


def heads(journal):
    """(kind, position, zero, at, length, size, data); a torn tail ends it."""
    position = 0
    while position + HEAD.size <= len(journal):
        magic, kind, zero, _, at, length, size = HEAD.unpack_from(journal,
                                                                  position)
        assert magic == MAGIC, "no journal"
        data = position + HEAD.size
        end = data
        if kind in (WRITE, SHRINK) and not zero:
            end += length
        if end > len(journal):
            return
        yield kind, position, zero, at, length, size, data
        position = end


def read_records(journal):
    records, pending = [], []
    for kind, position, zero, at, length, size, data in heads(journal):
        if kind in (WRITE, SHRINK):
            records.append(Record(kind, position, at, length, size,
                                  None if zero else data))
            pending.append(records[-1])
        elif kind == SYNC:
            for record in pending:
                if not record.is_lost:
                    record.is_durable = at <= record.position < at + length
            pending = [record for record in pending if not record.is_durable]
        elif kind == LOST:
            for record in pending:
                record.is_lost = record.is_lost or record.position < length
    return records


class Always:
    """Chance in mode `lose`: everything that can be taken back is."""

    def unit(self):
        return UNITS[0]

    def cut(self, candidates):
        return candidates[0] if candidates else None

    def step(self, first, _last):
        return first

    def undone(self, versions):
        return versions


class Chance:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.keep = self.random.choice(KEEP)

    def unit(self):
        return self.random.choice(UNITS)

    def cut(self, candidates):
        return self.random.choice(candidates + [None])

    def step(self, first, last):
        return self.random.randint(first, last)

    def undone(self, versions):
        if self.random.random() < self.keep:
            return 0
        return self.random.randint(1, versions)


class FileUndo:
    """One file and its journal."""

    def __init__(self, fd, journal, chance):
        self.fd = fd
        self.journal = journal
        self.chance = chance
        self.unit = chance.unit()
        self.records = read_records(journal)
        durable = [i for i, record in enumerate(self.records)
                   if record.is_durable]
        self.after_sync = durable[-1] + 1 if durable else 0
        self.seen = self.taken = 0  # versions of sectors

    def run(self):
        cut = self.chance.cut(self.cuts())
        if cut is None:
            cut = len(self.records)
        for record in reversed(self.records[cut:]):
            self.put_back(record, record.at, record.length)
        self.tear(cut)
        self.resize(cut)

    def cuts(self):
        """Where a file was cut short since the last sync."""
        return [i for i, record in enumerate(self.records)
                if i >= self.after_sync and record.kind == SHRINK
                and self.is_first(i)]

    def is_first(self, i):
        """One call makes several records if there was much to keep."""
        before = self.records[i - 1] if i else None
        return not (before and before.kind == SHRINK
                    and before.size == self.records[i].size)

    def put_back(self, record, at, length):
        if record.old is None:
            octets = bytes(length)
        else:
            start = record.old + at - record.at
            octets = self.journal[start:start + length]
        if length:
            os.pwrite(self.fd, octets, at)

    def tear(self, cut):
        for sector, records in self.versions(cut).items():
            count = self.chance.undone(len(records))
            self.seen += len(records)
            self.taken += count
            for record in records[:count]:
                at = max(record.at, sector * self.unit)
                end = min(record.at + record.length,
                          (sector + 1) * self.unit)
                self.put_back(record, at, end - at)

    def versions(self, cut):
        """sector -> records that can be taken back, the newest first."""
        found = {}
        pinned = set()
        limit = float("inf")  # from here on the file has been cut off
        for record in reversed(self.records[:cut]):
            if record.is_durable:
                pinned.update(record.units(self.unit))
            if record.kind == SHRINK:
                limit = min(limit, record.at // self.unit)
            elif not record.is_durable:
                for sector in record.units(self.unit):
                    if sector < limit and sector not in pinned:
                        found.setdefault(sector, []).append(record)
        return found

    def resize(self, cut):
        """`cut` records may have set the end; which was the last to do so?"""
        sizes = [record.size for record in self.records[:cut + 1]]
        if cut >= len(self.records):
            sizes.append(os.fstat(self.fd).st_size)
        first = self.after_sync
        for i, record in enumerate(self.records[:cut]):
            if record.kind == SHRINK:
                first = max(first, i + 1)
        os.ftruncate(self.fd, sizes[self.chance.step(first, cut)])


class NameOp:
    def __init__(self, path, line):
        self.old = path + ".old"
        self.seq = int(os.path.basename(path))
        self.what, directory, rest = line.split(" ", 2)
        self.dir = int(directory)
        if self.what == "rename":
            ino, names = rest.split(" ", 1)
            self.ino = int(ino)
            self.name, self.to = names.split("/")
        else:
            self.name = rest


def read_names(folder):
    ops = []
    for name in sorted(os.listdir(folder)):
        path = os.path.join(folder, name)
        if name.endswith(".old"):
            continue
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            line = file.read()
        if line.endswith("\n"):
            ops.append(NameOp(path, line[:-1]))
    return ops


def inodes(folder, wanted):
    """inode -> path of what is below (and is) a folder; `wanted` by mode."""
    found = {}
    for parent, _, names in os.walk(folder):
        for path in [parent] + [os.path.join(parent, name) for name in names]:
            status = os.lstat(path)
            if wanted(status.st_mode):
                found[status.st_ino] = path
    return found


def has_inode(path, ino):
    try:
        return os.lstat(path).st_ino == ino
    except FileNotFoundError:
        return False


def undo_name(op, parent):
    path = os.path.join(parent, op.name)
    if op.what == "create":
        if os.path.lexists(path):
            os.unlink(path)
    elif op.what == "mkdir":
        shutil.rmtree(path, ignore_errors=True)
    elif op.what == "unlink":
        if os.path.lexists(op.old):
            os.rename(op.old, path)
    else:
        to = os.path.join(parent, op.to)
        # A kill may have come before the rename.
        if has_inode(to, op.ino) and not has_inode(path, op.ino):
            os.rename(to, path)
            if os.path.lexists(op.old):
                os.rename(op.old, to)


class PowerCut:
    def __init__(self, folder, mode, seed, undo=None):
        self.folder = os.path.realpath(folder)
        self.undo = undo or self.folder + ".undo"
        self.mode = mode
        self.seed = seed
        self.sectors = self.sectors_taken = 0
        self.names = self.names_taken = 0

    def chance(self, name):
        if self.mode == "lose":
            return Always()
        return Chance("%s %s" % (self.seed, name))

    def run(self):
        if os.path.isdir(self.undo):
            self.undo_files()
            self.undo_names()
            for name in ("data", "names"):
                shutil.rmtree(os.path.join(self.undo, name),
                              ignore_errors=True)
        return self

    def undo_files(self):
        names = os.path.join(self.undo, "names")
        data = os.path.join(self.undo, "data")
        paths = inodes(self.folder, stat.S_ISREG)
        for name in os.listdir(names):
            if name.endswith(".old"):
                path = os.path.join(names, name)
                paths.setdefault(os.lstat(path).st_ino, path)
        for name in sorted(os.listdir(data)):
            path = paths.get(int(name))
            if path:
                self.undo_file(path, os.path.join(data, name))

    def undo_file(self, path, journal):
        with open(journal, "rb") as file:
            octets = file.read()
        if not octets:
            return
        fd = os.open(path, os.O_RDWR)
        try:
            undo = FileUndo(fd, octets, self.chance(
                os.path.relpath(path, self.folder)))
            undo.run()
            self.sectors += undo.seen
            self.sectors_taken += undo.taken
        finally:
            os.close(fd)

    def undo_names(self):
        by_dir = {}
        for op in read_names(os.path.join(self.undo, "names")):
            by_dir.setdefault(op.dir, []).append(op)
            self.names += 1
        undone = []
        # Inodes differ from run to run: each directory draws by its first op.
        for ops in by_dir.values():
            chance = self.chance("names %d" % ops[0].seq)
            undone += ops[chance.step(0, len(ops)):]
        for op in sorted(undone, key=lambda op: -op.seq):
            parent = inodes(self.folder, stat.S_ISDIR).get(op.dir)
            if parent:
                undo_name(op, parent)
        self.names_taken = len(undone)

    def __str__(self):
        return "%s %s: %d of %d sectors and %d of %d names taken back" % (
            self.mode, self.seed, self.sectors_taken, self.sectors,
            self.names_taken, self.names)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--mode", choices=("lose", "tear"), default="lose")
    parser.add_argument("--seed", default="1")
    parser.add_argument("--undo", help="the journal; default: DIR.undo")
    parser.add_argument("folder", metavar="DIR")
    options = parser.parse_args()
    print(PowerCut(options.folder, options.mode, options.seed,
                   options.undo).run())


if __name__ == "__main__":
    main()
