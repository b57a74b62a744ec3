"""Debian's docker-registry on a free port of the loopback, with its store in a temporary directory."""

import pathlib
import re
import subprocess
import time

START_SECONDS_MAX = 60

CONFIGURATION = """\
version: 0.1
log: {{level: info, accesslog: {{disabled: false}}}}
storage:
  filesystem: {{rootdirectory: {store}}}
  delete: {{enabled: true}}
http: {{addr: "127.0.0.1:{port}"{tls}}}
{auth}"""


class Registry:
    """Use as a context manager. With user and password, pulls and pushes need basic authentication; with tls, a pair of
    certificate and key, it speaks HTTPS. Without a port it takes a free one."""

    def __init__(self, directory, user=None, password=None, tls=None, port=0):
        self._directory = pathlib.Path(directory)
        self._directory.mkdir(parents=True, exist_ok=True)
        self._user, self._password, self._tls, self._port = user, password, tls, port
        self._process = None
        self.address = None

    def __enter__(self):
        self._log = self._directory / "log"
        with open(self._log, "wb") as log:
            self._process = subprocess.Popen(["docker-registry", "serve", self._configure()], cwd=self._directory,
                                             stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            self.address = f"127.0.0.1:{self._wait_for_port()}"
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self._process.kill()
        self._process.wait()

    def push(self, source, name, is_exact=False):
        """Copies e.g. "oci:DIR:latest" to NAME and returns the reference under which it can be pulled. Exact: with the
        very blobs that the source has. (skopeo remembers, for all of this host, which blobs unpack to the same, and
        takes one that the registry has in place of the source's: the gzip layers of another image for zstd ones.)"""
        command = ["skopeo", "copy", "--insecure-policy", "--quiet", "--dest-tls-verify=false"]
        if is_exact:
            command.append("--preserve-digests")
        if self._user:
            command += ["--dest-creds", f"{self._user}:{self._password}"]
        reference = f"{self.address}/{name}"
        subprocess.run([*command, source, f"docker://{reference}"], check=True)
        return reference

    def set_password(self, password):
        """From the next request on."""
        self._password = password
        entry = subprocess.check_output(["htpasswd", "-Bbn", self._user, password])
        (self._directory / "users").write_bytes(entry)

    def access_log(self):
        """A line for each request so far, as httpd's combined log."""
        return [line for line in self._log.read_text().splitlines() if '"HTTP/' in line or " HTTP/1.1" in line]

    def _configure(self):
        auth = ""
        if self._user:
            self.set_password(self._password)
            auth = f"auth: {{htpasswd: {{realm: test, path: {self._directory / 'users'}}}}}\n"
        path = self._directory / "config.yml"
        tls = ", tls: {{certificate: {}, key: {}}}".format(*self._tls) if self._tls else ""
        path.write_text(CONFIGURATION.format(store=self._directory / "store", auth=auth, tls=tls, port=self._port))
        return path

    def _wait_for_port(self):
        deadline = time.monotonic() + START_SECONDS_MAX
        while time.monotonic() < deadline and self._process.poll() is None:
            found = re.search(r"listening on 127\.0\.0\.1:(\d+)", self._log.read_text())
            if found:
                return found.group(1)
            time.sleep(0.02)
        raise RuntimeError(f"docker-registry did not start:\n{self._log.read_text()}")
