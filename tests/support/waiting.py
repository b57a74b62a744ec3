"""For what tells nobody that it has happened."""

import time
import urllib.request

from leak_census import PATIENCE


def wait_until(condition, what="it came about", seconds=20, pause=0.02):
    """What the condition gives, once that is true."""
    deadline = time.monotonic() + seconds * PATIENCE
    while not (found := condition()):
        assert time.monotonic() < deadline, f"never: {what}"
        time.sleep(pause)
    return found


def fetch(url, seconds=10):
    """The page, of a server that may only be starting."""
    deadline = time.monotonic() + seconds * PATIENCE
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5 * PATIENCE) as answer:
                return answer.read().decode()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
