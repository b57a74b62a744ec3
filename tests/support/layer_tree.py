"""Unpacked layers as tests look into them: directories, or images of one file each, which are mounted for that."""

import contextlib
import pathlib
import subprocess
import tempfile


def tree_in(layer):
    """What stands in the directory of a layer (<root>/layers/<hex>): its image, or its directory."""
    image = pathlib.Path(layer) / "fs.erofs"
    return image if image.exists() else pathlib.Path(layer) / "fs"


@contextlib.contextmanager
def opened(tree):
    """A directory that shows what is in the layer."""
    tree = pathlib.Path(tree)
    if tree.is_dir():
        yield tree
        return
    with tempfile.TemporaryDirectory(prefix="layer-", dir="/tmp") as directory:
        subprocess.run(["mount", "-t", "erofs", "-o", "loop,ro", tree, directory], check=True)
        try:
            yield pathlib.Path(directory)
        finally:
            subprocess.run(["umount", directory], check=True)


def look(path):
    """What an entry looks like."""
    status = path.lstat()
    content = path.readlink() if path.is_symlink() else path.read_bytes() if path.is_file() else b""
    return (status.st_mode, status.st_uid, status.st_gid, status.st_mtime_ns, status.st_rdev,
            path.is_dir() or status.st_nlink, content)
