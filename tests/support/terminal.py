"""A person at a terminal: types, reads, and waits for what should come."""

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time

from berth import PATIENCE


END = "[end of what was shown]"


class Terminal:
    """A `berth ARGUMENTS` that a person has typed at a terminal of 100 by 30."""

    def __init__(self, berth, *arguments):
        self.master, slave = pty.openpty()
        self.resize(100, 30)
        self.before = termios.tcgetattr(slave)
        self.slave = slave
        self.seen = ""
        self.process = subprocess.Popen(
            berth.command(arguments), stdin=slave, stdout=slave, stderr=slave, env=berth.environment, start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.terminate()
            self.end()
        os.close(self.master)
        os.close(self.slave)

    def resize(self, columns, rows):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, text):
        os.write(self.master, text.encode())

    def read(self, timeout):
        if select.select([self.master], [], [], timeout)[0]:
            self.seen += os.read(self.master, 65536).decode()

    def expect(self, pattern):
        """Reads until the pattern comes; forgets up to its end."""
        deadline = time.monotonic() + 60 * PATIENCE
        while True:
            found = re.search(pattern, self.seen)
            if found:
                self.seen = self.seen[found.end():]
                return found
            assert time.monotonic() < deadline, f"never saw {pattern!r}: {self.seen!r}"
            self.read(0.1)

    def end(self):
        """The exit code. The kernel hands on what was written some time later: what we write comes after all of it."""
        deadline = time.monotonic() + 60 * PATIENCE
        while self.process.poll() is None:
            assert time.monotonic() < deadline, self.seen
            self.read(0.05)
        os.write(self.slave, END.encode())
        while END not in self.seen:
            assert time.monotonic() < deadline, self.seen
            self.read(0.05)
        self.seen = self.seen.replace(END, "")
        return self.process.returncode
