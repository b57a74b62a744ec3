"""The layer that the test images stand on: Debian's busybox-static with a link for each applet."""

import subprocess

from oci_layout import Layer

BUSYBOX = "/bin/busybox"


def base_layer(compression="gzip"):
    layer = Layer(compression).host_file(BUSYBOX, "bin/busybox")
    for path in sorted(subprocess.check_output([BUSYBOX, "--list-full"], text=True).split()):
        name = path if "/" in path else f"bin/{path}"
        if name != "bin/busybox":
            layer.hardlink(name, "bin/busybox")
    for name, mode in {"dev": 0o755, "proc": 0o555, "sys": 0o555, "root": 0o700, "run": 0o755, "home": 0o755,
                       "mnt": 0o755, "tmp": 0o1777, "var/tmp": 0o1777, "var/log": 0o755, "var/run": 0o755}.items():
        layer.directory(name, mode)
    layer.file("etc/passwd", "root:x:0:0:root:/root:/bin/sh\n"
                             "daemon:x:1:1:daemon:/usr/sbin:/bin/false\n"
                             "www-data:x:33:33:www-data:/var/www:/bin/false\n"
                             "user:x:1000:1000:user:/home/user:/bin/sh\n"
                             "nobody:x:65534:65534:nobody:/home:/bin/false\n")
    layer.file("etc/group", "root:x:0:\ndaemon:x:1:\nstaff:x:50:user\nwww-data:x:33:\nuser:x:1000:\nnogroup:x:65534:\n")
    layer.directory("home/user", 0o755, 1000, 1000)
    return layer
