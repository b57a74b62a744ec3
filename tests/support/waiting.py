"""For what tells nobody that it has happened."""

import time
import urllib.request

from leak_census import PATIENCE

SECONDS_MAX = 60  # what is seen in milliseconds on an idle host; only what never comes takes as long


def wait_until(condition, what="it came about", seconds=SECONDS_MAX, pause=0.02):
    """What the condition gives, once that is true."""
    deadline = time.monotonic() + seconds * PATIENCE
    while True:
        is_last = time.monotonic() > deadline
        if found := condition():
            return found
        assert not is_last, f"never: {what}"
        time.sleep(pause)


def wait_for_exactly(wanted, look, what):
    """Looks until all that is wanted has been seen, in one look; what is not wanted must never be seen."""
    def is_there():
        seen = look()
        assert set(seen) <= set(wanted), (seen, wanted, what)
        return sorted(seen) == sorted(wanted)
    wait_until(is_there, what)


def fetch(url, seconds=SECONDS_MAX):
    """The page, of a server that may only be starting."""
    deadline = time.monotonic() + seconds * PATIENCE
    while True:
        try:
            with urllib.request.urlopen(url, timeout=20 * PATIENCE) as answer:
                return answer.read().decode()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
