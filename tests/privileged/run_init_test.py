"""`berth run` with initProcessEnabled: process 1 reaps orphans and hands signals on."""

from berth import sh, task

INIT = {"linuxParameters": {"initProcessEnabled": True}}
# An orphan (its parent, the subshell, is gone at once) that ends; one that nobody reaps keeps its pid for ever.
ORPHAN = "(sleep 0.1 & echo $! >/tmp/pid); while [ -e /proc/$(cat /tmp/pid) ]; do usleep 20000; done; echo reaped"


def test_process_1_is_the_init_and_the_program_its_child(berth):
    outcome = berth.run(task(sh("cat /proc/1/comm; echo $$; grep PPid /proc/self/status | tr -dc 0-9; echo", **INIT)))
    comm, pid, parent = outcome.lines()
    assert comm == "init"
    assert pid == "2" and parent == "2"  # cat's and grep's parent is the shell, process 2


def test_orphans_are_reaped(berth):
    assert berth.run(task(sh(ORPHAN, **INIT))).lines() == ["reaped"]


def test_the_exit_code_and_signals_pass_through(berth):
    assert berth.run(task(sh("exit 7", **INIT))).code == 7
    assert berth.run(task(sh("trap 'exit 9' TERM; kill -TERM 1; sleep 5; exit 4", **INIT))).code == 9


def test_a_program_that_is_not_there_is_named(berth):
    container = {"name": "main", "image": "busybox", "memory": 64, "command": ["nosuch"], **INIT}
    outcome = berth.run(task(container))
    assert outcome.code == 127
    assert any("nosuch" in line for line in outcome.lines())
