"""The cache: a full disk under it, and how much changed data may wait."""

import contextlib
import errno
import hashlib
import json
import os
import socket
import subprocess

from bench import in_namespace, run
from harness import check, expect, expect_error


@contextlib.contextmanager
def small_disk(bench, name, size):
    """A file system of that size."""
    folder = os.path.join(bench.folder, name + ".disk")
    os.mkdir(folder)
    run("mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder)
    try:
        yield folder
    finally:
        run("umount", "-l", folder)


def block(seed, size=1 << 20):
    return hashlib.shake_128(str(seed).encode()).digest(size)


def write_file(path, seed, size):
    with open(path, "wb") as file:
        for number in range(size >> 20):
            file.write(block(f"{seed} {number}"))


def check_file(path, seed, size):
    with open(path, "rb") as file:
        for number in range(size >> 20):
            expect(file.read(1 << 20) == block(f"{seed} {number}"), f"{path}: MiB {number} differs")
        expect(file.read(1) == b"", f"{path}: too long")


@check("A cache on a disk far smaller than the files: all is written, all is read", timeout=180)
def small_cache_disk(bench):
    bench.work("small-disk")
    with small_disk(bench, "small", "24M") as disk:
        mount = bench.mount("small-disk", options=["--cache-dir", disk, "--cache-size", "1G"]).start()
        with open(mount.log) as log:
            expect("has room for a cache of" in log.read(), "the log does not say that the cache is smaller")
        path = mount.path("open/small-disk")
        write_file(f"{path}/big", "big", 100 << 20)
        for number in range(40):
            write_file(f"{path}/file{number}", number, 1 << 20)
        for root in (path, bench.b.path("open/small-disk")):
            check_file(f"{root}/big", "big", 100 << 20)
            for number in range(40):
                check_file(f"{root}/file{number}", number, 1 << 20)
        mount.stop()
    run("rm", "-r", bench.a.path("open/small-disk"))


@check("A cache disk that others fill: writes are stored or say ENOSPC, reads go on, nothing is lost", timeout=180)
def full_cache_disk(bench):
    bench.work("full-disk")
    with small_disk(bench, "full", "64M") as disk:
        mount = bench.mount("full-disk", options=["--cache-dir", disk, "--cache-size", "1G"]).start()
        path = mount.path("open/full-disk")
        write_file(f"{path}/before", "before", 20 << 20)
        # Dirty data lies on the disk when it becomes full.
        held = open(f"{path}/held", "wb", buffering=0)
        for number in range(6):
            held.write(block(f"held {number}"))
        with contextlib.suppress(OSError), open(f"{disk}/foreign", "wb", buffering=0) as foreign:
            while foreign.write(b"x" * 4096):
                pass
        expect(os.statvfs(disk).f_bavail == 0, "the disk is not full")
        check_file(f"{path}/before", "before", 20 << 20)
        # What the cache holds can be given up for it.
        for number in range(6, 30):
            held.write(block(f"held {number}"))
        held.close()
        # Small files do not need the disk.
        for number in range(20):
            with open(f"{path}/small{number}", "w") as file:
                file.write(f"small {number}")
        # The cache itself fills up to the end by now: whatever fails must have said so.
        failed = {}
        for number in range(10):
            try:
                write_file(f"{path}/late{number}", number, 8 << 20)
            except OSError as error:
                expect(error.errno == errno.ENOSPC, f"late{number}: {error}")
                failed[number] = error
        os.remove(f"{disk}/foreign")
        write_file(f"{path}/after", "after", 30 << 20)
        for root in (path, bench.b.path("open/full-disk")):
            check_file(f"{root}/before", "before", 20 << 20)
            check_file(f"{root}/held", "held", 30 << 20)
            check_file(f"{root}/after", "after", 30 << 20)
            for number in range(20):
                with open(f"{root}/small{number}") as file:
                    expect(file.read() == f"small {number}", f"small{number}")
            for number in set(range(10)) - set(failed):
                check_file(f"{root}/late{number}", number, 8 << 20)
        mount.stop()
    run("rm", "-r", bench.a.path("open/full-disk"))


@check("A cache disk without any room: small files and all reading go past it; one that takes no file is refused plainly", timeout=60)
def no_cache_disk(bench):
    work = bench.work("no-disk")
    write_file(f"{work}/big", "big", 5 << 20)
    with small_disk(bench, "empty", "4k") as disk:
        mount = bench.mount("empty-disk", options=["--cache-dir", disk]).start()
        path = mount.path("open/no-disk")
        check_file(f"{path}/big", "big", 5 << 20)
        with open(f"{path}/small", "w") as file:
            file.write("small")
        with open(bench.b.path("open/no-disk/small")) as file:
            expect(file.read() == "small", "a small file")
        expect_error(errno.ENOSPC, write_file, f"{path}/large", "large", 1 << 20)
        with open(mount.log) as log:
            expect("the cache's disk is full" in log.read(), "the log does not say so")
        mount.stop()
    with small_disk(bench, "none", "4k,nr_inodes=1") as disk:
        mount = bench.mount("no-disk", options=["--cache-dir", disk])
        result = subprocess.run(
            in_namespace(mount.namespace, *mount.command()), capture_output=True, text=True, timeout=30,
            env=mount.environment,
        )  # fmt: skip
        expect(result.returncode == 1 and "No space left" in result.stderr, f"{result.returncode} {result.stderr}")
        expect("--cache-dir" in result.stderr and len(result.stderr.splitlines()) == 1, result.stderr)
        expect(not os.path.ismount(mount.root), "mounted all the same")


def figure(mount, name):
    """A number of the status, by the socket: a program started meanwhile would close its copies of our files."""
    folder = "/run/afsfuse"
    for entry in os.listdir(folder):
        with socket.socket(socket.AF_UNIX) as connection, contextlib.suppress(ConnectionRefusedError):
            connection.connect(f"{folder}/{entry}")
            connection.sendall(b'{"version":1,"command":"status"}\n')
            answer = json.loads(connection.makefile().readline())
            if answer["status"]["mountPoint"] == mount.root:
                return answer["status"]["counts"][name]
    raise AssertionError("no status")


@check("Many open files together have no more unstored data than half of the cache", timeout=180)
def much_dirty_data(bench):
    bench.work("dirty")
    mount = bench.mount("dirty", options=["--cache-size", "64M"]).start()
    path = mount.path("open/dirty")
    files, most = [], 0
    for number in range(60):
        file = open(f"{path}/f{number}", "wb", buffering=0)
        file.write(block(number, 2 << 20))
        files.append(file)
        most = max(most, figure(mount, "dirty bytes"))
    expect(most <= (32 << 20) + (1 << 20), f"{most} dirty bytes")
    expect(most > 10 << 20, f"only {most} dirty bytes: the check checks nothing")
    for file in files:
        file.close()
    for number in range(60):
        with open(bench.b.path("open/dirty", f"f{number}"), "rb") as file:
            expect(file.read() == block(number, 2 << 20), f"f{number} differs")
    mount.stop()
    run("rm", "-r", bench.a.path("open/dirty"))
