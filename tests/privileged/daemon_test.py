"""berthd as Amazon's own tools see it: whom it believes, how it refuses, and what its end and its death leave."""

import copy
import json
import os
import socket
import stat
import subprocess

import botocore.exceptions
import pytest

from berth import PATIENCE
from daemon import Daemon, ask, connection

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
WHO_AM_I = b"Action=GetCallerIdentity&Version=2011-06-15"
ECS = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "AmazonEC2ContainerServiceV20141113.ListClusters"}


def test_aws_and_boto3_are_told_who_they_are(daemon):
    root = {"Account": "123456789012", "UserId": "123456789012", "Arn": "arn:aws:iam::123456789012:root"}
    assert daemon.aws("sts", "get-caller-identity") == root
    answer = daemon.client("sts").get_caller_identity()
    assert {name: answer[name] for name in root} == root
    assert len(answer["ResponseMetadata"]["RequestId"]) == 36


def keys_of(session):
    return {"aws_access_key_id": session["AccessKeyId"], "aws_secret_access_key": session["SecretAccessKey"],
            "aws_session_token": session["SessionToken"]}


def test_keys_of_a_role_are_good_and_outlive_a_restart(daemon):
    role = "arn:aws:iam::123456789012:role/team/app"
    session = daemon.client("sts").assume_role(RoleArn=role, RoleSessionName="me.too")
    daemon.stop()
    daemon.start()
    me = daemon.client("sts", **keys_of(session["Credentials"])).get_caller_identity()
    assert me["Arn"] == session["AssumedRoleUser"]["Arn"] == "arn:aws:sts::123456789012:assumed-role/app/me.too"
    assert me["UserId"] == session["AssumedRoleUser"]["AssumedRoleId"]


def code_of(call):
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        call()
    return caught.value.response["Error"]["Code"], caught.value.response["ResponseMetadata"]["HTTPStatusCode"]


def test_other_keys_are_refused_as_amazon_refuses_them(daemon):
    wrong_secret = {"aws_secret_access_key": "guessed"}
    other_key = {"aws_access_key_id": "AKIAIOSFODNN7EXAMPLE"}
    assert code_of(daemon.client("sts", **wrong_secret).get_caller_identity) == ("SignatureDoesNotMatch", 403)
    assert code_of(daemon.client("sts", **other_key).get_caller_identity) == ("InvalidClientTokenId", 403)
    assert code_of(lambda: daemon.client("sts").assume_role(RoleArn="x" * 20, RoleSessionName="me")) == ("ValidationError", 400)
    assert code_of(daemon.client("sts").get_session_token) == ("InvalidAction", 400)
    assert code_of(daemon.client("ecr").get_authorization_token) == ("UnknownOperationException", 400)
    status, headers, body = ask(daemon.address(), headers=FORM, body=WHO_AM_I)
    assert status == 403 and b"<Code>MissingAuthenticationToken</Code>" in body and headers["content-type"] == "text/xml"


def test_a_presigned_url_needs_no_headers(daemon):
    url = daemon.client("sts").generate_presigned_url("get_caller_identity", ExpiresIn=60, HttpMethod="GET")
    path = url[len(daemon.url()):]
    with connection(daemon.address()) as peer:
        peer.sendall(f"GET {path} HTTP/1.1\r\nHost: {daemon.url()[7:]}\r\nConnection: close\r\n\r\n".encode())
        answer = b"".join(iter(lambda: peer.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 200 ") and b":root</Arn>" in answer, answer


def test_roots_socket_asks_for_no_signature_and_is_for_root_alone(daemon):
    path = daemon.instance.state / "berth.sock"
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    status, _, body = ask(path, headers=FORM, body=WHO_AM_I)
    assert status == 200 and b"<Arn>arn:aws:iam::123456789012:root</Arn>" in body
    for directory in (daemon.instance.state, *daemon.instance.state.parents):
        if os.stat(directory).st_mode & 0o001 == 0:
            os.chmod(directory, os.stat(directory).st_mode | 0o001)  # so that only the socket itself can refuse
    script = f"import socket; socket.socket(socket.AF_UNIX).connect({str(path)!r})"
    tried = subprocess.run(["/usr/bin/python3", "-c", script], user=65534, group=65534, capture_output=True, text=True, check=False)
    assert "PermissionError" in tried.stderr, tried


def curl(daemon, *arguments, typed=b""):
    done = subprocess.run(["curl", "-sS", "-m", str(60 * PATIENCE), *arguments], input=typed, capture_output=True, check=False,
                          env=daemon.instance.environment)
    assert done.returncode == 0, done
    return done.stdout


def test_bodies_come_as_http_has_them(daemon):
    head = f"POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: {len(WHO_AM_I)}\r\nConnection: close\r\n"
    with connection(daemon.instance.state / "berth.sock") as peer:
        peer.sendall((head + "Content-Type: application/x-www-form-urlencoded\r\n\r\n").encode())
        assert peer.recv(1024) == b"HTTP/1.1 100 Continue\r\n\r\n"
        peer.sendall(WHO_AM_I)
        assert b"".join(iter(lambda: peer.recv(65536), b"")).startswith(b"HTTP/1.1 200 ")
    with connection(daemon.instance.state / "berth.sock") as peer:
        peer.sendall(head.replace(str(len(WHO_AM_I)), "4194305").encode() + b"\r\n")
        assert peer.recv(1024).startswith(b"HTTP/1.1 413 ")
    # In chunks, as curl sends what it reads from a pipe; signed, too, and of more than one read.
    chunks = ("-H", "Transfer-Encoding: chunked", "--data-binary", "@-")
    keys = daemon.variables()
    signed = ("--aws-sigv4", f"aws:amz:{keys['AWS_REGION']}:sts", "--user", f"{keys['AWS_ACCESS_KEY_ID']}:{keys['AWS_SECRET_ACCESS_KEY']}")
    for body in (WHO_AM_I, WHO_AM_I + b"&Filler=" + b"x" * 500_000):
        assert b":root</Arn>" in curl(daemon, *signed, *chunks, daemon.url(), typed=body)
    socket_of_root = ("--unix-socket", str(daemon.instance.state / "berth.sock"))
    waits = ("-H", "Expect: 100-continue", "--expect100-timeout", str(60 * PATIENCE))
    assert b":root</Arn>" in curl(daemon, *socket_of_root, *waits, *chunks, "http://h/", typed=WHO_AM_I)
    too_large = curl(daemon, *socket_of_root, *chunks, "-w", " %{http_code}", "http://h/", typed=b"x" * (4 * 1024 * 1024 + 1))
    assert too_large == b"the body has more than the 4194304 bytes that are taken\n 413"
    # One that would rather speak HTTP/2 asks so on the way, and is answered all the same.
    assert b"berth_" in curl(daemon, "--http2", f"{daemon.url()}/metrics")


def refused(daemon, *flags):
    done = subprocess.run(daemon.command(*flags), capture_output=True, text=True, timeout=20 * PATIENCE, check=False,
                          env=daemon.instance.environment)
    assert done.returncode == 125, done
    return done.stderr


def test_a_second_one_is_refused_and_the_first_goes_on(daemon):
    assert "another berthd serves" in refused(daemon)
    # Its durable state is not to be shared either.
    other = copy.copy(daemon.instance)
    other.state = other.state.with_name("other")
    assert f"another berthd serves {other.root}" in refused(Daemon(other))
    assert daemon.client("sts").get_caller_identity()["Account"] == "123456789012"


def test_bad_addresses_are_named(daemon):
    assert 'berth: --listen: "localhost:1" is not ADDRESS:PORT' in refused(daemon, "--listen", "localhost:1")
    assert "--no-auth on 0.0.0.0:1: whoever reaches that address would be root here" in refused(daemon, "--no-auth", "--listen", "0.0.0.0:1")
    daemon.stop()
    with socket.create_server(("127.0.0.1", 0)) as server:
        host, port = server.getsockname()
        assert f"--listen {host}:{port}: bind {host}:{port}: Address already in use" in refused(daemon, "--listen", f"{host}:{port}")


def test_print_config_is_the_configuration_in_force(daemon):
    done = subprocess.run(daemon.command("--print-config"), capture_output=True, text=True, check=True,
                          env=daemon.instance.environment)
    printed = json.loads(done.stdout)
    assert printed["listen"] == "127.0.0.1:0" and printed["root"] == str(daemon.instance.root)


def test_whoever_supervises_hears_of_its_state_and_its_end_leaves_no_files(daemon_instance):
    with Daemon(daemon_instance, watchdog=True) as daemon:
        daemon.hear("WATCHDOG=1", times=3)
        daemon.stop()
    assert daemon.told[0] == "READY=1" and daemon.told[-1] == "STOPPING=1"
    assert not [name for name in ("berth.sock", "berthd.json") if (daemon.instance.state / name).exists()]
    printed = daemon.instance.berth("env")
    assert printed.code == 0 and "no berthd serves this instance now" in printed.err


def test_without_signatures_everybody_is_root(daemon_instance):
    with Daemon(daemon_instance, "--no-auth") as daemon:
        status, _, body = ask(daemon.address(), headers=FORM, body=WHO_AM_I)
        assert status == 200 and b":root</Arn>" in body
        assert "signatures are not verified" in daemon.log()
