"""What a power cut leaves: a model of a file system that keeps only what was synced, fed with the system calls of a real
process (strace -f -y).

    fsync(file)      its content and attributes, as they were when the call began
    fsync(directory) the names in it, not what they name
    syncfs           all of it

Everything else may or may not have reached the disk, each by itself and in any order: of every directory any of the
changes of names since its last sync, of every file any part of what was done to it since. Real file systems promise more
(ext4 and xfs keep the order of renames); the store must not need it. A rename between two directories is two changes.

What is renamed into its place under blobs/, layers/ and images/ is remembered as it was then, and in every state that a
power cut could leave, what stands there must be whole; an image that is listed must have all that it names.
"""

import dataclasses
import json
import pathlib
import re
import subprocess

CALLS = """openat openat2 creat mkdir mkdirat mknod mknodat symlink symlinkat link linkat rename renameat renameat2 unlink
unlinkat rmdir write pwrite64 writev pwritev pwritev2 ftruncate truncate fallocate copy_file_range sendfile splice
fchmod fchmodat chmod fchown fchownat chown lchown utimensat setxattr lsetxattr fsetxattr removexattr lremovexattr
fremovexattr fsync fdatasync syncfs sync sync_file_range msync fcntl dup dup2 dup3 io_uring_enter""".split()
SYNCS = ("fsync", "fdatasync", "syncfs", "sync")
CONTENT = ("write", "pwrite64", "writev", "pwritev", "pwritev2", "ftruncate", "fallocate")
ATTRIBUTES = ("fchmod", "fchmodat", "chmod", "fchown", "fchownat", "chown", "lchown", "utimensat", "setxattr",
              "lsetxattr", "fsetxattr", "removexattr", "lremovexattr", "fremovexattr")
DIRECTORY_FLAG = "AT_REMOVEDIR"


class Inode:
    """A file or directory. `done` counts what was done to it, `synced` how much of that is safe."""

    def __init__(self, is_directory):
        self.done, self.synced = 1, 0
        self.names = {} if is_directory else None
        self.safe_names = {}
        self.pending = []  # (name, inode or None) since the last sync

    def change(self, name, inode):
        if inode is None:
            self.names.pop(name)
        else:
            self.names[name] = inode
        self.pending.append((name, inode))


@dataclasses.dataclass
class Call:
    name: str
    arguments: list
    result: str


def run(command, log, **options):
    """Runs the command under strace; gives its calls, each when it began and when it ended."""
    subprocess.run(["strace", "-f", "-y", "-s", "0", "-e", "signal=none", "-e", "trace=" + ",".join(CALLS), "-o", str(log),
                    *command], check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, **options)
    return list(parse(log.read_text(errors="surrogateescape")))


def parse(text):
    """("begin" | "end", call): ended calls have their result."""
    begun = {}
    for line in text.splitlines():
        pid, _, rest = line.partition(" ")
        rest = rest.strip()
        if rest.startswith(("+++", "---")):
            continue
        resumed = re.match(r"<\.\.\. (\w+) resumed>(.*)", rest)
        if resumed:
            call, head = begun.pop(pid)
            finish(call, head + resumed.group(2))
            yield "end", call
        elif rest.endswith("<unfinished ...>"):
            head = rest.removesuffix("<unfinished ...>").rstrip()
            call = Call(head.split("(", 1)[0], [], "")
            begun[pid] = call, head
            call.arguments = split(head.split("(", 1)[1])
            yield "begin", call
        else:
            call = Call(rest.split("(", 1)[0], [], "")
            finish(call, rest)
            yield "begin", call
            yield "end", call


def finish(call, text):
    body, _, call.result = text.split("(", 1)[1].rpartition(" = ")
    call.arguments = split(body.rstrip()[:-1])


def split(text):
    """At the commas outside of strings and brackets."""
    arguments, depth, quoted, start, index = [], 0, False, 0, 0
    while index < len(text):
        letter = text[index]
        if quoted:
            if letter == "\\":
                index += 1
            quoted = letter != '"'
        elif letter == '"':
            quoted = True
        elif letter in "([{":
            depth += 1
        elif letter in ")]}":
            depth -= 1
        elif letter == "," and depth == 0:
            arguments.append(text[start:index].strip())
            start = index + 1
        index += 1
    return [*arguments, text[start:].strip()] if text[start:].strip() else arguments


class Disk:
    """The model of the directory `root`; `records` tells what the images name (see what_records_name)."""

    def __init__(self, root, records):
        self.root, self.records = str(root), records
        self.top = load(root) if pathlib.Path(root).exists() else None
        self.placed = {}  # inode -> {inode beneath or itself: (done, names)} as it was put in its place
        self._fds = {}
        self._begun = {}
        if self.top is not None:
            for place in ("blobs/sha256", "layers", "images"):
                for inode in self._find(place).names.values():
                    self._place(inode)

    # ---- feeding ----

    def feed(self, kind, call):
        """True when the call may have changed what a power cut leaves."""
        if kind == "begin":
            if call.name in SYNCS:
                self._begun[id(call)] = self._snapshot()
            return False
        if call.result.startswith(("-1", "?")):
            return False
        self._note_descriptor(call)
        return getattr(self, "_" + call.name, self._other)(call)

    def _note_descriptor(self, call):
        made = re.match(r"(\d+)<(.*)>$", call.result)
        if made:
            self._fds[made.group(1)] = made.group(2)

    def _path(self, *arguments):
        """Beneath the root, of ["fd<path>",] "path"; None when it is elsewhere."""
        path = ""
        for argument in arguments:
            if argument == "NULL":  # utimensat(2): the descriptor itself
                continue
            if argument.startswith('"'):
                text = argument[1:argument.rindex('"')].encode().decode("unicode_escape")
                path = text if text.startswith("/") else f"{path}/{text}".rstrip("/")
            else:
                path = argument.split("<", 1)[1].rstrip(">")
        through = re.match(r"/proc/self/fd/(\d+)(.*)", path)
        if through:
            path = self._fds.get(through.group(1), "") + through.group(2)
        if path == self.root:
            return ""
        return path.removeprefix(self.root + "/") if path.startswith(self.root + "/") else None

    def _find(self, path):
        inode = self.top
        for name in filter(None, path.split("/")):
            inode = inode.names[name]
        return inode

    def _parent(self, path):
        parent, _, name = path.rpartition("/")
        return self._find(parent), name

    def _make(self, path, is_directory):
        if path is None:
            return False
        if path == "":
            self.top = Inode(True)
            self.top.is_named = False
            return True
        parent, name = self._parent(path)
        parent.change(name, Inode(is_directory))
        return True

    def _openat(self, call):
        path = self._path(*call.arguments[:2])
        if path is None or "O_CREAT" not in call.arguments[2]:
            return False
        parent, name = self._parent(path)
        if name not in parent.names:
            return self._make(path, False)
        if "O_TRUNC" in call.arguments[2]:
            parent.names[name].done += 1
        return True

    _openat2 = _openat

    def _mkdir(self, call):
        return self._make(self._path(call.arguments[0]), True)

    def _mkdirat(self, call):
        return self._make(self._path(*call.arguments[:2]), True)

    def _mknodat(self, call):
        return self._make(self._path(*call.arguments[:2]), False)

    def _symlinkat(self, call):
        return self._make(self._path(*call.arguments[1:3]), False)

    def _linkat(self, call):
        source, target = self._path(*call.arguments[:2]), self._path(*call.arguments[2:4])
        if target is None:
            return False
        parent, name = self._parent(target)
        # One file system may be linked into from outside of the root: its content is new to us.
        parent.change(name, Inode(False) if source is None else self._find(source))
        return True

    def _link(self, call):
        return self._linkat(Call("linkat", ["AT_FDCWD</>", call.arguments[0], "AT_FDCWD</>", call.arguments[1]], "0"))

    def _rename(self, call):
        return self._move(self._path(call.arguments[0]), self._path(call.arguments[1]), False)

    def _renameat2(self, call):
        return self._move(self._path(*call.arguments[:2]), self._path(*call.arguments[2:4]),
                          "RENAME_EXCHANGE" in call.arguments[4])

    def _move(self, source, target, is_exchange):
        if source is None and target is None:
            return False
        assert source is not None and target is not None, "a rename across the root"
        (old_parent, old_name), (new_parent, new_name) = self._parent(source), self._parent(target)
        moved, there = old_parent.names[old_name], new_parent.names.get(new_name)
        new_parent.change(new_name, moved)
        old_parent.change(old_name, there if is_exchange else None)
        if re.match(r"(blobs/sha256|layers|images)/[^/]+$", target):
            self._place(moved)
        return True

    def _unlinkat(self, call):
        path = self._path(*call.arguments[:2])
        if path is None:
            return False
        parent, name = self._parent(path)
        parent.change(name, None)
        return True

    def _unlink(self, call):
        return self._unlinkat(Call("unlinkat", ["AT_FDCWD</>", call.arguments[0]], "0"))

    _rmdir = _unlink

    def _copy_file_range(self, call):
        return self._touch(self._path(call.arguments[2]))

    def _sendfile(self, call):
        return self._touch(self._path(call.arguments[0]))

    def _touch(self, path):
        if path is None:
            return False
        self._find(path).done += 1
        return True

    def _other(self, call):
        if call.name in CONTENT:
            return self._touch(self._path(call.arguments[0])) if "<" in call.arguments[0] else False
        if call.name in ATTRIBUTES:
            has_directory = call.name.endswith("at")
            return self._touch(self._path(*call.arguments[:2 if has_directory else 1]))
        if call.name in SYNCS:
            return self._sync(call)
        if call.name in ("fcntl", "dup", "dup2", "dup3", "sync_file_range"):
            return False  # the last promises nothing
        if any(self.root in argument for argument in call.arguments):
            raise AssertionError(f"the model does not know {call}")
        return False

    # ---- syncing ----

    def _all(self, inode=None, seen=None):
        seen = {} if seen is None else seen
        inode = inode or self.top
        if inode is not None and id(inode) not in seen:
            seen[id(inode)] = inode
            for child in (inode.names or {}).values():
                self._all(child, seen)
        return list(seen.values())

    def _snapshot(self):
        return {id(inode): (inode, inode.done, len(inode.pending), dict(inode.names or {})) for inode in self._all()}

    def _sync(self, call):
        before = self._begun.pop(id(call))
        if call.name == "sync":
            chosen = list(before)
        else:
            path = self._path(call.arguments[0])
            if path is None:
                return False
            chosen = list(before) if call.name == "syncfs" else [id(self._find(path))]
        for key in chosen:
            inode, done, pending, names = before[key]
            inode.synced = max(inode.synced, done)
            if inode.names is not None:
                inode.safe_names = names
                del inode.pending[:pending]
        return True

    # ---- what is left ----

    def _place(self, inode):
        self.placed[id(inode)] = {id(each): (each, each.done, {name: id(child) for name, child in (each.names or {}).items()})
                                  for each in self._all(inode)}

    def states(self, chance, samples):
        """Of what a power cut could leave now: the least, names without content, content without names, and some by chance.
        Each is (names of a directory inode, how much of a file inode)."""
        def some_names(directory):
            names = dict(directory.safe_names)
            for name, inode in directory.pending:
                if chance.random() < 0.5:
                    names.pop(name, None) if inode is None else names.update({name: inode})
            return names

        yield (lambda directory: directory.safe_names), (lambda inode: inode.synced)
        yield (lambda directory: directory.names), (lambda inode: inode.synced)
        yield (lambda directory: directory.safe_names), (lambda inode: inode.done)
        for _ in range(samples):
            yield some_names, lambda inode: chance.randint(inode.synced, inode.done)

    def left(self, state):
        """place -> {name: inode} of the state, after every promise was checked."""
        names_of, done_of = state
        if self.top is None:
            return {"blobs/sha256": {}, "layers": {}, "images": {}}
        found = {}
        for place in ("blobs/sha256", "layers", "images"):
            directory = self.top
            for name in place.split("/"):
                directory = directory and names_of(directory).get(name)
            found[place] = dict(names_of(directory)) if directory else {}
            for name, inode in found[place].items():
                self._assert_whole(f"{place}/{name}", inode, names_of, done_of)
        for record in found["images"]:
            blobs, layers = self.records[record]
            assert blobs <= set(found["blobs/sha256"]), f"{record} lacks blobs {blobs - set(found['blobs/sha256'])}"
            assert layers <= set(found["layers"]), f"{record} lacks layers {layers - set(found['layers'])}"
        return found

    def _assert_whole(self, path, inode, names_of, done_of):
        for each, done, names in self.placed[id(inode)].values():
            assert done_of(each) >= done, f"{path}: something in it was not synced"
            if each.names is not None:
                assert {name: id(child) for name, child in names_of(each).items()} == names, f"{path}: names are missing"


def load(path):
    """Inodes of what is on disk, all of it safe."""
    seen = {}

    def one(entry):
        status = entry.lstat()
        if status.st_ino not in seen:
            is_directory = entry.is_dir() and not entry.is_symlink()
            inode = seen[status.st_ino] = Inode(is_directory)
            inode.synced = inode.done
            if is_directory:
                inode.names = {child.name: one(child) for child in entry.iterdir()}
                inode.safe_names = dict(inode.names)
        return seen[status.st_ino]
    return one(pathlib.Path(path))


def what_records_name(root):
    """File under images/ -> (hex of the blobs, hex of the layers) that the image needs."""
    root, named = pathlib.Path(root), {}
    for path in (root / "images").glob("*.json"):
        record = json.loads(path.read_text())
        manifest = json.loads((root / "blobs/sha256" / record["manifest_digest"][7:]).read_text())
        blobs = {record["manifest_digest"], record["config_digest"], record["resolved_digest"],
                 *(layer["digest"] for layer in manifest["layers"])}
        named[path.name] = {digest[7:] for digest in blobs}, {chain_id[7:] for chain_id in record["layers"]}
    return named
