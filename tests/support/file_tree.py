"""What a file system tree looks like beneath a descriptor, entry by entry, and how two of them differ."""

import dataclasses
import hashlib
import os
import stat

import layer_tree

KINDS = {stat.S_IFREG: "file", stat.S_IFDIR: "directory", stat.S_IFLNK: "symlink", stat.S_IFCHR: "character device",
         stat.S_IFBLK: "block device", stat.S_IFIFO: "fifo", stat.S_IFSOCK: "socket"}
CHUNK = 1 << 20


@dataclasses.dataclass(frozen=True)
class Entry:
    kind: str
    mode: str  # octal, with setuid, setgid and sticky
    owner: tuple
    mtime_ns: int
    xattrs: tuple
    content: str  # a file's size and SHA-256, a symlink's target, a device's numbers
    links: tuple  # every path of the inode, when there are several


GHOST = Entry("listed, but not there", "", (), 0, (), "", ())


def walk(root):
    """path (bytes, "." is the root) -> Entry, of a directory or of a layer's image. By descriptors: paths may be longer than
    PATH_MAX."""
    entries, inodes = {}, {}
    with layer_tree.opened(root) as directory:
        fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
        try:
            _walk(fd, b".", entries, inodes)
        finally:
            os.close(fd)
    for paths in inodes.values():
        if len(paths) > 1:
            for path in paths:
                entries[path] = dataclasses.replace(entries[path], links=tuple(sorted(paths)))
    return entries


def differences(left, right):
    """What differs: [(path, field, left's, right's), ...]."""
    found = []
    for path in sorted({*left, *right}):
        if path not in left or path not in right:
            found.append((os.fsdecode(path), "exists", path in left, path in right))
            continue
        ours, theirs = dataclasses.asdict(left[path]), dataclasses.asdict(right[path])
        found += [(os.fsdecode(path), field, ours[field], theirs[field]) for field in ours
                  if ours[field] != theirs[field]]
    return found


def holes(path):
    """The file's data as lseek(2) shows it: [(start, end), ...]."""
    with open(path, "rb") as file:
        size, at, found = file.seek(0, os.SEEK_END), 0, []
        while at < size:
            try:
                start = os.lseek(file.fileno(), at, os.SEEK_DATA)
            except OSError:  # ENXIO: a hole up to the end
                break
            at = os.lseek(file.fileno(), start, os.SEEK_HOLE)
            found.append((start, at))
        return found


def _walk(fd, path, entries, inodes):
    entries[path] = _entry(fd, b"", os.stat(fd))
    for name in sorted(os.listdir(f"/proc/self/fd/{fd}".encode())):
        below = name if path == b"." else path + b"/" + name
        try:
            status = os.stat(name, dir_fd=fd, follow_symlinks=False)
        except FileNotFoundError:  # overlayfs lists whiteouts where it merges nothing
            entries[below] = GHOST
            continue
        if stat.S_ISDIR(status.st_mode):
            child = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=fd)
            try:
                _walk(child, below, entries, inodes)
            finally:
                os.close(child)
            continue
        entries[below] = _entry(fd, name, status)
        if status.st_nlink > 1:
            inodes.setdefault((status.st_dev, status.st_ino), []).append(below)


def _entry(fd, name, status):
    kind = KINDS[stat.S_IFMT(status.st_mode)]
    through = f"/proc/self/fd/{fd}/".encode() + (name or b".")
    xattrs = tuple((attribute, os.getxattr(through, attribute, follow_symlinks=False))
                   for attribute in sorted(os.listxattr(through, follow_symlinks=False))
                   if not attribute.startswith(("trusted.overlay.", "user.overlay.")))
    mode = "" if kind == "symlink" else oct(stat.S_IMODE(status.st_mode))
    return Entry(kind, mode, (status.st_uid, status.st_gid), status.st_mtime_ns, xattrs,
                 _content(fd, name, kind, status), ())


def _content(fd, name, kind, status):
    if kind == "symlink":
        return os.fsdecode(os.readlink(name, dir_fd=fd))
    if kind.endswith("device"):
        return f"{os.major(status.st_rdev)}:{os.minor(status.st_rdev)}"
    if kind != "file":
        return ""
    digest = hashlib.sha256()
    with open(os.open(name, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=fd), "rb") as file:
        while piece := file.read(CHUNK):
            digest.update(piece)
    return f"{status.st_size} bytes {digest.hexdigest()[:16]}"
