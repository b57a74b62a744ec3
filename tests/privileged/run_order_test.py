"""`berth run` of several containers: essential, dependsOn, the order of start and stop."""

import pytest

from berth import sh, task


SHARED = {"mountPoints": [{"sourceVolume": "shared", "containerPath": "/shared"}]}
VOLUME = {"volumes": [{"name": "shared"}]}
OTHER_IS_UP = "until [ -e /shared/up ]; do sleep 0.1; done; "


def test_essential_exit_ends_the_others(berth):
    script = "trap 'echo asked; exit 0' TERM; touch /shared/up; while :; do sleep 0.1; done"
    side = sh(script, "side", essential=False, **SHARED)
    outcome = berth.run(task(sh(OTHER_IS_UP + "exit 3", **SHARED), side, **VOLUME))
    assert outcome.code == 3
    assert outcome.lines("side") == ["asked"]


def test_non_essential_exit_ends_nothing(berth):
    outcome = berth.run(task(sh(OTHER_IS_UP + "sleep 1; echo done", **SHARED),
                             sh(">/shared/up; exit 9", "side", essential=False, **SHARED), **VOLUME))
    assert outcome.code == 0
    assert outcome.lines() == ["done"]
    assert outcome.err.splitlines() == [
        "berth: main: exit code 0", "berth: side: exit code 9",
        "berth: task STOPPED: EssentialContainerExited, Essential container in task exited"]


def test_complete_waits_for_the_end_whatever_the_code(berth, tmp_path):
    volume = {"name": "shared"}
    mount = [{"sourceVolume": "shared", "containerPath": "/shared"}]
    definition = task(
        sh("cat /shared/made", mountPoints=mount, dependsOn=[{"containerName": "first", "condition": "COMPLETE"}]),
        sh("sleep 0.5; echo yes >/shared/made; exit 4", "first", mountPoints=mount, essential=False),
        volumes=[volume])
    assert berth.run(definition).lines() == ["yes"]


def test_success_starts_after_exit_code_zero(berth):
    definition = task(sh("echo second", dependsOn=[{"containerName": "first", "condition": "SUCCESS"}]),
                      sh("sleep 0.2; echo first", "first", essential=False))
    outcome = berth.run(definition)
    assert outcome.code == 0
    assert outcome.out.index("first | first") < outcome.out.index("second")


def test_success_of_a_failure_never_starts_the_dependent(berth):
    definition = task(sh("echo never", dependsOn=[{"containerName": "first", "condition": "SUCCESS"}]),
                      sh("exit 4", "first", essential=False))
    outcome = berth.run(definition)
    assert outcome.code != 0
    assert "never" not in outcome.out
    assert "first" in outcome.err


def test_start_waits_for_the_start(berth):
    definition = task(sh("echo late", dependsOn=[{"containerName": "first", "condition": "START"}]),
                      sh("sleep 30", "first", essential=False, stopTimeout=2))
    assert berth.run(definition).lines() == ["late"]


def test_stop_goes_in_reverse_order(berth):
    """A container is asked only when all that depend on it have ended, however long they take."""
    def stage(name, needs=None):
        script = (f"trap 'echo {name} asked >>/shared/log; sleep 0.4; echo {name} ends >>/shared/log; "
                  "cat /shared/log; exit 0' TERM; echo ready; while :; do sleep 0.1; done")
        depends = [{"containerName": needs, "condition": "START"}] if needs else []
        return sh(script, name, mountPoints=[{"sourceVolume": "shared", "containerPath": "/shared"}], dependsOn=depends)

    definition = task(stage("application", "database"), stage("disk"), stage("database", "disk"),
                      volumes=[{"name": "shared"}])
    with berth.start(definition) as running:
        for each in ("application", "database", "disk"):
            running.wait_for(rf"{each} *\| ready")
        running.interrupt()
        outcome = running.wait()
    assert outcome.lines("disk") == ["ready", *(f"{name} {word}" for name in ("application", "database", "disk")
                                                for word in ("asked", "ends"))]


@pytest.mark.parametrize("definition, path", [
    ({"containerDefinitions": []}, "family"),
    ({"family": "x", "containerDefinitions": []}, "containerDefinitions"),
    (task(sh("true", essential="yes")), "containerDefinitions[0].essential"),
    (task(sh("true", memory="64")), "containerDefinitions[0].memory"),
    (task(sh("true", noSuchField=1)), "containerDefinitions[0].noSuchField"),
    (task(sh("true"), noSuchField=1), "noSuchField"),
    (task(sh("true"), networkMode="magic"), "networkMode"),
    (task(sh("true"), sh("true")), "containerDefinitions[1].name"),
    (task(sh("true", essential=False)), "essential"),
    (task(sh("true", dependsOn=[{"containerName": "ghost", "condition": "START"}])), "ghost"),
    (task(sh("true", dependsOn=[{"containerName": "main", "condition": "START"}])), "dependsOn"),
    (task(sh("true", mountPoints=[{"sourceVolume": "ghost", "containerPath": "/x"}])), "ghost"),
    (task(sh("true", ulimits=[{"name": "magic", "softLimit": 1, "hardLimit": 1}])), "containerDefinitions[0].ulimits[0]"),
    ("{", "task-"),
])
def test_bad_input_is_refused_with_its_path(berth, definition, path):
    outcome = berth.run(definition)
    assert outcome.code == 125
    assert path in outcome.err
    assert outcome.err.startswith("berth: ")


def test_output_of_describe_task_definition_is_accepted(berth):
    registered = {**task(sh("echo described")), "taskDefinitionArn": "arn:aws:ecs:us-east-1:000000000000:task-definition/test:1",
                  "revision": 1, "status": "ACTIVE", "requiresAttributes": [], "compatibilities": ["EC2", "FARGATE"],
                  "registeredAt": 1700000000.0, "registeredBy": "arn:aws:iam::000000000000:root"}
    registered["containerDefinitions"][0]["image"] = berth.images["busybox"]
    assert berth.run({"taskDefinition": registered}).lines() == ["described"]
