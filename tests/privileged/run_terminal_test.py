"""`berth run` with pseudoTerminal and interactive: who types, what is seen, and what the log has."""

import subprocess
import termios

import pytest

from berth import sh, supervisors, task
from terminal import Terminal
from waiting import wait_until


def shell(script="sh", name="main", **fields):
    return sh(script, name, interactive=True, pseudoTerminal=True, stopTimeout=2, **fields)


def at_terminal(berth, definition, *flags):
    return Terminal(berth, "run", berth.write(definition), *flags)


def test_a_terminal_has_the_keys_the_window_and_the_exit_code(berth):
    with at_terminal(berth, task(shell(environment=[{"name": "PS1", "value": "$((40+2))# "}]))) as terminal:
        terminal.expect("42# ")  # a prompt: nothing waits for the end of a line
        terminal.type("stty size; tty; echo $TERM; id -u\n")
        terminal.expect(r"30 100\r\n/dev/pts/0\r\nxterm\r\n0\r\n")
        terminal.resize(77, 22)
        terminal.type("trap 'stty size' WINCH; until [ \"$(stty size)\" = '22 77' ]; do usleep 20000; done; echo wide\n")
        terminal.expect(r"\r\nwide\r\n")
        # Ctrl-C is a key for the container, no signal for berth.
        terminal.type("trap 'echo caught; exit 7' INT; echo up; while :; do usleep 20000; done\n")
        terminal.expect(r"\r\nup\r\n")
        terminal.type("\x03")
        terminal.expect("caught\r\n")
        assert terminal.end() == 7
        assert termios.tcgetattr(terminal.slave) == terminal.before
        terminal.expect("berth: main: exit code 7")


def test_a_burst_arrives_whole_and_in_the_log(berth):
    """More than pipe, terminal and buffer hold, ended by the end of the container."""
    with at_terminal(berth, task(shell("read x; seq 40000"), family="burst")) as terminal:
        terminal.expect("")
        terminal.type("go\n")
        assert terminal.end() == 0
        shown = terminal.seen.split("berth: ")[0]
        numbers = [int(line) for line in shown.split() if line.isdigit()]
        assert numbers == list(range(1, 40001))


def test_who_reads_late_misses_nothing(berth):
    """All has ended but for a terminal that is held (Ctrl-S): first comes all that was shown, then berth's own words."""
    with at_terminal(berth, task(shell("read x; seq 40000"), family="late")) as terminal:
        terminal.expect("")
        wait_until(lambda: supervisors(berth), "the supervisor")
        terminal.type("go\n")
        wait_until(lambda: not supervisors(berth), "the end of the supervisor")
        assert terminal.end() == 0
        shown = terminal.seen.split("berth: ")
        assert shown[0].endswith("".join(f"{n}\r\n" for n in range(1, 40001)))
        assert len(shown) == 3, shown[1:]  # how the container ended, and how the task did


def test_of_several_the_one_that_is_named_is_typed_at(berth):
    look = "read line; echo $0 has $line"
    definition = task(shell(f"exec sh -c '{look}' one", "one"),
                      sh(f"exec sh -c '{look}' two", "two", interactive=True, essential=False, stopTimeout=1))
    with at_terminal(berth, definition, "--container", "one") as terminal:
        terminal.type("word\n")
        terminal.expect("one has word\r\n")
        assert terminal.end() == 0
        assert "two has" not in terminal.seen


def piped(berth, definition, text):
    return berth.berth("run", berth.write(definition), stdin=text)


def test_a_pipe_is_the_containers_input_and_ends_with_it(berth):
    """More than a pipe holds; its user owns the other end."""
    text = "".join(f"line {n}\n" for n in range(30000))
    outcome = piped(berth, task(sh("id -u; cat - | md5sum; echo >/dev/stderr done", interactive=True, user="1000")), text)
    assert outcome.code == 0, outcome
    expected = subprocess.run(["md5sum"], input=text, capture_output=True, text=True, check=True).stdout.strip()
    assert outcome.lines() == ["1000", expected, "done"]


def test_a_file_is_read_to_its_end(berth, tmp_path):
    path = tmp_path / "input"
    path.write_text("x" * 100000)
    command = berth.command(("run", berth.write(task(sh("wc -c", interactive=True)))))
    with path.open() as file:
        done = subprocess.run(command, stdin=file, capture_output=True, text=True, env=berth.environment, check=False)
    assert done.returncode == 0, done
    assert done.stdout.split()[-1] == "100000"


@pytest.mark.parametrize("interactive, code", [(True, 143), (False, 0)])
def test_without_a_client_an_open_input_stays_open(berth, interactive, code):
    """Nobody is at /dev/null, which berth has here; one that is not interactive has it itself, and reads its end."""
    with berth.start(task(sh("exec 2>/dev/null; timeout 1 cat; echo code $?", interactive=interactive))) as running:
        # Without the shell's own word about the signal, which comes on another pipe: before or after.
        assert running.wait().lines() == [f"code {code}"]


def test_a_terminal_without_a_client_goes_to_the_log(hurried):
    """Of a detached task, too; a restart gives it a new terminal. The user of the container owns it."""
    script = ("echo >>/tmp/runs; tty; [ -t 0 ] && [ -t 1 ] && [ -t 2 ] && stat -c %u $(tty); echo err >&2; sleep 0.9; "
              "[ $(wc -l </tmp/runs) -ge 2 ]")
    policy = {"enabled": True, "restartAttemptPeriod": 60, "ignoredExitCodes": [0]}
    outcome = hurried.run(task(sh(script, pseudoTerminal=True, user="1000", restartPolicy=policy)))
    assert outcome.code == 0, outcome
    assert outcome.lines() == ["/dev/pts/0", "1000", "err"] * 2
