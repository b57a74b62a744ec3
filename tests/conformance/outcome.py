"""Runs pytest over tests that others wrote, and judges what fails by a list of what is known to."""

import os
import pathlib
import re
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
PROJECT = HERE.parents[1]


def known(name):
    """The tests that the file of this name lists, by file and name; each line is `TEST REASON`."""
    lines = (HERE / name).read_text().splitlines()
    return {line.split()[0] for line in lines if line and not line.startswith("#")}


def run(checkout, paths, *options, plugin, known_name, prefix, python_path=()):
    """Runs the tests below `paths` in a network namespace of theirs and ends this program: with 0 when nothing fails but
    what is known. `prefix` is what the list leaves out of the names; `python_path` comes before that of the environment."""
    command = [PROJECT / "tests/support/in_network_namespace", "/usr/bin/python3", "-B", "-m", "pytest", "-q",
               "-p", "no:cacheprovider", "-p", plugin, "-W", "ignore", "--color=no", "-rfE", *options, *paths]
    environment = {**os.environ, "PYTHONPATH": ":".join([str(HERE), *map(str, python_path), os.environ.get("PYTHONPATH", "")])}
    done = subprocess.run(command, cwd=checkout, env=environment, stdout=subprocess.PIPE, text=True, check=False)
    print(done.stdout)
    if done.returncode not in (0, 1):
        sys.exit(done.returncode)
    failed = {name.removeprefix(prefix) for name in re.findall(r"^(?:FAILED|ERROR) (\S+)", done.stdout, re.MULTILINE)}
    if done.returncode and not failed:
        sys.exit("pytest found failures, and names none")
    unknown = sorted(failed - known(known_name))
    print(f"{len(failed)} failed, {len(unknown)} of them for no known reason", *unknown, sep="\n  ")
    sys.exit(1 if unknown else 0)
