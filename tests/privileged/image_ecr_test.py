"""Pulls from Amazon ECR by its real names: the name resolves to the loopback, where Debian's docker-registry speaks
TLS and takes the tokens that a fake ECR hands out; whose signatures are right is botocore's judgement."""

import base64
import hashlib
import http.client
import http.server
import json
import os
import shlex
import ssl
import subprocess
import threading
import time

import leak_census
import pytest
from berth import BIN, sh, task
from fake_aws import FakeAws
from forward_proxy import Proxy
from registry import Registry

HOST = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
IMAGE = f"{HOST}/team/app:1"
KEYS = {"AKIDGOOD": ("secret/+=", "")}
GOOD = {"AWS_ACCESS_KEY_ID": "AKIDGOOD", "AWS_SECRET_ACCESS_KEY": "secret/+="}


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    """A certificate of the registry's name, and key."""
    directory = tmp_path_factory.mktemp("tls")
    key, certificate = directory / "key.pem", directory / "cert.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-keyout", key, "-out", certificate, "-days", "2", "-subj", "/CN=ecr",
                    "-addext", f"subjectAltName=DNS:{HOST}"], check=True, capture_output=True)
    return certificate, key


@pytest.fixture(scope="module")
def registry(tmp_path_factory, layouts, authority):
    with Registry(tmp_path_factory.mktemp("registry"), user="AWS", password="first", tls=authority,
                  port=443) as running:
        running.push(f"oci:{layouts['busybox']}:latest", "team/app:1")
        yield running
        running.set_password("first")


@pytest.fixture
def aws():
    with FakeAws(KEYS, ["first"]) as fake:
        yield fake


class Host:
    """A machine that resolves the registry's name to the loopback, trusts it, and has a home of its own."""

    def __init__(self, directory, certificate, aws):
        self.home = directory / "home"
        (self.home / ".aws").mkdir(parents=True)
        self.root, self.run = directory / "root", directory / "run"
        self._hosts, self._certificate = directory / "hosts", certificate
        self._hosts.write_text(f"127.0.0.1 localhost {HOST}\n")
        self.config = {}
        self._config = directory / "berth.json"
        self.environment = {"AWS_ENDPOINT_URL": aws.url, "AWS_EC2_METADATA_DISABLED": "true"}

    def berth(self, *arguments, **environment):
        self._config.write_text(json.dumps(self.config))
        berth = [BIN / "berth", "--config", self._config, "--root", self.root, "--run", self.run, *arguments]
        script = (f"mount --bind {self._hosts} /etc/hosts && "
                  f"mount --bind {self._certificate} /etc/ssl/certs/ca-certificates.crt && exec {shell(berth)}")
        bare = {"PATH": os.environ["PATH"], "HOME": str(self.home)}
        return subprocess.run(["unshare", "--mount", "sh", "-c", script], capture_output=True, text=True, timeout=60,
                              env={**bare, **self.environment, **environment}, check=False)

    def pull(self, **environment):
        return self.berth("pull", IMAGE, **environment)

    def pulled(self, **environment):
        done = self.pull(**environment)
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith(f"{IMAGE}@sha256:")

    def aws_config(self, text, name="config"):
        (self.home / ".aws" / name).write_text(text)

    def tokens(self):
        return sorted((self.root / "ecr").glob("*"))


def shell(command):
    return " ".join(shlex.quote(str(word)) for word in command)


@pytest.fixture
def host(tmp_path, authority, aws):
    made = Host(tmp_path, authority[0], aws)
    before = leak_census.take(made.run, made.root)
    yield made
    leak_census.assert_equal(before, made.run, made.root)


def from_environment(host, aws):
    return GOOD, ["ecr AKIDGOOD"]


def from_session(host, aws):
    aws.keys["ASIATEMPORARY"] = ("s", "session/token==")
    return {"AWS_ACCESS_KEY_ID": "ASIATEMPORARY", "AWS_SECRET_ACCESS_KEY": "s",
            "AWS_SESSION_TOKEN": "session/token=="}, ["ecr ASIATEMPORARY"]


def from_profile(host, aws):
    host.aws_config(f"[mine]\naws_access_key_id = AKIDGOOD\naws_secret_access_key = {KEYS['AKIDGOOD'][0]}\n",
                    "credentials")
    return {"AWS_PROFILE": "mine"}, ["ecr AKIDGOOD"]


def from_configured_profile(host, aws):
    from_profile(host, aws)
    host.config = {"aws": {"profile": "mine", "ecrEndpoint": aws.url}}
    return {"AWS_ENDPOINT_URL": "http://127.0.0.1:1", "AWS_ACCESS_KEY_ID": "not", "AWS_SECRET_ACCESS_KEY": "this"}, [
        "ecr AKIDGOOD"]


def from_process(host, aws):
    program = host.home / "print keys"
    program.write_text('#!/bin/sh\necho \'{"Version":1,"AccessKeyId":"AKIDGOOD","SecretAccessKey":"secret/+="}\'\n')
    program.chmod(0o755)
    host.aws_config(f"[default]\ncredential_process = '{program}' now\n")
    return {}, ["ecr AKIDGOOD"]


def from_role(host, aws):
    host.aws_config("[default]\nrole_arn = arn:aws:iam::1:role/r\nsource_profile = base\nregion = eu-west-3\n"
                    f"endpoint_url = {aws.url}\n")
    host.aws_config("[base]\naws_access_key_id = AKIDGOOD\naws_secret_access_key = secret/+=\n", "credentials")
    return {"AWS_ENDPOINT_URL": ""}, ["sts AssumeRole AKIDGOOD", "ecr ASIAHANDEDOUT"]


def sign_on(host, seconds):
    """As `aws sso login` leaves it: a token that is good for so long, and what it is renewed with."""
    host.aws_config("[default]\nsso_session = corp\nsso_account_id = 123456789012\nsso_role_name = Developer\n"
                    "[sso-session corp]\nsso_start_url = https://corp.example/start\nsso_region = eu-west-1\n")
    cache = host.home / ".aws/sso/cache"
    cache.mkdir(parents=True)
    at = (time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + after)) for after in (seconds, 90 * 86400))
    token = {"startUrl": "https://corp.example/start", "region": "eu-west-1", "accessToken": "first",
             "expiresAt": next(at), "clientId": "client", "clientSecret": "client-secret",
             "registrationExpiresAt": next(at), "refreshToken": "again"}
    file = cache / (hashlib.sha1(b"corp").hexdigest() + ".json")
    file.write_text(json.dumps(token))
    return file


def from_sign_on(host, aws):
    sign_on(host, 3600)
    return {}, ["sso Developer", "ecr ASIAHANDEDOUT"]


def from_sign_on_near_its_end(host, aws):
    sign_on(host, 60)
    return {}, ["sso-oidc", "sso Developer", "ecr ASIAHANDEDOUT"]


def from_web_identity(host, aws):
    (host.home / "token").write_text("jwt\n")
    return {"AWS_WEB_IDENTITY_TOKEN_FILE": str(host.home / "token"), "AWS_ROLE_ARN": "arn:aws:iam::1:role/r"}, [
        "sts AssumeRoleWithWebIdentity", "ecr ASIAHANDEDOUT"]


def from_container(host, aws):
    (host.home / "token").write_text(aws.container_token)
    return {"AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{aws.url}/creds?with=token",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": str(host.home / "token"),
            "http_proxy": "http://127.0.0.1:1"}, ["container", "ecr ASIAHANDEDOUT"]


def from_instance(host, aws):
    return {"AWS_EC2_METADATA_DISABLED": "", "AWS_EC2_METADATA_SERVICE_ENDPOINT": aws.url}, [
        "imds", "ecr ASIAHANDEDOUT"]


@pytest.mark.parametrize("source", [from_environment, from_session, from_profile, from_configured_profile,
                                    from_process, from_role, from_sign_on, from_sign_on_near_its_end,
                                    from_web_identity, from_instance])
def test_every_source_of_keys_leads_to_the_image(registry, host, aws, source):
    environment, asked = source(host, aws)
    host.pulled(**environment)
    assert aws.asked == asked


def test_a_task_runs_from_ecr(registry, host, aws):
    definition = host.home / "task.json"
    definition.write_text(json.dumps(task(sh("echo it runs", image=IMAGE))))
    done = host.berth("run", definition, **GOOD)
    assert done.returncode == 0 and "it runs" in done.stdout, done.stderr
    assert aws.asked == ["ecr AKIDGOOD"]


# Debian's botocore is older than AWS_ENDPOINT_URL.
BOTOCORE = """
import botocore.session, os
session = botocore.session.Session()
make = session.create_client
session.create_client = lambda *names, **settings: make(*names, **{"endpoint_url": os.environ["AWS_ENDPOINT_URL"], **settings})
print(session.get_credentials().get_frozen_credentials().access_key)
"""


def test_amazons_own_tools_go_on_with_the_token_that_we_renewed(registry, host, aws):
    """A refresh token is good only once: what came instead must be where they look for it."""
    file = sign_on(host, 60)
    host.pulled()
    assert file.stat().st_mode & 0o777 == 0o600
    asked = subprocess.run(["/usr/bin/python3", "-c", BOTOCORE], capture_output=True, text=True, timeout=60, check=True,
                           env={"PATH": os.environ["PATH"], "HOME": str(host.home), **host.environment})
    assert asked.stdout.split() == ["ASIAHANDEDOUT"]
    assert aws.asked == ["sso-oidc", "sso Developer", "ecr ASIAHANDEDOUT", "sso Developer"]


def test_a_session_that_has_ended_says_how_to_sign_in(registry, host, aws):
    sign_on(host, -60)
    aws.sso_tokens.clear()
    done = host.pull()
    assert done.returncode == 125 and "Invalid grant provided" in done.stderr, done.stderr
    assert "run: aws sso login --sso-session corp" in done.stderr and "again" not in done.stderr
    assert aws.asked == ["sso-oidc"]


def test_a_container_asks_its_host_and_no_proxy(registry, host, aws):
    environment, asked = from_container(host, aws)
    host.pulled(**environment)
    assert aws.asked == asked


@pytest.mark.parametrize("by", ["configuration", "environment"])
def test_ecr_is_asked_through_the_proxy(registry, host, aws, by):
    """ECR and Identity Center; the registry itself, at the loopback here, is not."""
    sign_on(host, 3600)
    with Proxy(aws.url.removeprefix("http://")) as proxy:
        url = f"http://me:hidden@{proxy.address}"
        if by == "configuration":
            host.config = {"proxy": {"http": url, "noProxy": [HOST]}}
        environment = {} if by == "configuration" else {"http_proxy": url, "no_proxy": HOST}
        host.pulled(**environment, AWS_ENDPOINT_URL="http://aws.test")
        assert [(method, address.partition("?")[0]) for method, address, _ in proxy.asked] == [
            ("GET", "http://aws.test/federation/credentials"), ("POST", "http://aws.test/")]
        assert {base64.b64decode(authorization) for _, _, authorization in proxy.asked} == {b"me:hidden"}
    assert aws.asked == ["sso Developer", "ecr ASIAHANDEDOUT"]


@pytest.mark.parametrize("address", ["169.254.170.2", "169.254.169.254"])
def test_the_addresses_that_amazon_has_for_it(registry, host, aws, address):
    subprocess.run(["ip", "address", "add", f"{address}/32", "dev", "lo"], check=True)
    try:
        with FakeAws(KEYS, ["first"], address=(address, 80)) as link_local:
            environment = {"AWS_EC2_METADATA_DISABLED": ""}
            if address == "169.254.170.2":
                environment["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"] = "/v2/credentials/id"
            host.pulled(**environment)
            assert link_local.asked == ["container" if address == "169.254.170.2" else "imds"]
            assert aws.asked == ["ecr ASIAHANDEDOUT"]
    finally:
        subprocess.run(["ip", "address", "del", f"{address}/32", "dev", "lo"], check=True)


def test_a_token_is_kept_for_root_alone_and_used_again(registry, host, aws):
    host.pulled(**GOOD)
    (token,) = host.tokens()
    assert token.stat().st_mode & 0o777 == 0o600 and token.parent.stat().st_mode & 0o777 == 0o700
    host.pulled(**GOOD)
    assert aws.asked == ["ecr AKIDGOOD"]


def test_a_refused_token_is_fetched_anew_once(registry, host, aws):
    aws.passwords = ["stale", "first"]
    host.pulled(**GOOD)
    assert aws.asked == ["ecr AKIDGOOD"] * 2
    aws.passwords = ["wrong"]
    registry.set_password("another")
    try:
        done = host.pull(**GOOD)
    finally:
        registry.set_password("first")
    assert done.returncode != 0 and "401" in done.stderr
    assert aws.asked == ["ecr AKIDGOOD"] * 3


def test_an_expired_token_is_renewed_without_asking_the_registry(registry, host, aws):
    aws.lifetime = -1
    aws.passwords = ["stale", "first"]
    host.pull(**GOOD)
    aws.lifetime = 3600
    host.pulled(**GOOD)
    assert len(host.tokens()) == 1


class Front:
    """ECR's own manner before a registry: 403 for a token whose time is over."""

    def __init__(self, registry, authority, expired):
        self.answers = []
        context = ssl.create_default_context(cafile=authority[0])
        context.check_hostname = False
        front = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                if self.headers.get("Authorization") == expired:
                    front.answers.append("expired")
                    body = json.dumps({"errors": [{"code": "DENIED", "message": "Your authorization token has expired. "
                                                   "Reauthenticate and try again."}]}).encode()
                    return self.reply(403, {"Content-Type": "application/json"}, body)
                upstream = http.client.HTTPSConnection(registry.address, context=context)
                upstream.request(self.command, self.path, headers=dict(self.headers))
                answer = upstream.getresponse()
                return self.reply(answer.status, dict(answer.getheaders()), answer.read())

            def reply(self, status, headers, body):
                self.send_response(status)
                headers.setdefault("Content-Length", str(len(body)))
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(body)

            do_HEAD = do_GET

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.2", 443), Handler)
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(*authority)
        self.server.socket = tls.wrap_socket(self.server.socket, server_side=True)

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


def test_ecrs_own_word_for_expired_is_understood(registry, host, aws, authority):
    aws.passwords = ["stale", "first"]
    with Front(registry, authority, "Basic QVdTOnN0YWxl") as front:
        host._hosts.write_text(f"127.0.0.2 {HOST}\n")
        host.pulled(**GOOD)
        assert front.answers and aws.asked == ["ecr AKIDGOOD"] * 2


def test_wrong_keys_are_ecrs_error_in_one_line(registry, host, aws):
    done = host.pull(**{**GOOD, "AWS_SECRET_ACCESS_KEY": "wrong-secret"})
    assert done.returncode == 125
    (line,) = done.stderr.strip().splitlines()
    assert "GetAuthorizationToken with key AKIDGOOD" in line and "InvalidSignatureException: The request" in line
    assert "wrong-secret" not in line
    done = host.pull(**{**GOOD, "AWS_ACCESS_KEY_ID": "AKIDUNKNOWN"})
    assert "UnrecognizedClientException: The security token included in the request is invalid." in done.stderr
    assert host.tokens() == []


def test_a_signed_request_is_not_sent_elsewhere(registry, host, aws):
    with FakeAws(KEYS, ["first"]) as elsewhere:
        aws.moved_to = elsewhere.url
        done = host.pull(**GOOD)
        assert done.returncode == 125 and "GetAuthorizationToken" in done.stderr and "status 307" in done.stderr
        assert elsewhere.asked == []


def test_without_keys_every_source_is_named(registry, host, aws):
    done = host.pull()
    for word in ("no AWS credentials", "AWS_ACCESS_KEY_ID is not set", "no profile \"default\" in", ".aws/credentials",
                 "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_EC2_METADATA_DISABLED is true"):
        assert word in done.stderr
    assert aws.asked == []


def test_an_entry_of_dockers_for_the_very_registry_goes_first(registry, host, aws):
    (host.home / ".docker").mkdir()
    config = host.home / ".docker" / "config.json"
    config.write_text(json.dumps({"auths": {HOST: {"username": "AWS", "password": "first"}}}))
    host.pulled()
    assert aws.asked == []
    config.write_text(json.dumps({"auths": {"other.example": {"username": "u", "password": "p"}}}))
    host.pulled(**GOOD)
    assert aws.asked == ["ecr AKIDGOOD"]
