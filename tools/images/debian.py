"""Programs of Debian packages as layers: downloaded and unpacked, not installed, with the libraries that they are linked to."""

import os
import re
import subprocess
import sys

from busybox import base_layer


def unpack_packages(names, directory):
    """The root below `directory` that these packages are unpacked to. Nothing of them shall listen on this machine."""
    fetch = ["apt-get", "-qq", "-o", "APT::Sandbox::User=root", "download", *names]
    if subprocess.run(fetch, cwd=directory, stderr=subprocess.DEVNULL).returncode != 0:
        subprocess.run(["apt-get", "-qq", "update"], check=True)
        subprocess.run(fetch, cwd=directory, check=True)
    for package in sorted(directory.glob("*.deb")):
        subprocess.run(["dpkg", "-x", package, directory / "root"], check=True)
    return directory / "root"


def libraries_of(programs, root=None):
    """The closure of shared libraries, the loader included: (file, path that the loader will look for). Those of packages that
    are unpacked to `root` come before those of this machine."""
    own = root.glob("usr/lib/*-linux-gnu") if root else ()
    environment = {**os.environ, "LD_LIBRARY_PATH": ":".join(map(str, own))}
    listing = subprocess.check_output(["ldd", *programs], text=True, env=environment)
    missing = sorted(set(re.findall(r"(\S+) => not found", listing)))
    if missing:
        sys.exit(f"{sys.argv[0]}: install the libraries first: {', '.join(missing)}")
    found = sorted(set(re.findall(r"(/\S+) \(0x", listing)))
    return [(path, path.removeprefix(str(root or "")).lstrip("/")) for path in found]


def library_layer(programs, root=None):
    """busybox, and what the programs are linked to."""
    layer = base_layer()
    for path, name in libraries_of(programs, root):
        layer.host_file(path, name)
    # Named accounts are looked up through a library that is opened by name, not linked.
    return layer.file("etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n")
