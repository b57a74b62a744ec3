"""`berth run` of containers with health checks, from the task definition to what is told."""

import pytest

from berth import sh, task

WAIT = "while :; do sleep 0.1; done"


def check(script, **fields):
    return {"command": ["CMD-SHELL", script], "interval": 5, **fields}


def test_dependent_waits_for_health_and_changes_are_told(hurried):
    definition = task(
        sh("cat /shared/well; exit 5", mountPoints=[{"sourceVolume": "shared", "containerPath": "/shared"}],
           dependsOn=[{"containerName": "db", "condition": "HEALTHY"}]),
        sh(WAIT, "db", mountPoints=[{"sourceVolume": "shared", "containerPath": "/shared"}], stopTimeout=0,
           healthCheck=check("[ -e /shared/ill ] && { echo yes >/shared/well; exit; }; >/shared/ill; echo not yet; exit 9",
                             retries=1)),
        volumes=[{"name": "shared"}])
    outcome = hurried.run(definition)
    assert outcome.code == 5, outcome
    assert outcome.lines() == ["yes"]
    assert outcome.err.splitlines()[:2] == ["berth: db: UNHEALTHY, exit code 9: not yet", "berth: db: HEALTHY"]


def test_unhealthy_ends_no_task_of_its_own(hurried):
    definition = task(sh("until [ -e /tmp/twice ]; do sleep 0.1; done; exit 3",
                         healthCheck=check("[ -e /tmp/once ] && >/tmp/twice; >/tmp/once; exit 1", retries=1)))
    outcome = hurried.run(definition)
    assert outcome.code == 3
    assert "berth: main: UNHEALTHY, exit code 1\n" in outcome.err


def test_failures_of_the_start_period_do_not_count(hurried):
    definition = task(sh("until [ $(cat /tmp/n | wc -l) -ge 4 ]; do sleep 0.1; done; exit 3",
                         healthCheck=check("echo >>/tmp/n; exit 1", retries=1, startPeriod=300)))
    outcome = hurried.run(definition)
    assert outcome.code == 3
    assert "HEALTHY" not in outcome.err


def test_the_check_has_the_users_rights_and_the_environment(hurried):
    definition = task(sh("until [ -e /tmp/facts ]; do sleep 0.1; done; cat /tmp/facts", user="33:33",
                         environment=[{"name": "GREETING", "value": "hello"}], workingDirectory="/usr",
                         healthCheck={"command": ["sh", "-c", "echo $GREETING $(id -u):$(id -g) $(pwd) >/tmp/new; mv /tmp/new /tmp/facts"],
                                      "interval": 5}))
    outcome = hurried.run(definition)
    assert outcome.lines() == ["hello 33:33 /usr"], outcome


def test_start_timeout_of_a_dependency_that_is_not_healthy(hurried):
    definition = task(sh("echo never", dependsOn=[{"containerName": "db", "condition": "HEALTHY"}]),
                      sh(WAIT, "db", startTimeout=1, stopTimeout=0, essential=False, healthCheck=check("exit 1")))
    outcome = hurried.run(definition)
    assert outcome.code == 125
    assert "TaskDependencyError: container db did not become HEALTHY within its startTimeout of 1 s" in outcome.err


def test_none_disables_and_is_no_health(hurried):
    outcome = hurried.run(task(sh("sleep 0.3", healthCheck={"command": ["NONE"]})))
    assert outcome.code == 0
    assert "HEALTHY" not in outcome.err


@pytest.mark.parametrize("health, field", [
    ({"command": []}, "command"),
    ({"command": ["CMD", "true"], "interval": 4}, "interval"),
    ({"command": ["CMD", "true"], "timeout": 61}, "timeout"),
])
def test_bad_health_check_is_refused_with_its_path(hurried, health, field):
    outcome = hurried.run(task(sh("true", healthCheck=health)))
    assert outcome.code == 125
    assert f"containerDefinitions[0].healthCheck.{field}: " in outcome.err
