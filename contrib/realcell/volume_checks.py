"""Volumes that administrators change under running mounts."""

import os
import subprocess

from bench import HERE
from harness import check, comes_true, expect

VOLDUMP = os.path.join(os.path.dirname(HERE), "testcell.d", "voldump.py")
SERVERS = ("10.248.0.11", "10.248.0.12")


class ReplicatedVolume:
    """A volume that everybody may write, with a replica on each server; removed at the end."""

    def __init__(self, bench, name):
        self.bench, self.name = bench, name
        self.dump = os.path.join(bench.variables["AFSFUSE_TESTCELL_DIR"].strip("'\""), f"{name}.dump")

    def vos(self, *words, ok=True):
        try:
            return self.bench.on_server("vos", *words, "-localauth", "-noresolve")
        except AssertionError:
            if ok:
                raise

    def __enter__(self):
        self.remove()
        with open(self.dump, "wb") as file:
            subprocess.run(
                [VOLDUMP, "write", "--name", self.name, "--acl", "system:anyuser=all"], stdout=file, check=True
            )
        self.vos("restore", "-server", SERVERS[0], "-partition", "a", "-name", self.name, "-file", self.dump)
        return self

    def __exit__(self, *_):
        self.remove()
        if os.path.exists(self.dump):
            os.remove(self.dump)

    def remove(self):
        for server in SERVERS:
            self.vos("remove", "-server", server, "-partition", "a", "-id", f"{self.name}.readonly", ok=False)
        self.vos("remove", "-server", SERVERS[0], "-partition", "a", "-id", self.name, ok=False)

    def replicate(self):
        for server in SERVERS:
            self.vos("addsite", "-server", server, "-partition", "a", "-id", self.name)
        self.release()

    def release(self):
        self.vos("release", self.name)


def text(path):
    with open(path) as file:
        return file.read()


@check("vos release becomes visible on a running read-only mount, all of it and nothing before it", timeout=240)
def release(bench):
    with ReplicatedVolume(bench, "real.release") as volume:
        # There is no replica yet: this mount stays with the read-write volume.
        writer = bench.mount("release-writer", options=["--root", volume.name], namespace="afsfuse-client2").start()
        for name in ("changed", "removed", "kept"):
            with open(f"{writer.root}/{name}", "w") as file:
                file.write("0 of " + name)
        volume.replicate()
        reader = bench.mount("release-reader", options=["--root", volume.name]).start()
        expect(sorted(os.listdir(reader.root)) == ["changed", "kept", "removed"], "the first release")
        expect(os.statvfs(reader.root).f_flag & os.ST_RDONLY or not os.access(f"{reader.root}/kept", os.W_OK), "writable")
        for number in range(1, 4):
            data = f"{number} of changed" + "x" * number * 100_000
            with open(f"{writer.root}/changed", "w") as file:
                file.write(data)
            with open(f"{writer.root}/new{number}", "w") as file:
                file.write(str(number))
            if number == 1:
                os.remove(f"{writer.root}/removed")
            old = text(f"{reader.root}/changed")
            expect(old.startswith(f"{number - 1} of"), f"unreleased data are seen: {old[:20]}")
            expect(not os.path.exists(f"{reader.root}/new{number}"), "an unreleased name is seen")
            with open(f"{reader.root}/kept") as held:
                volume.release()
                expect(comes_true(lambda: text(f"{reader.root}/changed") == data, 3), f"release {number} is not seen")
                expect(text(f"{reader.root}/new{number}") == str(number), "a released name")
                expect(not os.path.exists(f"{reader.root}/removed"), "a removed name")
                expect(os.stat(f"{reader.root}/changed").st_size == len(data), "size")
                expect(held.read() == "0 of kept", "a file held open")
        reader.stop()
        writer.stop()


@check("A moved volume is followed by a running mount", timeout=120)
def moved(bench):
    with ReplicatedVolume(bench, "real.moved") as volume:
        mount = bench.mount("moved", options=["--root", volume.name]).start()
        with open(f"{mount.root}/file", "w") as file:
            file.write("before")
            file.flush()
            os.fsync(file.fileno())
            volume.vos("move", volume.name, SERVERS[0], "a", SERVERS[1], "a")
            file.write(" after")
        expect(text(f"{mount.root}/file") == "before after", "contents")
        place = volume.vos("examine", volume.name).stdout
        expect(SERVERS[1] in place, place)
        volume.vos("move", volume.name, SERVERS[1], "a", SERVERS[0], "a")
        expect(text(f"{mount.root}/file") == "before after", "contents after the way back")
        mount.stop()
