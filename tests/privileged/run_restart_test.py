"""`berth run` of containers with a restart policy, from the task definition to the summary.

A period of 60 seconds is 0.6 here (tests/support/hurried_shim). Where a run must be shorter than the period it is 3, for
even a shell that ends at once may be kept waiting for a processor.
"""

import pytest

from berth import sh, task

COUNT = "echo >>/runs; n=0; while read x; do n=$((n+1)); done </runs; echo run $n; "


def again(script, name="main", policy=None, **fields):
    return sh(COUNT + script, name, restartPolicy={"enabled": True, "restartAttemptPeriod": 60, **(policy or {})}, **fields)


def test_restarts_until_it_ends_too_soon(hurried):
    outcome = hurried.run(task(again("[ $n -lt 3 ] && sleep 3.3; exit $n", policy={"restartAttemptPeriod": 300})))
    assert outcome.code == 3
    assert outcome.lines() == ["run 1", "run 2", "run 3"]
    assert outcome.err.splitlines() == [
        "berth: main: exit code 1, restarted", "berth: main: exit code 2, restarted",
        "berth: main: exit code 3, restarted 2 times",
        "berth: task STOPPED: EssentialContainerExited, Essential container in task exited"]


def test_an_ignored_exit_code_ends_it(hurried):
    outcome = hurried.run(task(again("sleep 0.9; exit 4", policy={"ignoredExitCodes": [3, 4]})))
    assert outcome.code == 4
    assert outcome.lines() == ["run 1"]


def test_disabled_is_no_policy(hurried):
    outcome = hurried.run(task(again("sleep 0.9; exit 4", policy={"enabled": False})))
    assert outcome.code == 4


def test_a_side_container_restarts_and_stops_with_the_task(hurried):
    """The address stays with the task; the end of the essential container is no reason to start the other again."""
    shared = {"mountPoints": [{"sourceVolume": "shared", "containerPath": "/shared"}]}
    side = again("hostname; trap 'exit 7' TERM; for i in $(seq 9); do sleep 0.1; done; [ $n -ge 2 ] && touch /shared/again && "
                 "while :; do sleep 0.1; done; exit 1", "side", essential=False, **shared)
    definition = task(sh("until [ -e /shared/again ]; do sleep 0.1; done", **shared), side, volumes=[{"name": "shared"}])
    outcome = hurried.run(definition)
    assert outcome.code == 0
    first, second = outcome.lines("side")[1], outcome.lines("side")[3]
    assert first == second
    assert "berth: side: exit code 7, restarted once" in outcome.err.splitlines()


def test_killed_for_memory_is_restarted(hurried):
    """The group is new with each run: its memory and its count of kills."""
    definition = task(again("[ $n -ge 2 ] && exit 0; sleep 0.9; exec tail /dev/zero", policy={"ignoredExitCodes": [0]},
                            memory=16))
    outcome = hurried.run(definition)
    assert outcome.code == 0
    assert outcome.err.splitlines()[:2] == [
        "berth: main: exit code 137, OutOfMemoryError: Container killed due to memory usage, restarted",
        "berth: main: exit code 0, restarted once"]


@pytest.mark.parametrize("policy, finding", [
    ({}, "enabled: is required"),
    ({"enabled": True, "restartAttemptPeriod": 59},
     "restartAttemptPeriod: The 'restartAttemptPeriod' setting for container 'main' must be between 60 and 1800."),
    ({"enabled": True, "ignoredExitCodes": ["1"]}, "ignoredExitCodes[0]: Invalid type: string, valid types: integer"),
])
def test_bad_policy_is_refused_with_its_path(hurried, policy, finding):
    outcome = hurried.run(task(sh("true", restartPolicy=policy)))
    assert outcome.code == 125
    assert f"containerDefinitions[0].restartPolicy.{finding}" in outcome.err
