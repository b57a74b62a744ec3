"""`berth pull` through real fronts of a real registry: nginx with TLS, HTTP/2, client certificates and redirects, mirrors,
proxies; what refers to an image; and failures in the words of Amazon's agent."""

import base64
import io
import json
import pathlib
import sys
import tarfile
import urllib.request

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from berth import Instance, task  # noqa: E402
from forward_proxy import Proxy  # noqa: E402
from leak_census import assert_equal, take  # noqa: E402
from nginx import Nginx, free_port, make_certificate  # noqa: E402
from registry import Registry  # noqa: E402
from scripted_registry import Image, ScriptedRegistry, digest_of  # noqa: E402

REFUSING = "127.0.0.1:1"


@pytest.fixture
def make(tmp_path):
    """Instances of a configuration each; nothing may be left of any of them."""
    made = []

    def instance(config, **environment):
        directory = tmp_path / f"berth{len(made)}"
        directory.mkdir()
        one = Instance(directory, {}, config)
        one.environment.update(environment)
        made.append((one, take(one.state, one.root)))
        return one

    yield instance
    for one, before in made:
        assert_equal(before, one.state, one.root)


def tls(port, certificate, key, *lines, http2=True):
    return "\n".join([f"    listen 127.0.0.1:{port} ssl{' http2' if http2 else ''};", f"    ssl_certificate {certificate};",
                      f"    ssl_certificate_key {key};", *(f"    {line}" for line in lines)])


def passes_to(registry):
    return f"location / {{ proxy_pass http://{registry.address}; proxy_set_header Host $http_host; }}"


def trust(directory, host, **files):
    """certs.d/HOST with these files."""
    place = directory / "certs.d" / host
    place.mkdir(parents=True)
    for name, path in files.items():
        (place / name.replace("_", ".")).write_bytes(path.read_bytes())
    return {"certificates": str(directory / "certs.d")}


def push(registry, layouts, name="team/app:1"):
    return registry.push(f"oci:{layouts['busybox']}:latest", name)


def test_http2_by_a_trusted_authority(make, registry, layouts, tmp_path):
    push(registry, layouts)
    port, pair = free_port(), make_certificate(tmp_path, "server")
    with Nginx(tmp_path / "nginx", {port: tls(port, *pair, passes_to(registry))}) as nginx:
        reference = f"127.0.0.1:{port}/team/app:1"
        refused = make({}).berth("pull", reference)
        assert refused.code == 125 and "certificate" in refused.err
        pulled = make(trust(tmp_path, f"127.0.0.1:{port}", ca_crt=pair[0])).berth("pull", reference)
        assert pulled.code == 0, pulled
        answered = [line for line in nginx.asked(port) if " 200 " in line]
        assert len(answered) >= 4 and all(line.startswith("HTTP/2.0 ") for line in answered)


def test_a_certificate_is_looked_at_unless_told_otherwise(make, registry, layouts, tmp_path):
    push(registry, layouts)
    port, pair = free_port(), make_certificate(tmp_path, "server", "else.example", "DNS:else.example")
    with Nginx(tmp_path / "nginx", {port: tls(port, *pair, passes_to(registry))}):
        host = f"127.0.0.1:{port}"
        trusted = trust(tmp_path, host, ca_crt=pair[0])
        assert "certificate" in make(trusted).berth("pull", f"{host}/team/app:1").err  # of another name
        assert make({"registries": {host: {"tlsVerify": False}}}).berth("pull", f"{host}/team/app:1").code == 0
        other = make({"registries": {"127.0.0.1:9": {"tlsVerify": False}}})
        assert "certificate" in other.berth("pull", f"{host}/team/app:1").err


def test_our_certificate_is_shown_to_whom_it_is_for(make, registry, layouts, tmp_path):
    """The registry wants one; the storage that it sends us to is trusted by the registry's authority and sees none."""
    push(registry, layouts)
    front, storage = free_port(), free_port()
    server, client = make_certificate(tmp_path, "server"), make_certificate(tmp_path, "client", "berth")
    wants = [f"ssl_client_certificate {client[0]};", "ssl_verify_client on;",
             f"location ~ /blobs/ {{ return 307 https://127.0.0.1:{storage}$request_uri; }}", passes_to(registry)]
    optional = [f"ssl_client_certificate {client[0]};", "ssl_verify_client optional;", passes_to(registry)]
    with Nginx(tmp_path / "nginx", {front: tls(front, *server, *wants),
                                    storage: tls(storage, *server, *optional)}) as nginx:
        reference = f"127.0.0.1:{front}/team/app:1"
        config = trust(tmp_path, f"127.0.0.1:{front}", ca_crt=server[0])
        assert make(config).berth("pull", reference).code == 125
        place = tmp_path / "certs.d" / f"127.0.0.1:{front}"
        (place / "client.cert").write_bytes(client[0].read_bytes())
        half = make(config).berth("pull", reference)
        assert half.code == 125 and "missing key client.key" in half.err
        (place / "client.key").write_bytes(client[1].read_bytes())
        pulled = make(config).berth("pull", reference)
        assert pulled.code == 0, pulled
        assert all("cert=NONE" in line for line in nginx.asked(storage)) and nginx.asked(storage)
        assert any("cert=SUCCESS" in line for line in nginx.asked(front))


def test_https_is_not_left_for_http(make, registry, layouts, tmp_path):
    push(registry, layouts)
    port, plain, pair = free_port(), free_port(), make_certificate(tmp_path, "server")
    away = f"location ~ /blobs/ {{ return 307 http://127.0.0.1:{plain}$request_uri; }}"
    with Nginx(tmp_path / "nginx", {port: tls(port, *pair, away, passes_to(registry)),
                                    plain: f"listen 127.0.0.1:{plain}; {passes_to(registry)}"}) as nginx:
        config = trust(tmp_path, f"127.0.0.1:{port}", ca_crt=pair[0])
        refused = make(config).berth("pull", f"127.0.0.1:{port}/team/app:1")
        assert refused.code == 125 and "from https to http" in refused.err
        assert nginx.asked(plain) == []


def basic(host, directory):
    """Credentials for one host, as the user has them."""
    directory.mkdir()
    auth = base64.b64encode(b"someone:secret").decode()
    (directory / "config.json").write_text(json.dumps({"auths": {host: {"auth": auth}}}))
    return {"DOCKER_CONFIG": str(directory)}


def test_mirrors_are_asked_in_order_and_without_credentials(make, layouts, tmp_path):
    """One that is not there, one that has nothing, one that has all beneath a prefix; the registry itself is never asked.
    Then the mirrors are gone, and the registry gives it."""
    with Registry(tmp_path / "private", "someone", "secret") as origin, Registry(tmp_path / "full") as full, \
            Registry(tmp_path / "empty") as empty:
        reference = push(origin, layouts)
        push(full, layouts, "cache/team/app:1")
        first, second = free_port(), free_port()
        with Nginx(tmp_path / "nginx", {first: f"listen 127.0.0.1:{first}; {passes_to(empty)}",
                                        second: f"listen 127.0.0.1:{second}; {passes_to(full)}"}) as nginx:
            mirrors = [REFUSING, f"http://127.0.0.1:{first}", f"127.0.0.1:{second}/cache"]
            config = {"registries": {origin.address: {"mirrors": mirrors}}}
            pulled = make(config, **basic(origin.address, tmp_path / "docker")).berth("pull", reference)
            assert pulled.code == 0, pulled
            assert reference in pulled.out, "it is known by the name that was asked for"
            assert " 404 " in "".join(nginx.asked(first)) and "/v2/cache/team/app/blobs/" in "".join(nginx.asked(second))
            assert all('auth="-"' in line for port in (first, second) for line in nginx.asked(port))
        environment = {"DOCKER_CONFIG": str(tmp_path / "docker")}
        assert make(config, **environment).berth("pull", reference).code == 0  # nobody listens there any more
        denied = make(config).berth("pull", reference)
        assert denied.code == 125 and origin.address in denied.err


def test_a_mirror_that_cuts_or_lies_is_made_good_by_the_registry(make):
    image = Image(tar_with(b"a" * 200_000))
    layer = image.layers[0]["digest"]

    def cut(request, whole):
        return iter([whole[:100_000]]) if layer in request.path and b" 401 " not in whole[:20] else whole

    def lie(request, whole):
        return whole[:-1] + b"?" if request.kind == "manifests" and request.method == "GET" else whole

    for script in (cut, lie):
        with ScriptedRegistry(image, script) as mirror, ScriptedRegistry(image) as origin:
            one = make({"registries": {origin.address: {"mirrors": [mirror.address]}}})
            pulled = one.berth("pull", f"{origin.address}/app:1")
            assert pulled.code == 0, pulled
            assert mirror.requests and origin.requests
            if script is cut:
                (rest,) = [each for each in origin.requests if layer in each.path and "authorization" in each.headers]
                assert int(rest.headers["range"][6:-1]) > 90_000, "it goes on where the mirror left off"


def tar_with(content):
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        entry = tarfile.TarInfo("file")
        entry.size = len(content)
        tar.addfile(entry, io.BytesIO(content))
    return stream.getvalue()


@pytest.mark.parametrize("by", ["configuration", "environment"])
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_through_a_proxy(make, registry, layouts, tmp_path, scheme, by):
    push(registry, layouts)
    port, pair = free_port(), make_certificate(tmp_path, "server", "registry.test", "DNS:registry.test")
    host = "registry.test" + (":5000" if scheme == "http" else "")
    with Nginx(tmp_path / "nginx", {port: tls(port, *pair, passes_to(registry))}), \
            Proxy(registry.address if scheme == "http" else f"127.0.0.1:{port}") as proxy:
        config = {**trust(tmp_path, host, ca_crt=pair[0]), "insecureRegistries": [host] if scheme == "http" else []}
        url, name = f"http://me:hidden@{proxy.address}", f"{scheme.upper()}_PROXY"
        configured = {**config, "proxy": {scheme: url}} if by == "configuration" else config
        environment = {name: url} if by == "environment" else {name: "http://" + REFUSING}
        one = make(configured, **environment)
        pulled = one.berth("pull", f"{host}/team/app:1")
        assert pulled.code == 0, pulled
        assert "hidden" not in one.berth("system", "config").out
        (method, address, authorization) = proxy.asked[0]
        assert (method == "CONNECT") == (scheme == "https") and "registry.test" in address
        assert base64.b64decode(authorization) == b"me:hidden"

        proxy.asked.clear()
        configured = {**config, "proxy": {scheme: url, "noProxy": [".test"]}} if by == "configuration" else config
        environment["NO_PROXY"] = ".test"
        direct = make(configured, **environment).berth("pull", f"{host}/team/app:1")
        assert direct.code == 125 and "no such host" in direct.err and proxy.asked == []


def put_manifest(registry, repository, tag, document):
    text = json.dumps(document).encode()
    request = urllib.request.Request(f"http://{registry.address}/v2/{repository}/manifests/{tag}", text, method="PUT",
                                     headers={"Content-Type": document["mediaType"]})
    urllib.request.urlopen(request).close()
    return digest_of(text), len(text)


def test_referrers_by_tag_where_there_is_no_api(make, registry, layouts):
    reference = push(registry, layouts)
    one = make({})
    subject = one.berth("pull", reference).out.strip().split("@")[1]
    assert json.loads(one.berth("referrers", reference, "--format", "json").out)["referrers"] == []
    manifest = json.loads(urllib.request.urlopen(urllib.request.Request(
        f"http://{registry.address}/v2/team/app/manifests/1",
        headers={"Accept": "application/vnd.oci.image.manifest.v1+json"})).read())
    digest, size = put_manifest(registry, "team/app", "sbom", {**manifest, "annotations": {"what": "sbom"}})
    entry = {"mediaType": manifest["mediaType"], "digest": digest, "size": size}
    put_manifest(registry, "team/app", subject.replace(":", "-"), {
        "schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [{**entry, "artifactType": "text/spdx", "annotations": {"k": "v"}}]})
    found = json.loads(one.berth("referrers", reference, "--format", "json").out)
    assert found["subject"] == subject
    assert found["referrers"] == [{**entry, "artifactType": "text/spdx", "annotations": {"k": "v"}}]
    assert digest in one.berth("referrers", reference, "--type", "text/spdx").out
    assert digest not in one.berth("referrers", reference, "--type", "text/other").out


def test_referrers_page_by_page(make):
    image = Image(tar_with(b"x"))
    pages = []
    for number in range(3):
        pages.append(json.dumps({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": [
            {"mediaType": "m", "digest": "sha256:" + f"{number}" * 64, "size": 1, "artifactType": f"t/{number % 2}"}]}))

    def script(request, whole):
        if request.kind != "referrers" or "authorization" not in request.headers:
            return whole
        assert image.digest in request.path
        page = int(dict(part.split("=") for part in request.query.split("&") if part).get("page", 0))
        link = {"Link": f'<{request.path}?page={page + 1}>; rel="next"'} if page < 2 else {}
        return registry.send(request, 200, pages[page].encode(), **link)

    with ScriptedRegistry(image, script) as registry:
        one = make({})
        listed = one.berth("referrers", f"{registry.address}/app:1")
        assert listed.code == 0 and all(f"{number}" * 64 in listed.out for number in range(3)), listed
        some = one.berth("referrers", f"{registry.address}/app:1", "--type", "t/1")
        assert "1" * 64 in some.out and "0" * 64 not in some.out


def test_pages_without_an_end(make):
    image = Image(tar_with(b"x"))
    page = json.dumps({"mediaType": "application/vnd.oci.image.index.v1+json", "manifests": []}).encode()

    def script(request, whole):
        if request.kind != "referrers" or "authorization" not in request.headers:
            return whole
        return registry.send(request, 200, page, Link=f'<{request.path}>; rel="next"')

    with ScriptedRegistry(image, script) as registry:
        listed = make({}).berth("referrers", f"{registry.address}/app:1")
        assert listed.code == 125 and "more than 200 pages" in listed.err


def test_failures_are_worded_as_by_amazons_agent(make, registry, layouts, tmp_path):
    push(registry, layouts)
    one = make({})

    def fails(reference):
        pulled = one.berth("pull", reference)
        ran = one.run(task({"name": "main", "image": reference, "memory": 64}))
        assert pulled.code == 125 and ran.code == 125
        first = [line for line in pulled.err.splitlines() if "CannotPullContainerError: " in line]
        assert first and "CannotPullContainerError: " in ran.err, (pulled, ran)
        return first[0].split("CannotPullContainerError: ")[1]

    missing = f"{registry.address}/team/none:1"
    assert fails(missing).startswith(
        f"pull image manifest has been retried 0 time(s): failed to resolve ref {missing}: {missing}: not found")
    assert "lookup nowhere.invalid: no such host" in fails("nowhere.invalid/a:1")
    assert f"dial tcp {REFUSING}: connect: connection refused" in fails(f"{REFUSING}/a:1")
    with Registry(tmp_path / "private", "someone", "secret") as private:
        push(private, layouts, "app:1")
        assert "none are known" in fails(f"{private.address}/app:1")
