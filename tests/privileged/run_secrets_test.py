"""secrets and environmentFiles: from this host's own store and directories, and from services whose signatures are
checked by botocore. Whatever happens, a value is nowhere but in the container."""

import json
import os
import pathlib
import subprocess

import leak_census
import pytest
from berth import Instance, sh, task
from fake_aws import FakeAws
from forward import forward
from registry import Registry
from waiting import wait_until

KEYS = {"AKIDHOST": ("host/+=", "")}
SECRET_ARN = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:{}"
VALUE = "s3cr3t-v4lue"


@pytest.fixture
def aws():
    with FakeAws(KEYS, ["unused"]) as fake:
        fake.s3_keys = ("AKIDHOST", "host/+=")
        yield fake


@pytest.fixture
def berth(tmp_path, layouts, aws):
    access = {"endpoint": aws.url, "profile": "dev"}
    config = {"secrets": {"secretsManager": access, "ssm": access},
              "environmentFiles": {"buckets": {"team": str(tmp_path / "team")}, "s3": access}}
    instance = Instance(tmp_path, {"busybox": f"oci:{layouts['busybox']}:latest"}, config)
    (tmp_path / "team").mkdir()
    instance.give_aws_profile("dev", "AKIDHOST", "host/+=")
    before = leak_census.take(instance.state, instance.root)
    yield instance
    leak_census.assert_equal(before, instance.state, instance.root)


def secrets(**variables):
    return [{"name": name, "valueFrom": value} for name, value in variables.items()]


def files(*arns):
    return [{"value": arn, "type": "s3"} for arn in arns]


def with_role(container):
    return task(container, executionRoleArn="executor")


def put(berth, value, *arguments):
    outcome = berth.berth("secrets", "put", *arguments, stdin=value)
    assert outcome.code == 0, outcome
    return outcome.out.strip()


def environment(outcome):
    assert outcome.code == 0, outcome
    return dict(line.partition("=")[::2] for line in outcome.lines())


def test_secrets_of_this_host(berth, aws, tmp_path):
    first = put(berth, "old\n", "db")
    put(berth, VALUE + "\n", "db")
    put(berth, json.dumps({"user": "me", "port": 5432}), "app/config")
    put(berth, "of the path\n", "--parameter", "/app/token")
    put(berth, "exact\n", "--exact", "--parameter", "plain")
    arn = SECRET_ARN.format("db-AbC123")
    container = sh("env; sleep 1", secrets=secrets(
        CURRENT=arn, PREVIOUS=f"{arn}::AWSPREVIOUS:", BY_ID=f"{arn}:::{first}", USER_NAME=SECRET_ARN.format("app/config:user::"),
        PORT=SECRET_ARN.format("app/config:port::"), TOKEN="/app/token", AGAIN="arn:aws:ssm:eu-west-1:1:parameter/app/token",
        PLAIN="plain"))
    found = environment(berth.run(with_role(container)))
    assert found["PLAIN"] == "exact" and found[""] == "", "the line feed belongs to it"
    assert {name: found[name] for name in ("CURRENT", "PREVIOUS", "BY_ID", "USER_NAME", "PORT", "TOKEN", "AGAIN")} == {
        "CURRENT": VALUE, "PREVIOUS": "old", "BY_ID": "old", "USER_NAME": "me", "PORT": "5432", "TOKEN": "of the path",
        "AGAIN": "of the path"}
    assert aws.asked == [], "nobody else was asked"

    listed = json.loads(berth.berth("secrets", "list", "--format", "json").out)
    assert [(each["name"], each["kind"], len(each["versions"])) for each in listed] == [
        ("app/config", "secret", 1), ("db", "secret", 2), ("/app/token", "parameter", 1), ("plain", "parameter", 1)]
    assert listed[1]["versions"][0]["versionStages"] == ["AWSCURRENT"]
    # On disk there is no value, and nothing for others.
    store = berth.root / "secrets"
    assert store.stat().st_mode & 0o777 == 0o700
    for path in store.iterdir():
        assert path.stat().st_mode & 0o077 == 0, path
        assert VALUE.encode() not in path.read_bytes()
    # A value in another's place is no value: here, an older version as the current one.
    (of_db,) = [path for path in store.glob("*.json") if '"name": "db"' in path.read_text()]
    record = json.loads(of_db.read_text())
    record["versions"][0]["sealed"] = record["versions"][1]["sealed"]
    of_db.write_text(json.dumps(record))
    outcome = berth.run(with_role(sh("true", secrets=secrets(A=arn))))
    assert outcome.code == 125 and "the key or the sealed text is another" in outcome.err

    assert berth.berth("secrets", "rm", "db", "app/config").code == 0
    assert berth.berth("secrets", "rm", "db").code == 125
    assert "/app/token" in berth.berth("secrets", "list").out


def test_values_are_nowhere_but_in_the_container(berth):
    put(berth, VALUE, "db")
    hold = sh("trap 'exit 0' TERM; while :; do usleep 50000; done", secrets=secrets(PASSWORD=SECRET_ARN.format("db")))
    started = berth.run(with_role(hold), "--detach")
    assert started.code == 0, started
    task_id = started.out.strip()
    try:
        container = json.loads(berth.berth("inspect", task_id).out)
        assert VALUE not in json.dumps(container)
        pid = json.loads(berth.berth("ps", "--format", "json").out)[0]["containers"][0]["pid"]
        assert f"PASSWORD={VALUE}".encode() in pathlib.Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
        for top in (berth.state, berth.root):
            for path in top.rglob("*"):
                if path.is_file() and not path.is_symlink() and VALUE.encode() in path.read_bytes():
                    assert path.stat().st_mode & 0o077 == 0, f"{path} can be read by others"
        for entry in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
            try:
                assert VALUE.encode() not in entry.read_bytes()
            except OSError:
                continue
        assert VALUE not in berth.berth("logs", task_id).out
    finally:
        berth.berth("stop", "--kill", task_id)
        leak_census.wait_for_sweepers(berth.name, (berth.state, berth.root))


def test_what_this_host_does_not_keep_is_asked_of_aws(berth, aws):
    arn = SECRET_ARN.format("remote-AbC123")
    aws.secrets = {arn: '{"user":"me"}', "/remote": "of ssm"}
    container = sh("env; sleep 1", secrets=secrets(USER_NAME=arn + ":user::", TOKEN="/remote", AGAIN="/remote"))
    found = environment(berth.run(with_role(container)))
    assert (found["USER_NAME"], found["TOKEN"], found["AGAIN"]) == ("me", "of ssm", "of ssm")
    assert aws.asked == [f"secretsmanager AKIDHOST {arn}", "ssm AKIDHOST /remote"]


@pytest.mark.parametrize("value_from, said", [
    (SECRET_ARN.format("gone"), "unable to retrieve secret from asm: failed to fetch secret "
     + SECRET_ARN.format("gone") + " from secrets manager: ResourceNotFoundException: no such thing"),
    ("/gone", "unable to retrieve secrets from ssm: /gone: ParameterNotFound: no such thing"),
    (SECRET_ARN.format("db:nokey::"), "retrieved secret from Secrets Manager did not contain json key nokey"),
    ("arn:aws:sqs:eu-west-1:1:queue", "is not the ARN of a secret of Secrets Manager or of an SSM parameter")])
def test_a_secret_that_cannot_be_had_ends_the_start(berth, value_from, said):
    put(berth, '{"user":"' + VALUE + '"}', "db")
    outcome = berth.run(with_role(sh("true", secrets=secrets(A=value_from))))
    assert outcome.code == 125, outcome
    assert ("ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: "
            in outcome.err), outcome
    assert said in outcome.err, outcome
    assert VALUE not in outcome.err


def test_environment_files(berth, aws, tmp_path):
    (tmp_path / "team" / "app").mkdir()
    (tmp_path / "team" / "app" / "one.env").write_bytes(
        b"# comment=no\nA=one\nB= spaces and \"quotes\" stay \r\nnothing\n=noname\nC=a=b\nE=\nD=file")
    aws.objects = {"/else/a%20b/two.env": b"A=two\nF=two\n"}
    container = sh("env; sleep 1", environment=[{"name": "D", "value": "definition"}],
                   environmentFiles=files("arn:aws:s3:::team/app/one.env", "arn:aws:s3:::else/a b/two.env"))
    outcome = berth.run(task(container))
    assert outcome.code == 0, outcome
    lines = outcome.lines()
    for line in ("A=one", 'B= spaces and "quotes" stay ', "C=a=b", "D=definition", "F=two"):
        assert line in lines, outcome
    assert not any("noname" in line or "comment" in line for line in lines)
    overrides = tmp_path / "overrides.json"
    overrides.write_text(json.dumps({"containerOverrides": [
        {"name": "main", "environmentFiles": files("arn:aws:s3:::else/a b/two.env")}]}))
    found = berth.run(task(container), "--overrides", overrides).lines()
    assert "A=two" in found and "C=a=b" not in found


@pytest.mark.parametrize("arn, said", [
    ("arn:aws:s3:::team/gone.env", "No such file or directory"),
    ("arn:aws:s3:::team/../berth.env", "No such file or directory"),
    ("arn:aws:s3:::team/link.env", "No such file or directory"),
    ("arn:aws:s3:::team/latin.env", "line 2: is not UTF-8"),
    ("arn:aws:s3:::team/big.env", "more than 1048576 bytes"),
    ("arn:aws:s3:::else/gone.env", "NoSuchKey: The specified key does not exist."),
    ("arn:aws:s3:::team.env", "is not arn:aws:s3:::BUCKET/KEY")])
def test_a_file_that_cannot_be_had_ends_the_start(berth, tmp_path, arn, said):
    (tmp_path / "berth.env").write_text("A=outside\n")
    os.symlink(tmp_path / "berth.env", tmp_path / "team" / "link.env")
    (tmp_path / "team" / "latin.env").write_bytes(b"A=1\nCITY=K\xf6ln\n")
    (tmp_path / "team" / "big.env").write_text("A=" + "a" * (1 << 20))
    outcome = berth.run(task(sh("env", environmentFiles=files(arn))))
    assert outcome.code == 125, outcome
    assert "ResourceInitializationError: failed to download env files: " + arn in outcome.err, outcome
    assert said in outcome.err, outcome


def test_a_parameter_has_its_name_and_no_other(berth):
    """Of ARNs of Secrets Manager the last seven characters are no part of the name; of parameters they are."""
    put(berth, "of another\n", "--parameter", "db")
    outcome = berth.run(with_role(sh("env", secrets=secrets(A="db-passwd"))))
    assert outcome.code == 125 and "of another" not in outcome.out, outcome


def test_a_value_that_is_no_text_is_refused(berth):
    done = subprocess.run(berth.command(("secrets", "put", "db")), input=b"K\xf6ln\n", capture_output=True, check=False,
                          env=berth.environment)
    assert done.returncode == 125 and b"a value must be UTF-8" in done.stderr


# ---- secretOptions ----

HOLD = "trap 'exit 0' TERM; while :; do usleep 50000; done"


def fluentd(options, **secret_options):
    named = {name.replace("_", "-"): value for name, value in secret_options.items()}
    return {"logConfiguration": {"logDriver": "fluentd", "options": options, "secretOptions": secrets(**named)}}


def test_an_option_of_a_log_driver_may_be_a_secret(berth, aws, tmp_path):
    """One of this host, one of AWS; one takes the place of an option of its name; nobody sees their values."""
    put(berth, VALUE, "tag")
    put(berth, json.dumps({"where": f"unix://{tmp_path}/{VALUE}.sock"}), "fluentd")
    aws.secrets = {"/retry": "50ms"}
    options = fluentd({"tag": "of the definition", "fluentd-async": "true"}, tag=SECRET_ARN.format("tag-AbC123"),
                      fluentd_address=SECRET_ARN.format("fluentd:where::"), fluentd_retry_wait="/retry")
    # The address is where the secret says: only there somebody listens, and late.
    script = f"wget -qO- $ECS_CONTAINER_METADATA_URI_V4/task; echo; {HOLD}"
    started = berth.run(with_role(sh(script, **options)), "--detach")
    assert started.code == 0, started
    task_id = started.out.strip()
    try:
        with forward(f"{tmp_path}/{VALUE}.sock") as receiver:
            wait_until(lambda: len(receiver.messages) >= 1)
            (tag, _, record, _) = receiver.messages[0]
            assert tag == VALUE
            metadata = json.loads(record["log"])["Containers"][0]
            assert metadata["LogOptions"] == {"tag": "of the definition", "fluentd-async": "true"}
            for command in (["inspect", task_id], ["explain", task_id], ["explain", task_id, "--format", "json"],
                            ["logs", task_id], ["why", task_id], ["ps", "--format", "json"]):
                outcome = berth.berth(*command)
                assert VALUE not in outcome.out + outcome.err, command
            readable = [path for top in (berth.state, berth.root) for path in top.rglob("*")
                        if path.is_file() and not path.is_symlink() and VALUE.encode() in path.read_bytes()]
            assert readable, "the plan of the task knows it"
            for path in readable:
                assert path.stat().st_mode & 0o077 == 0, f"{path} can be read by others"
            assert berth.berth("stop", task_id).code == 0
    finally:
        berth.berth("stop", "--kill", task_id)
        leak_census.wait_for_sweepers(berth.name, (berth.state, berth.root))
    assert aws.asked == ["ssm AKIDHOST /retry"]


@pytest.mark.parametrize("option, value, said", [
    ("fluentd_address", VALUE + ".invalid:1",
     "failed to initialize logging driver: the receiver that a secret names is not reached"),
    ("fluentd_address", "unix:///nowhere/" + VALUE,
     "CannotStartContainerError: failed to initialize logging driver: the receiver that a secret names is not reached"),
    ("fluentd_retry_wait", VALUE, "logConfiguration.secretOptions: log driver fluentd cannot take what the secret of "
     "fluentd-retry-wait says, and berth does not repeat it"),
    ("tag", None, "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval "
     "failed: unable to retrieve secret from asm: failed to fetch secret " + SECRET_ARN.format("option"))])
def test_a_secret_option_that_is_no_good_ends_the_start_without_being_told(berth, option, value, said):
    if value:
        put(berth, value, "option")
    outcome = berth.run(with_role(sh("echo ran", **fluentd({}, **{option: SECRET_ARN.format("option")}))))
    assert outcome.code == 125 and "ran" not in outcome.out, outcome
    assert said in outcome.err and VALUE not in outcome.err, outcome


# ---- repositoryCredentials ----

def test_an_image_is_pulled_with_the_credentials_of_its_secret(berth, layouts, tmp_path):
    """docker-registry that wants a password; config.json has none, or a wrong one, which does not count."""
    container = sh("echo ran", repositoryCredentials={"credentialsParameter": SECRET_ARN.format("registry-AbC123")})
    plain = sh("echo ran")
    with Registry(tmp_path / "registry", "me", VALUE) as registry:
        reference = registry.push(f"oci:{layouts['busybox']}:latest", "team/app:1")
        container["image"] = plain["image"] = reference
        refused = berth.run(with_role(plain))
        assert refused.code == 125 and "CannotPullContainerError" in refused.err, refused

        missing = berth.run(with_role(container))
        assert missing.code == 125, missing
        assert ("ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: "
                "unable to get registry auth from asm: asm fetching secret from the service for "
                + SECRET_ARN.format("registry-AbC123")) in missing.err, missing
        for value, said in ((VALUE, "asm fetching authorization data: unable to unmarshal secret value, invalid schema"),
                            ('{"password":"' + VALUE + '"}',
                             "asm fetching username: AuthorizationData is malformed, empty field"),
                            ('{"username":"me","password":""}',
                             "asm fetching password: AuthorizationData is malformed, empty field")):
            put(berth, value, "registry")
            malformed = berth.run(with_role(container))
            assert malformed.code == 125 and f"unable to get registry auth from asm: {said}" in malformed.err, malformed
            assert VALUE not in malformed.err, malformed
        put(berth, json.dumps({"username": "me", "password": "wrong"}), "registry")
        wrong = berth.run(with_role(container))
        assert wrong.code == 125 and "CannotPullContainerError" in wrong.err, wrong

        put(berth, json.dumps({"Username": "me", "password": VALUE}), "registry")
        docker = tmp_path / ".docker"
        docker.mkdir()
        (docker / "config.json").write_text(json.dumps({"auths": {registry.address: {"auth": "bWU6d3Jvbmc="}}}))
        explained = berth.berth("explain", berth.write(with_role(container)))
        assert explained.code == 0 and VALUE not in explained.out, explained
        assert berth.berth("rmi", reference).code == 0
        by_name = {**container, "repositoryCredentials": {"credentialsParameter": "registry"}}
        for each in (container, by_name):
            ran = berth.run(with_role(each))
            assert ran.code == 0 and ran.lines() == ["ran"], ran
        # They are that container's: another one with the same image is pulled without them.
        both = berth.run(task(container, {**plain, "name": "second"}, executionRoleArn="executor"))
        assert both.code == 125 and "CannotPullContainerError" in both.err, both
