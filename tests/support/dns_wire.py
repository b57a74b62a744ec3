"""Messages of DNS, bit by bit: by hand, so that ours are not checked by themselves. Runs inside of containers, too."""

import os
import socket
import struct

A, NS, PTR, TXT, AAAA, OPT = 1, 2, 12, 16, 28, 41
NOERROR, FORMERR, SERVFAIL, NXDOMAIN, NOTIMP, REFUSED = range(6)
PATIENCE = float(os.environ.get("DNS_PATIENCE", "20"))
RESOLVER = ("169.254.169.253", 53)
RESOLVER6 = ("fd00:ec2::253", 53)


def name_bytes(name):
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".") if label) + b"\0"


def query(name, kind=A, number=0x1234, flags=0x0100, edns=0):
    header = struct.pack("!6H", number, flags, 1, 0, 0, 1 if edns else 0)
    option = b"\0" + struct.pack("!HHIH", OPT, edns, 0, 0) if edns else b""
    return header + name_bytes(name) + struct.pack("!2H", kind, 1) + option


def read_name(message, at):
    labels, end = [], None
    while message[at]:
        if message[at] >= 0xC0:
            end = end or at + 2
            at = struct.unpack_from("!H", message, at)[0] & 0x3FFF
            continue
        labels.append(message[at + 1:at + 1 + message[at]].decode())
        at += 1 + message[at]
    return ".".join(labels), end or at + 1


class Answer:
    def __init__(self, message):
        self.bytes = message
        self.number, flags, questions, *counts = struct.unpack_from("!6H", message)
        self.rcode, self.truncated, self.authoritative = flags & 15, bool(flags & 0x200), bool(flags & 0x400)
        at, self.question = 12, None
        if questions:
            name, at = read_name(message, 12)
            self.question = (name, struct.unpack_from("!H", message, at)[0])
            at += 4
        self.sections = []
        for count in counts:
            records = []
            for _ in range(count):
                name, at = read_name(message, at)
                kind, _, _, size = struct.unpack_from("!HHIH", message, at)
                at += 10
                data = message[at:at + size]
                if kind == A:
                    data = socket.inet_ntoa(data)
                if kind == PTR:
                    data = read_name(message, at)[0]
                records.append((kind, data))
                at += size
            self.sections.append(records)

    def data(self, kind=A):
        return sorted(data for each, data in self.sections[0] if each == kind)


def ask(name, kind=A, at=RESOLVER, timeout=PATIENCE, **options):
    with socket.socket(socket.AF_INET6 if ":" in at[0] else socket.AF_INET, socket.SOCK_DGRAM) as asker:
        asker.settimeout(timeout)
        asker.connect(at)
        asker.send(query(name, kind, **options))
        return Answer(asker.recv(65535))


def read_frames(stream, count):
    frames, data = [], b""
    while len(frames) < count:
        got = stream.recv(65536)
        if not got:
            break
        data += got
        while len(data) >= 2 and len(data) - 2 >= int.from_bytes(data[:2], "big"):
            size = int.from_bytes(data[:2], "big")
            frames.append(data[2:2 + size])
            data = data[2 + size:]
    return frames


def ask_by_tcp(questions, at=RESOLVER):
    """All in one go over one connection; the answers by number."""
    with socket.create_connection(at, timeout=PATIENCE) as stream:
        stream.sendall(b"".join(len(each).to_bytes(2, "big") + each for each in questions))
        return {answer.number: answer for answer in map(Answer, read_frames(stream, len(questions)))}


def reply(question, *addresses, rcode=NOERROR, number=None, name=None, truncated=False):
    """An answer of A records to the bytes of a question."""
    asked, at = read_name(question, 12)
    flags = 0x8180 | rcode | (0x200 if truncated else 0)
    header = struct.pack("!6H", number if number is not None else int.from_bytes(question[:2], "big"), flags, 1,
                         len(addresses), 0, 0)
    body = (name_bytes(name) if name else question[12:at]) + question[at:at + 4]
    records = (b"\xc0\x0c" + struct.pack("!HHIH", A, 1, 60, 4) + socket.inet_aton(each) for each in addresses)
    return header + body + b"".join(records)
