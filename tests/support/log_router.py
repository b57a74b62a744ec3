"""A log router for tests of FireLens, run in a container: reads the configuration that berth made for its type, listens
where that says, and writes what comes as lines of JSON. Whoever filters and forwards is Fluent Bit or Fluentd; what is
tested here is all that is before them.

    log_router.py CONFIGURATION DIRECTORY"""

import json
import os
import pathlib
import re
import selectors
import shutil
import signal
import socket
import struct
import sys

import msgpack


def listeners(text):
    """The unix socket and the TCP address of a fluent-bit.conf or fluent.conf."""
    path = re.search(r"^    (?:unix_path|path) (\S+)$", text, re.MULTILINE)[1]
    pathlib.Path(path).unlink(missing_ok=True)
    unix = socket.socket(socket.AF_UNIX)
    unix.bind(path)
    found = [unix]
    host = re.search(r"^    (?:Listen|bind) (\S+)$", text, re.MULTILINE)
    if host:
        found.append(socket.create_server((host[1], 24224)))
    for each in found:
        each.listen()
    return found


def serve(text, write, stopping):
    """Until `stopping` can be read, and then until nothing else can."""
    selector = selectors.DefaultSelector()
    for listener in listeners(text):
        selector.register(listener, selectors.EVENT_READ, None)
    selector.register(stopping, selectors.EVENT_READ, None)
    write({"listening": True})
    while True:
        ready = selector.select()
        if [key.fileobj for key, _ in ready] == [stopping]:
            return
        for key, _ in ready:
            if key.fileobj == stopping:
                continue
            if key.data is None:
                connection, _ = key.fileobj.accept()
                unpacker = msgpack.Unpacker(ext_hook=lambda code, data: (code, *struct.unpack(">II", data)))
                selector.register(connection, selectors.EVENT_READ, unpacker)
                continue
            data = key.fileobj.recv(65536)
            if not data:
                selector.unregister(key.fileobj)
                key.fileobj.close()
            key.data.feed(data)
            for tag, time, record, option in key.data:
                over = "unix" if key.fileobj.family == socket.AF_UNIX else "tcp"
                write({"tag": tag, "time": time, "record": record, "option": option, "over": over})


def main(configuration, directory):
    directory = pathlib.Path(directory)
    for file in pathlib.Path(configuration).parent.iterdir():
        shutil.copyfile(file, directory / file.name)
    (directory / "environment").write_text(json.dumps(dict(os.environ)))
    with open(directory / "records", "a") as records:
        def write(record):
            records.write(json.dumps(record) + "\n")
            records.flush()

        stopping, told = os.pipe()
        signal.signal(signal.SIGTERM, lambda *_: os.write(told, b"t"))
        serve(pathlib.Path(configuration).read_text(), write, stopping)
        write({"stopped": True})


main(*sys.argv[1:])
