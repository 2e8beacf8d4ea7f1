"""What a disk may hold after a power cut: the oracle for faultshim.so.

A second, simple telling of shim.h: it knows contents, not journals. Each file
and directory remembers what is durable and every state since; `lost()` is the
one tree that is left when all else is lost, `allows()` judges a torn one and
`outcomes()` lists them all.
"""

import itertools

SECTOR = 512


def cut(octets, size):
    return bytes(octets[:size]) + bytes(max(0, size - len(octets)))


def sector_of(octets, number):
    return cut(octets[number * SECTOR:(number + 1) * SECTOR], SECTOR)


def count_of(size):
    return (size + SECTOR - 1) // SECTOR


class Era:
    """The states of a file between two cuts: ends, versions of sectors."""

    def __init__(self, sizes, versions):
        self.sizes = sizes
        self.versions = versions  # sector -> contents; absent: zeroes

    def of(self, sector):
        return self.versions.get(sector, [bytes(SECTOR)])

    def add(self, sector, octets):
        versions = self.versions.setdefault(sector, [bytes(SECTOR)])
        if octets not in versions:
            versions.append(octets)

    def allows(self, octets):
        return len(octets) in self.sizes and all(
            any(octets[i * SECTOR:(i + 1) * SECTOR] ==
                version[:len(octets) - i * SECTOR]
                for version in self.of(i))
            for i in range(count_of(len(octets))))

    def outcomes(self):
        for size in self.sizes:
            sectors = [self.of(i) for i in range(count_of(size))]
            for chosen in itertools.product(*sectors):
                yield cut(b"".join(chosen), size)


class File:
    def __init__(self):
        self.now = b""
        self.durable = b""
        self.dirty = set()  # sectors written since the last sync
        self.is_resized = False
        self.eras = [Era([0], {})]
        self.cut_at = None  # first sector of what was cut off since

    def write(self, at, octets):
        self.now = cut(self.now, max(len(self.now), at))
        self.now = self.now[:at] + octets + self.now[at + len(octets):]
        touched = range(at // SECTOR, count_of(at + len(octets)))
        self.dirty.update(touched)
        self.resized()
        for i in touched:
            self.eras[-1].add(i, sector_of(self.now, i))

    def resized(self):
        self.is_resized = True
        if len(self.now) not in self.eras[-1].sizes:
            self.eras[-1].sizes.append(len(self.now))

    def truncate(self, size):
        if size >= len(self.now):
            self.now = cut(self.now, size)
            self.resized()
            return
        first = size // SECTOR
        self.dirty.update(range(first, count_of(len(self.now))))
        self.now = self.now[:size]
        kept = {i: list(versions)
                for i, versions in self.eras[-1].versions.items()
                if i < first}
        if size % SECTOR:
            kept[first] = [sector_of(self.now, first)]
        self.eras.append(Era([size], kept))
        self.cut_at = first if self.cut_at is None else min(self.cut_at,
                                                            first)
        self.is_resized = True

    def sync(self, sectors=None):
        """All of it, or with O_DSYNC what one write touched."""
        sectors = self.dirty if sectors is None else sectors
        if not (self.is_resized or sectors):
            return
        durable = cut(self.durable, SECTOR * count_of(max(
            len(self.now), len(self.durable))))
        contents = {i: sector_of(self.now, i) for i in sectors}
        if self.cut_at is not None:  # the cut has happened with it
            for i in range(self.cut_at, count_of(len(durable))):
                contents.setdefault(i, self.eras[-1].of(i)[0])
        for i, octets in contents.items():
            at = i * SECTOR
            durable = durable[:at] + octets + durable[at + SECTOR:]
        self.durable = cut(durable, len(self.now))
        self.cut_at = None
        self.settle(sectors)
        self.dirty -= set(sectors)
        self.is_resized = False

    def settle(self, sectors):
        """Of the newest era the size and these sectors are left."""
        era = Era([len(self.now)], dict(self.eras[-1].versions))
        for i in sectors:
            era.versions[i] = [sector_of(self.now, i)]
        self.eras = [era]

    def sync_failed(self):
        self.dirty.clear()
        self.is_resized = False

    def lost(self):
        return self.durable

    def allows(self, octets):
        return isinstance(octets, bytes) and any(
            era.allows(octets) for era in self.eras)

    def outcomes(self):
        for era in self.eras:
            yield from era.outcomes()


class Directory:
    def __init__(self):
        self.now = {}
        self.states = [{}]  # the durable one, then one for each operation

    def set(self, **changes):
        """Names to what they now are; None removes."""
        self.now = {name: node for name, node in {**self.now,
                                                  **changes}.items() if node}
        self.states.append(self.now)

    def sync(self):
        self.states = [self.now]

    def lost(self):
        return {name: node.lost() for name, node in self.states[0].items()}

    def allows(self, tree):
        return isinstance(tree, dict) and any(
            tree.keys() == state.keys() and all(
                node.allows(tree[name]) for name, node in state.items())
            for state in self.states)

    def outcomes(self):
        for state in self.states:
            names = sorted(state)
            for chosen in itertools.product(*(state[name].outcomes()
                                              for name in names)):
                yield dict(zip(names, chosen))


class Disk:
    """Runs the steps that `run` gives to its writer."""

    def __init__(self):
        self.root = Directory()

    def place(self, path):
        node = self.root
        *parents, name = path.split("/")
        for parent in parents:
            node = node.now[parent]
        return node, name

    def file(self, path):
        parent, name = self.place(path)
        return parent.now[name]

    def run(self, steps):
        for what, path, *words in steps:
            getattr(self, what)(path, *words)
        return self

    def create(self, path):
        parent, name = self.place(path)
        parent.set(**{name: File()})

    def mkdir(self, path):
        parent, name = self.place(path)
        parent.set(**{name: Directory()})

    def unlink(self, path):
        parent, name = self.place(path)
        parent.set(**{name: None})

    def rename(self, path, to):
        parent, name = self.place(path)
        parent.set(**{to: parent.now[name], name: None})

    def write(self, path, at, length, letter):
        self.file(path).write(at, letter.encode() * length)

    def write_synced(self, path, at, length, letter):
        file = self.file(path)
        file.write(at, letter.encode() * length)
        file.sync(set(range(at // SECTOR, count_of(at + length))))

    def truncate(self, path, size):
        self.file(path).truncate(size)

    def allocate(self, path, size):
        file = self.file(path)
        file.truncate(max(size, len(file.now)))

    def sync(self, path):
        self.file(path).sync()

    def sync_failed(self, path):
        self.file(path).sync_failed()

    def sync_dir(self, path):
        parent, name = self.place(path)
        (parent.now[name] if name else parent).sync()
