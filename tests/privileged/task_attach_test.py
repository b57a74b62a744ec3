"""`berth attach`: what it shows, who may type, who waits for whom, and how it ends."""

import json
import re
import signal
import socket
import subprocess
import termios

from berth import PATIENCE, output_file, sh, task
from terminal import Terminal
from waiting import wait_until

ECHO = "trap 'echo told; exit 9' TERM; while :; do read x && echo got $x && echo err $x >&2 || usleep 50000; done"
TICK = "trap 'exit 6' INT; i=0; while :; do i=$((i+1)); echo tick $i; usleep 20000; done"


def shell(name="main", **fields):
    return sh("sh", name, interactive=True, pseudoTerminal=True, stopTimeout=1,
              environment=[{"name": "PS1", "value": "$((40+2))# "}], **fields)


class Attached:
    """A `berth attach` without a terminal; `type` writes to its standard input."""

    def __init__(self, berth, *arguments, stdout=None):
        self.out, self.err = stdout or output_file(), output_file()
        self.process = subprocess.Popen(berth.command(("attach", *arguments)), stdin=subprocess.PIPE, stdout=self.out,
                                        stderr=self.err, env=berth.environment)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.stdin.close()
        self.process.wait()

    def type(self, text):
        self.process.stdin.write(text.encode())
        self.process.stdin.flush()

    def text(self, file):
        file.seek(0)
        return file.read()

    def wait_for(self, pattern):
        def seen():
            is_over = self.process.poll() is not None  # asked before the look: what it showed last is seen, too
            found = re.search(pattern, self.text(self.out))
            assert found or not is_over, self.text(self.err)
            return found
        return wait_until(seen)

    def end(self):
        return self.process.wait(60 * PATIENCE)


def lines_of(berth, task_id):
    return berth.berth("logs", "--container", "main", task_id).out.splitlines()


def test_a_terminal_is_left_and_come_back_to(berth, detached):
    """Window, keys that leave, the terminal as it was before, and the exit code in the end."""
    task_id = detached(task(shell(), family="shell"))
    with Terminal(berth, "attach", "shell", "main") as terminal:
        terminal.type("x=kept; stty size\n")
        terminal.expect(r"30 100\r\n42# ")
        terminal.resize(77, 22)
        terminal.type("until [ \"$(stty size)\" = '22 77' ]; do usleep 20000; done; echo wi''de\n")
        terminal.expect(r"wide\r\n42# ")
        terminal.type("\x10\x11")  # ctrl-p ctrl-q
        assert terminal.end() == 0
        terminal.expect(f"berth: detached from main of task {task_id}")
        assert termios.tcgetattr(terminal.slave) == terminal.before
    assert berth.listed(task_id)["lastStatus"] == "RUNNING"
    with Terminal(berth, "attach", "--detach-keys", "ctrl-a,x", task_id) as terminal:
        terminal.type("\n")
        terminal.expect("42# ")
        # The keys that it would be without the option, and a beginning of those that it is, are typed; ctrl-c clears the line.
        terminal.type("\x10\x11\x01\x03")
        terminal.type("echo $x again\n")
        terminal.expect(r"kept again\r\n")
        terminal.type("exit 7\n")
        assert terminal.end() == 7
        assert termios.tcgetattr(terminal.slave) == terminal.before


def test_several_are_at_one_terminal(berth, detached):
    """What one types, all see; one that dies is not missed; one that only looks cannot type."""
    task_id = detached(task(shell()))
    with Terminal(berth, "attach", task_id) as one, Terminal(berth, "attach", task_id) as two, \
         Terminal(berth, "attach", "--no-stdin", "--no-signals", task_id) as looker:
        for each in (one, two, looker):  # a prompt is drawn anew for who comes
            each.expect("42# ")
        one.type("echo from $((0+1))\n")
        for each in (one, two, looker):
            each.expect(r"from 1\r+\n")
        looker.type("echo from nobo''dy\n")
        one.process.kill()
        two.type("echo from $((1+1))\n")
        for each in (two, looker):
            each.expect(r"from 2\r+\n")
        assert "nobody" not in two.seen + looker.seen
        two.type("exit 3\n")
        assert (two.end(), looker.end()) == (3, 3)


def test_the_streams_of_an_interactive_container(berth, detached):
    """Apart, from now on; the end of a client's input is not the container's; signals are passed on."""
    task_id = detached(task(sh(ECHO, interactive=True)))
    with Attached(berth, task_id) as first:
        first.type("one\n")
        first.wait_for("got one\n")
        first.process.stdin.close()
        with Attached(berth, task_id) as second:
            second.type("two\n")
            for each in (first, second):
                each.wait_for("got two\n")
            wait_until(lambda: first.text(first.err) == "err one\nerr two\n")
            second.process.send_signal(signal.SIGTERM)
            assert (first.end(), second.end()) == (9, 9)
        assert first.text(first.out) == "got one\ngot two\ntold\n"
        assert second.text(second.out) == "got two\ntold\n"
        assert first.text(first.err) == "err one\nerr two\n"
    wait_until(lambda: lines_of(berth, task_id)[-1:] == ["told"])


def test_the_output_of_one_that_is_not_interactive_from_now_on(berth, detached):
    task_id = detached(task(sh(TICK), sh("sleep 600", "other", essential=False)))
    before = int(wait_until(lambda: lines_of(berth, task_id))[-1].split()[1])
    with Attached(berth, task_id, "main") as attached:
        attached.wait_for(r"(tick \d+\n){3}")
        attached.process.send_signal(signal.SIGINT)
        assert attached.end() == 6
        ticks = [int(line.split()[1]) for line in attached.text(attached.out).splitlines()]
        assert ticks[0] > before
        assert ticks == list(range(ticks[0], ticks[-1] + 1))
    wait_until(lambda: lines_of(berth, task_id)[-1:] == [f"tick {ticks[-1]}"])


def test_signals_may_be_kept(berth, detached):
    task_id = detached(task(sh(TICK)))
    with Attached(berth, "--no-signals", task_id) as attached:
        attached.wait_for("tick")
        attached.process.send_signal(signal.SIGINT)
        assert attached.end() == 128 + signal.SIGINT
    assert berth.listed(task_id)["lastStatus"] == "RUNNING"


def test_who_does_not_read_holds_up_nobody(berth, detached):
    """Far more than all buffers hold; the log and who reads have all of it, who does not is told what it missed."""
    lines = [f"{n}{'x' * 1000}" for n in range(3000)]
    script = ("x=$(head -c 1000 </dev/zero | tr '\\0' x); read y; until read -t 1 y; do echo here; done; "
              "i=0; while [ $i -lt 3000 ]; do echo $i$x; i=$((i+1)); done")
    task_id = detached(task(sh(script, interactive=True)))
    with Attached(berth, task_id, stdout=subprocess.PIPE) as slow, Attached(berth, task_id) as quick:
        quick.type("\n")
        assert slow.process.stdout.readline() == b"here\n"  # it is there, and from now on does not read
        quick.type("go\n")
        assert quick.end() == 0
        assert without_here(quick.text(quick.out)) == lines
        wait_until(lambda: berth.berth("ps", "-q").out == "", "the task has stopped")
        got = without_here(slow.process.stdout.read().decode())
        assert slow.end() == 0
        assert got[:500] == lines[:500]
        missed = re.search(r"berth: main: (\d+) bytes were not shown", slow.text(slow.err))
        assert missed and int(missed[1]) > 1_000_000, slow.text(slow.err)
    assert without_here(berth.berth("logs", "--container", "main", task_id).out) == lines


def without_here(text):
    return [line for line in text.splitlines() if line != "here"]


def test_a_client_too_many_is_refused(berth, detached):
    task_id = detached(task(sh(ECHO, interactive=True)))
    attach = json.dumps({"request": "attach", "container": "main"}).encode()
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as shim, \
         open("/dev/zero", "rb") as null:
        shim.connect(str(berth.state / "tasks" / task_id / "shim.sock"))
        pairs = [socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET) for _ in range(17)]
        for _, theirs in pairs:
            socket.send_fds(shim, [attach], [theirs.fileno(), null.fileno()])
            theirs.close()
        shim.settimeout(20 * PATIENCE)
        while (event := json.loads(shim.recv(65536)))["event"] != "attach_refused":
            pass
        assert "main has 16 clients already" in event["text"]
        pairs[-1][0].settimeout(20 * PATIENCE)
        assert pairs[-1][0].recv(10) == b""  # hung up
        outcome = berth.berth("attach", task_id)
        assert (outcome.code, outcome.out) == (125, "")
        assert "main has 16 clients already, which is the limit" in outcome.err
        for ours, _ in pairs:
            ours.close()
    with Attached(berth, task_id) as attached:  # those have gone, and made room
        attached.type("in\n")
        attached.wait_for("got in")


def test_a_restart_is_not_the_end(hurried):
    script = "echo >>/runs; n=$(wc -l </runs); read x; sleep 0.9; echo run $n has $x; exit $n"
    container = sh(script, interactive=True, restartPolicy={"enabled": True, "restartAttemptPeriod": 60, "ignoredExitCodes": [2]})
    task_id = hurried.berth("run", "--detach", hurried.write(task(container))).out.strip()
    with Attached(hurried, task_id) as attached:
        attached.type("one\n")
        attached.wait_for("run 1 has one\n")
        wait_until(lambda: "restarted" in attached.text(attached.err))
        attached.type("two\n")
        assert attached.end() == 2, attached.text(attached.err)
        assert attached.text(attached.out) == "run 1 has one\nrun 2 has two\n"
        assert "berth: main: exit code 1, restarted\n" in attached.text(attached.err)
    wait_until(lambda: hurried.berth("ps", "-q").out == "")


def test_what_cannot_be_attached_to(berth, detached):
    task_id = detached(task(sh("sleep 600"), sh("true", "short", essential=False)))
    wait_until(lambda: "short STOPPED" in berth.berth("ps").out)
    for arguments, words in {
            (task_id, "short"): "container short of task .* is STOPPED: attach needs one that runs",
            (task_id, "none"): 'has no container "none"; it has main, short',
            ("nothing",): 'no task "nothing"',
            ("--detach-keys", "ctrl-P", task_id): 'detach keys: "ctrl-P" is no key'}.items():
        outcome = berth.berth("attach", *arguments)
        assert outcome.code == 125
        assert re.search(words, outcome.err), outcome
