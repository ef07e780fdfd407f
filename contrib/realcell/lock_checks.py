"""Locks between two daemons on two client addresses, by the calls and the tools that programs use."""

import errno
import fcntl
import os
import signal
import sqlite3
import struct
import subprocess
import sys
import time

from harness import check, comes_true, expect, expect_error

NOW = fcntl.LOCK_NB


def two_descriptors(bench, name):
    """A new file, opened through either mount."""
    work = bench.work(name)
    open(f"{work}/file", "w").close()
    return [os.open(mount.path("open", name, "file"), os.O_RDWR) for mount in (bench.a, bench.b)]


def obtained(lock, seconds):
    """Whether the lock can be had within the time."""

    def is_had():
        try:
            lock()
            return True
        except BlockingIOError:
            return False

    return comes_true(is_had, seconds)


def child(script, *arguments):
    process = subprocess.Popen([sys.executable, "-c", script, *arguments], stdout=subprocess.PIPE, text=True)
    expect(process.stdout.readline() == "ready\n", "the child did not start")
    return process


@check("flock excludes the other host, readers share, and an unlock lets the other in", timeout=90)
def flock_between_hosts(bench):
    a, b = two_descriptors(bench, "flock")
    fcntl.flock(a, fcntl.LOCK_EX)
    for kind in (fcntl.LOCK_EX, fcntl.LOCK_SH):
        expect_error(errno.EWOULDBLOCK, fcntl.flock, b, kind | NOW)
    fcntl.flock(a, fcntl.LOCK_UN)
    expect(obtained(lambda: fcntl.flock(b, fcntl.LOCK_EX | NOW), 10), "not to be had after the unlock")
    expect_error(errno.EWOULDBLOCK, fcntl.flock, a, fcntl.LOCK_SH | NOW)
    fcntl.flock(b, fcntl.LOCK_UN)
    expect(obtained(lambda: fcntl.flock(a, fcntl.LOCK_SH | NOW), 10), "a reader")
    expect(obtained(lambda: fcntl.flock(b, fcntl.LOCK_SH | NOW), 10), "a second reader")
    expect_error(errno.EWOULDBLOCK, fcntl.flock, b, fcntl.LOCK_EX | NOW)
    os.close(a)
    os.close(b)


@check("A lock waited for comes when the other host unlocks, and a signal ends the wait", timeout=90)
def flock_waits(bench):
    a, b = two_descriptors(bench, "waits")
    waiter = (
        "import fcntl,os,signal,sys\nsignal.signal(signal.SIGINT,signal.SIG_DFL)\nfd=os.open(sys.argv[1],os.O_RDWR)\n"
        "print('ready',flush=True)\nfcntl.flock(fd,fcntl.LOCK_EX)\nprint('locked',flush=True)\n"
    )
    fcntl.flock(a, fcntl.LOCK_EX)
    interrupted = child(waiter, bench.b.path("open/waits/file"))
    time.sleep(0.5)
    interrupted.send_signal(signal.SIGINT)
    expect(interrupted.wait(5) != 0, "Ctrl-C had no effect on the wait")
    waiting = child(waiter, bench.b.path("open/waits/file"))
    time.sleep(1)
    expect(waiting.poll() is None, "the lock was not exclusive")
    fcntl.flock(a, fcntl.LOCK_UN)
    expect(waiting.stdout.readline() == "locked\n", "the waiter has not got it")
    expect(waiting.wait(10) == 0, "the waiter failed")
    os.close(a)
    os.close(b)


@check("Locks of a killed program are given back", timeout=60)
def locks_of_the_killed(bench):
    a, b = two_descriptors(bench, "killed-locks")
    for call in ("flock", "lockf"):
        holder = child(
            f"import fcntl,os,sys,time\nfd=os.open(sys.argv[1],os.O_RDWR)\nfcntl.{call}(fd,fcntl.LOCK_EX)\n"
            "print('ready',flush=True)\ntime.sleep(60)\n",
            bench.a.path("open/killed-locks/file"),
        )
        lock = getattr(fcntl, call)
        expect_error(errno.EWOULDBLOCK, lock, b, fcntl.LOCK_EX | NOW)
        holder.kill()
        holder.wait()
        expect(obtained(lambda: lock(b, fcntl.LOCK_EX | NOW), 10), f"{call}: still locked")
        lock(b, fcntl.LOCK_UN)
        time.sleep(0.2)
    os.close(a)
    os.close(b)


def holder_of(descriptor):
    """What F_GETLK says is in the way of a write lock on the whole file."""
    layout = "hhqqi4x"
    question = struct.pack(layout, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
    return struct.unpack(layout, fcntl.fcntl(descriptor, fcntl.F_GETLK, question))[0]


@check("fcntl: ranges within a host, the whole file between hosts, F_GETLK, a refused upgrade", timeout=90)
def fcntl_between_hosts(bench):
    a, b = two_descriptors(bench, "fcntl")
    fcntl.lockf(a, fcntl.LOCK_EX, 10, 0)
    neighbour = child(
        "import fcntl,os,sys\nfd=os.open(sys.argv[1],os.O_RDWR)\nfcntl.lockf(fd,fcntl.LOCK_EX|fcntl.LOCK_NB,10,10)\n"
        "try:\n  fcntl.lockf(fd,fcntl.LOCK_EX|fcntl.LOCK_NB,10,5)\nexcept BlockingIOError:\n  print('ready',flush=True)\n"
        "sys.stdin.read()\n",
        bench.a.path("open/fcntl/file"),
    )
    # AFS servers know no ranges.
    expect_error(errno.EAGAIN, fcntl.lockf, b, fcntl.LOCK_EX | NOW, 10, 100)
    expect(holder_of(b) == fcntl.F_WRLCK, "F_GETLK does not see the other host's lock")
    neighbour.kill()
    neighbour.wait()
    fcntl.lockf(a, fcntl.LOCK_UN)
    expect(obtained(lambda: fcntl.lockf(b, fcntl.LOCK_SH | NOW, 10, 100), 10), "a reader's lock")
    expect(obtained(lambda: fcntl.lockf(a, fcntl.LOCK_SH | NOW), 10), "a second reader's lock")
    expect(holder_of(b) == fcntl.F_RDLCK, "F_GETLK does not see the other reader")
    # Both read: neither may become a writer.
    expect_error(errno.EAGAIN, fcntl.lockf, a, fcntl.LOCK_EX | NOW)
    fcntl.lockf(b, fcntl.LOCK_UN)
    expect(obtained(lambda: fcntl.lockf(a, fcntl.LOCK_EX | NOW), 10), "the upgrade of the only reader")
    os.close(a)
    expect(obtained(lambda: fcntl.lockf(b, fcntl.LOCK_EX | NOW), 10), "a close gives the lock back")
    os.close(b)


COUNTER = """
import fcntl, os, sys
path, call, rounds = sys.argv[1], getattr(fcntl, sys.argv[2]), int(sys.argv[3])
print('ready', flush=True)
for _ in range(rounds):
    with open(path, 'r+') as file:
        call(file, fcntl.LOCK_EX)
        number = int(file.read() or 0)
        file.seek(0)
        file.write(str(number + 1))
        file.flush()
        call(file, fcntl.LOCK_UN)
"""


@check("A counter that four programs on two hosts raise under a lock loses no count", timeout=300)
def counters(bench):
    work = bench.work("counters")
    for call in ("flock", "lockf"):
        open(f"{work}/{call}", "w").close()
        programs = [
            child(COUNTER, mount.path("open/counters", call), call, "40") for mount in (bench.a, bench.b, bench.a, bench.b)
        ]
        expect(all(program.wait(140) == 0 for program in programs), f"{call}: a program failed")
        for root in (work, bench.b.path("open/counters")):
            with open(f"{root}/{call}") as file:
                count = file.read()
            expect(count == "160", f"{call}: {count} of 160 in {root}")


WRITER = """
import sqlite3, sys, time
name, rounds = sys.argv[2], int(sys.argv[3])
database = sqlite3.connect(sys.argv[1], timeout=120)
print('ready', flush=True)
for number in range(rounds):
    with database:
        database.execute('begin immediate')
        database.execute('insert into log values (?, ?)', (name, number))
        database.execute('update total set count = count + 1')
"""


@check("Two hosts write one SQLite database", timeout=300)
def sqlite(bench):
    work = bench.work("sqlite")
    with sqlite3.connect(f"{work}/db") as database:
        database.executescript("create table log (name, number); create table total (count); insert into total values (0);")
    database.close()
    writers = [child(WRITER, mount.path("open/sqlite/db"), name, "40") for mount, name in ((bench.a, "a"), (bench.b, "b"))]
    expect(all(writer.wait(280) == 0 for writer in writers), "a writer failed")
    for root in (work, bench.b.path("open/sqlite")):
        database = sqlite3.connect(f"{root}/db")
        expect(database.execute("pragma integrity_check").fetchall() == [("ok",)], f"damaged in {root}")
        expect(database.execute("select count from total").fetchall() == [(80,)], f"total in {root}")
        expect(database.execute("select count(*) from log").fetchall() == [(80,)], f"rows in {root}")
        database.close()
