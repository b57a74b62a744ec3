"""nginx on free ports of the loopback, in front of a registry: TLS, HTTP/2, client certificates, redirects."""

import pathlib
import socket
import subprocess
import time

START_SECONDS_MAX = 60
LAST = "/asked-after-all-others"

CONFIGURATION = """\
daemon off; master_process off; worker_processes 1; pid {directory}/pid; error_log {directory}/error.log;
events {{ worker_connections 256; }}
http {{
  log_format asked '$server_port $server_protocol $request_method $uri $status auth="$http_authorization" '
                   'cert=$ssl_client_verify';
  access_log {directory}/access.log asked;
  client_body_temp_path {directory}/body; proxy_temp_path {directory}/proxy; fastcgi_temp_path {directory}/f;
  uwsgi_temp_path {directory}/u; scgi_temp_path {directory}/s;
  client_max_body_size 0;
{servers}}}
"""


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def make_certificate(directory, name, subject="127.0.0.1", alternative="IP:127.0.0.1"):
    """A self-signed pair: NAME.crt and NAME.key."""
    certificate, key = directory / f"{name}.crt", directory / f"{name}.key"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-keyout", key, "-out", certificate, "-days", "2", "-subj", f"/CN={subject}",
                    "-addext", f"subjectAltName={alternative}"], check=True, capture_output=True)
    return certificate, key


class Nginx:
    """Use as a context manager. `servers` maps ports to the lines of their server blocks."""

    def __init__(self, directory, servers):
        self._directory = pathlib.Path(directory)
        self._directory.mkdir(parents=True)
        blocks = "".join(f"  server {{\n{lines}\n  }}\n" for lines in servers.values())
        self._configuration = self._directory / "nginx.conf"
        self._configuration.write_text(CONFIGURATION.format(directory=self._directory, servers=blocks))
        self._ports = list(servers)
        self._process = None

    def __enter__(self):
        with open(self._directory / "log", "wb") as log:
            self._process = subprocess.Popen(["nginx", "-e", self._directory / "error.log", "-c", self._configuration],
                                             stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        deadline = time.monotonic() + START_SECONDS_MAX
        for port in self._ports:
            while True:
                try:
                    socket.create_connection(("127.0.0.1", port)).close()
                    break
                except OSError:
                    assert self._process.poll() is None and time.monotonic() < deadline, self._why()
                    time.sleep(0.02)
        return self

    def __exit__(self, *_):
        self._process.terminate()
        self._process.wait()

    def asked(self, port):
        """The log's lines of one port, without it. A line comes after its answer, but before what is asked afterwards."""
        with socket.create_connection(("127.0.0.1", self._ports[0])) as last:
            last.sendall(f"GET {LAST} HTTP/1.0\r\n\r\n".encode())
            while last.recv(65536):
                pass
        lines = (self._directory / "access.log").read_text().splitlines()
        return [line.split(" ", 1)[1] for line in lines if line.startswith(f"{port} ") and f" {LAST} " not in line]

    def _why(self):
        return (self._directory / "log").read_text() + (self._directory / "error.log").read_text()
