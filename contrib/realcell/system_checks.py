"""What the system around a mount does: mount(8), systemd's notifications, the system log, other users."""

import contextlib
import ctypes
import os
import pwd
import shutil
import signal
import socket
import subprocess
import time

from bench import CELL, in_namespace, run
from harness import check, comes_true, expect


@check("systemd's notifications: READY when the mount can be used, WATCHDOG while it lives, STOPPING at its end", timeout=60)
def notifications(bench):
    for name in (f"{bench.folder}/notify.socket", f"@afsfuse-notify-{os.getpid()}"):
        mount = bench.mount("notify")
        # Abstract names are of one network namespace: the daemon's.
        with open(f"/run/netns/{mount.namespace}") as namespace:
            expect(ctypes.CDLL(None, use_errno=True).setns(namespace.fileno(), 0x40000000) == 0, "setns")
        heard = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        heard.bind(name.replace("@", "\0"))
        heard.settimeout(15)
        environment = dict(mount.environment, NOTIFY_SOCKET=name, WATCHDOG_USEC="1000000")
        daemon = subprocess.Popen(
            in_namespace(mount.namespace, *mount.command(), "--foreground"), env=environment, stderr=subprocess.DEVNULL
        )
        try:
            ready = ""
            while "READY=1" not in ready:
                ready = heard.recv(4096).decode()
            # It is what it says: usable now.
            expect(os.path.isdir(mount.path("open")), "ready, but not to be used")
            expect(f"MAINPID={daemon.pid}" in ready.split("\n"), ready)
            started = time.monotonic()
            beats = 0
            while beats < 3:
                beats += heard.recv(4096) == b"WATCHDOG=1"
            expect(time.monotonic() - started < 3, "the watchdog hears from us too seldom")
            daemon.send_signal(signal.SIGTERM)
            while heard.recv(4096) != b"STOPPING=1":
                pass
            expect(daemon.wait(20) == 0, f"exit {daemon.returncode}")
        finally:
            daemon.kill()
            heard.close()


@contextlib.contextmanager
def program_folder(bench):
    """A folder for PATH with the program under its name and that of mount(8)'s helper."""
    folder = os.path.join(bench.folder, "bin")
    os.makedirs(folder, exist_ok=True)
    for name in ("afsfuse", "mount.afsfuse"):
        with contextlib.suppress(FileExistsError):
            os.symlink(bench.afsfuse, f"{folder}/{name}")
    yield folder


@check("mount -t fuse.afsfuse, a line of fstab, and mount.afsfuse mount; umount ends the daemon", timeout=90)
def mount_command(bench):
    folder = bench.local("mount8")
    with program_folder(bench) as programs:
        for number, form in enumerate(("type", "fstab", "helper")):
            point = f"{folder}/m{number}"
            os.mkdir(point)
            options = (
                f"cell={CELL},config-dir={bench.configuration},cache-dir={folder}/cache,log-file={folder}/log,_netdev,noatime"
            )
            if form == "type":
                command = ["mount", "-t", "fuse.afsfuse", "none", point, "-o", options]
            elif form == "fstab":
                with open(f"{folder}/fstab", "w") as table:
                    table.write(f"none  {point}  fuse.afsfuse  {options},ro  0 0\n")
                command = ["mount", "-T", f"{folder}/fstab", point]
            else:
                command = [f"{programs}/mount.afsfuse", "none", point, "-o", f"rw,{options}"]
            # mount(8) forgets PATH. A mount namespace of its own: its /usr/local/bin has the program.
            script = (
                'set -e; mount --bind "$PROGRAMS" /usr/local/bin; "$@"; ls "$POINT/$CELL/open" >/dev/null;'
                'grep " $POINT " /proc/mounts; umount "$POINT"; ! mountpoint -q "$POINT"'
            )
            environment = dict(os.environ, PROGRAMS=programs, POINT=point, CELL=CELL)
            try:
                command = ["unshare", "-m", "sh", "-c", script, "sh", *command]
                line = run(*in_namespace("afsfuse-client", *command), env=environment, timeout=40).stdout.split()
                expect(line[2] == "fuse.afsfuse" and "noatime" in line[3], str(line))
                expect(line[3].startswith("ro") == (form == "fstab"), f"{form}: {line[3]}")
                # mount.fuse3 adds suid and dev to whatever was asked for.
                expect({"nosuid", "nodev"} <= set(line[3].split(",")), f"{form}: {line[3]}")
                expect(comes_true(lambda: not daemons_with(point.encode())), f"{form}: the daemon lives on")
            finally:
                for pid in daemons_with(point.encode()):
                    os.kill(pid, signal.SIGKILL)


def daemons_with(argument):
    found = []
    for entry in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError), open(f"/proc/{entry}/cmdline", "rb") as file:
            if argument in file.read().split(b"\0"):
                found.append(int(entry))
    return found


@check("Without --log-file the system's log gets the lines; a note says so when there is none", timeout=60)
def system_log(bench):
    devices = os.path.join(bench.folder, "devices")
    os.mkdir(devices)
    run("mount", "-t", "tmpfs", "tmpfs", devices)
    try:
        for name in ("fuse", "null", "zero", "random", "urandom"):
            run("cp", "-a", f"/dev/{name}", f"{devices}/{name}")
        mount = bench.mount("system-log")
        words = [word for word in mount.command() if word not in ("--log-file", mount.log)]
        # A mount namespace of its own: its /dev is ours. All happens in there.
        script = (
            'mount --bind "$1" /dev && shift && "$@" && ls "$ROOT" >/dev/null && "$1" unmount "$ROOT"'
        )
        environment = dict(mount.environment, ROOT=mount.root)
        command = ["unshare", "-m", "sh", "-c", script, "sh", devices, *words]
        silent = run(*in_namespace(mount.namespace, *command), env=environment, timeout=40)
        expect("there is no system log (/dev/log)" in silent.stderr and "--log-file" in silent.stderr, silent.stderr)
        log = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        log.bind(f"{devices}/log")
        log.settimeout(10)
        heard = run(*in_namespace(mount.namespace, *command), env=environment, timeout=40)
        expect(heard.stderr == "", heard.stderr)
        lines = []
        while not any(": ended" in line for line in lines):
            lines.append(log.recv(8192).decode())
        # Facility daemon, severity notice: 3 * 8 + 5.
        expect(any(line.startswith("<29>afsfuse[") and "]: mounted" in line for line in lines), str(lines))
    finally:
        run("umount", "-l", devices)


@check("An ordinary user cannot unmount root's mount, and is told why", timeout=40)
def foreign_mount(bench):
    user = pwd.getpwnam("nobody")
    folder = f"/var/tmp/afsfuse-foreign.{os.getpid()}"
    os.mkdir(folder, 0o755)
    mount = bench.mount("foreign", options=["--allow-other"])
    mount.root = f"{folder}/afs"
    os.mkdir(mount.root)
    binary = shutil.copy(bench.afsfuse, f"{folder}/afsfuse")
    try:
        mount.start()
        as_user = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
        for words in ([], ["--lazy"]):
            result = run(*as_user, binary, "unmount", *words, mount.root, ok=(1,), env={"PATH": os.environ["PATH"]})
            expect("mounted by root" in result.stderr and len(result.stderr.splitlines()) == 1, result.stderr)
        expect(os.path.isdir(mount.path("open")), "the mount is gone")
        mount.stop()
    finally:
        mount.clean()
        shutil.rmtree(folder, ignore_errors=True)
