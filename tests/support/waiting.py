"""For what tells nobody that it has happened."""

import time

from leak_census import PATIENCE


def wait_until(condition, what="it came about", seconds=20, pause=0.02):
    """What the condition gives, once that is true."""
    deadline = time.monotonic() + seconds * PATIENCE
    while not (found := condition()):
        assert time.monotonic() < deadline, f"never: {what}"
        time.sleep(pause)
    return found
