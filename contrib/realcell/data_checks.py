"""File data: sizes, appends, mappings, durability, quota."""

import errno
import hashlib
import mmap
import os
import signal
import subprocess
import sys
import time

from bench import run
from harness import check, expect, expect_error


def digest(path):
    result = hashlib.sha256()
    with open(path, "rb") as file:
        while piece := file.read(1 << 20):
            result.update(piece)
    return result.hexdigest()


@check("256 MiB copied in and out have equal checksums, from a second client too", timeout=240)
def big_copy(bench):
    local, work = bench.local("big"), bench.work("big")
    source = f"{local}/source"
    run("dd", "if=/dev/urandom", f"of={source}", "bs=1M", "count=256", timeout=60)
    run("cp", source, f"{work}/copy", timeout=120)
    wanted = digest(source)
    expect(digest(f"{work}/copy") == wanted, "read back through the same mount")
    expect(digest(bench.b.path("open/big/copy")) == wanted, "read through the second mount")
    bench.a.restart()
    expect(digest(f"{work}/copy") == wanted, "read back with an empty cache")
    run("cp", f"{work}/copy", f"{local}/back", timeout=120)
    run("cmp", source, f"{local}/back")
    os.remove(f"{work}/copy")
    os.remove(source)


@check("A 5 GiB sparse file keeps its size and its few bytes", timeout=180)
def sparse(bench):
    work = bench.work("sparse")
    size = 5 << 30
    with open(f"{work}/file", "wb") as file:
        file.write(b"begin")
        file.seek((4 << 30) + 123)
        file.write(b"middle")
        file.truncate(size)
        file.seek(size - 3)
        file.write(b"end")
    for root in (work, bench.b.path("open/sparse")):
        with open(f"{root}/file", "rb") as file:
            expect(os.fstat(file.fileno()).st_size == size, f"size in {root}")
            expect(file.read(6) == b"begin\0", "begin")
            file.seek((4 << 30) + 122)
            expect(file.read(8) == b"\0middle\0", "middle")
            file.seek(size - 4)
            expect(file.read() == b"\0end", "end")
    os.remove(f"{work}/file")


@check("Appends by two processes are all there, whole")
def appends(bench):
    work = bench.work("appends")
    script = (
        "import os,sys\n"
        "fd=os.open(sys.argv[1],os.O_WRONLY|os.O_APPEND|os.O_CREAT,0o644)\n"
        "for n in range(500): os.write(fd,f'{sys.argv[2]} {n:05d}\\n'.encode())\n"
        "os.close(fd)\n"
    )
    writers = [subprocess.Popen([sys.executable, "-c", script, f"{work}/log", name]) for name in ("one", "two")]
    for writer in writers:
        expect(writer.wait(50) == 0, "a writer failed")
    for root in (work, bench.b.path("open/appends")):
        with open(f"{root}/log") as file:
            lines = file.read().splitlines()
        expect(len(lines) == 1000, f"{len(lines)} lines in {root}")
        for name in ("one", "two"):
            own = [line for line in lines if line.startswith(name)]
            expect(own == [f"{name} {n:05d}" for n in range(500)], f"lines of {name}")


@check("A shared writable mapping reaches the server")
def shared_mapping(bench):
    work = bench.work("mapping")
    with open(f"{work}/file", "w+b") as file:
        file.truncate(300_000)
        with mmap.mmap(file.fileno(), 300_000) as mapping:
            mapping[0:5] = b"first"
            mapping[150_000:150_004] = b"page"
            mapping[299_995:300_000] = b"final"
            mapping.flush()
            os.fsync(file.fileno())
            with open(bench.b.path("open/mapping/file"), "rb") as other:
                expect(other.read(5) == b"first", "after msync, elsewhere")
            mapping[5:9] = b"more"
    with open(bench.b.path("open/mapping/file"), "rb") as other:
        data = other.read()
    expect(len(data) == 300_000, f"length {len(data)}")
    expect(data[:9] == b"firstmore", "written before the mapping closed")
    expect(data[150_000:150_004] == b"page" and data[-5:] == b"final", "middle and end")


@check("fsync means that the server has it: kill -9 right after it loses nothing", timeout=90)
def killed_after_fsync(bench):
    victim = bench.mount("victim").start()
    target = victim.path("open", "killed")
    data = os.urandom(10 << 20)
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    os.write(descriptor, data[: 5 << 20])
    os.write(descriptor, data[5 << 20 :])
    os.fsync(descriptor)
    victim.kill(signal.SIGKILL)
    victim.clean()
    with open(bench.a.path("open", "killed"), "rb") as file:
        expect(file.read() == data, "the data differ")


@check("A full quota is reported by close or fsync, and earlier data stay", timeout=90)
def quota_exceeded(bench):
    bench.on_server("vos", "setfields", "proj", "-maxquota", "5000", "-localauth")
    proj = bench.a.path("proj")
    for name in os.listdir(proj):
        if name.startswith("quota"):
            os.remove(f"{proj}/{name}")
    with open(f"{proj}/quota.early", "wb") as file:
        file.write(b"e" * 1_000_000)
    for end in ("fsync", "close"):
        descriptor = os.open(f"{proj}/quota.{end}", os.O_WRONLY | os.O_CREAT, 0o644)
        failed = None
        try:
            for _ in range(20):
                os.write(descriptor, b"x" * (1 << 20))
            if end == "fsync":
                os.fsync(descriptor)
        except OSError as error:
            failed = error.errno
        try:
            os.close(descriptor)
        except OSError as error:
            failed = failed or error.errno
        expect(failed == errno.EDQUOT, f"{end}: {failed and os.strerror(failed)}")
    for root in (proj, bench.b.path("proj")):
        with open(f"{root}/quota.early", "rb") as file:
            expect(file.read() == b"e" * 1_000_000, f"earlier data in {root}")
    for name in os.listdir(proj):
        if name.startswith("quota"):
            os.remove(f"{proj}/{name}")
    with open(f"{proj}/quota.after", "wb") as file:
        file.write(b"room again")
    os.remove(f"{proj}/quota.after")


@check("df of a volume with a quota shows the quota")
def disk_free(bench):
    bench.on_server("vos", "setfields", "proj", "-maxquota", "5000", "-localauth")
    figures = run("df", "-k", "--output=size,used,avail", bench.a.path("proj")).stdout.split()[-3:]
    expect(figures[0] == "5000", f"df says {figures}")
    used = sum(int(line.split()[0]) for line in run("du", "-sk", bench.a.path("proj")).stdout.splitlines())
    expect(0 <= used <= 5000, f"du says {used}")


@check("An unlinked open file stays readable and writable until its last close, and leaves nothing behind")
def unlinked_open(bench):
    work = bench.work("unlinked")
    with open(f"{work}/file", "w+b") as file:
        file.write(b"before")
        file.flush()
        os.remove(f"{work}/file")
        expect("file" not in os.listdir(work), "the name is gone")
        file.write(b" after")
        file.flush()
        file.seek(0)
        expect(file.read() == b"before after", "contents")
        expect(os.fstat(file.fileno()).st_size == 12, "size")
    for _ in range(50):
        if not os.listdir(work):
            break
        time.sleep(0.1)
    expect(os.listdir(work) == [], f"left behind: {os.listdir(work)}")
    os.rmdir(work)


@check("Truncation, extension and overwriting in the middle survive a cold cache")
def truncation(bench):
    work = bench.work("truncation")
    path = f"{work}/file"
    with open(path, "wb") as file:
        file.write(b"0123456789" * 100_000)
    os.truncate(path, 500_005)
    with open(path, "r+b") as file:
        file.seek(250_000)
        file.write(b"MIDDLE")
    os.truncate(path, 700_000)
    wanted = bytearray(b"0123456789" * 50_000 + b"01234" + bytes(199_995))
    wanted[250_000:250_006] = b"MIDDLE"
    bench.a.restart()
    for root in (work, bench.b.path("open/truncation")):
        with open(f"{root}/file", "rb") as file:
            expect(file.read() == wanted, f"contents in {root}")
    with open(path, "wb"):
        pass
    expect(os.stat(path).st_size == 0, "O_TRUNC")
    expect_error(errno.EINVAL, os.truncate, path, -1)
