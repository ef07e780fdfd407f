#!/usr/bin/env python3
"""Prints encryption type, session key and ticket (hexadecimal) of a service in a Kerberos credential cache of type FILE.

The format is version 4 as MIT Kerberos documents it (doc/formats/ccache_file_format).
"""
import struct
import sys


def main(path, service):
    data = open(path, "rb").read()
    assert data[:2] == b"\x05\x04", "no credential cache of version 4"
    at = 4 + struct.unpack(">H", data[2:4])[0]

    def number(form):
        nonlocal at
        value = struct.unpack_from(form, data, at)[0]
        at += struct.calcsize(form)
        return value

    def counted():
        nonlocal at
        count = number(">I")
        at += count
        return data[at - count:at]

    def principal():
        number(">I")
        parts = number(">I")
        realm = counted()
        return b"/".join(counted() for _ in range(parts)) + b"@" + realm

    principal()
    while at < len(data):
        principal()
        server = principal()
        enctype = number(">H")
        key = counted()
        for _ in range(4):
            number(">I")
        number(">B")
        number(">I")
        for _ in range(2):
            for _ in range(number(">I")):
                number(">H")
                counted()
        ticket = counted()
        counted()
        if server.decode().split("@")[0] == service:
            print(enctype, key.hex(), ticket.hex(), sep="\n")
            return 0
    return f"{service} is not in {path}"


sys.exit(main(*sys.argv[1:]))
