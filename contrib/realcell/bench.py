"""The cell, the mounts and the folders that the checks use."""

import fcntl
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TESTCELL = os.path.join(os.path.dirname(HERE), "testcell")
CELL = "test.afsfuse"


def run(*command, timeout=60, ok=(0,), **keywords):
    """Runs a command; its output is in the error when it fails."""
    result = subprocess.run(command, timeout=timeout, capture_output=True, text=True, **keywords)
    if result.returncode not in ok:
        raise AssertionError(f"{' '.join(command)}: exit {result.returncode}\n{result.stdout[-2000:]}{result.stderr[-2000:]}")
    return result


def in_namespace(namespace, *command):
    """Only the network changes: `ip netns exec` would give the daemon a mount namespace of its own."""
    return ["nsenter", f"--net=/run/netns/{namespace}", *command] if namespace else list(command)


class Mount:
    """One `afsfuse` daemon with its mount point and cache."""

    def __init__(self, bench, name, namespace="afsfuse-client", options=(), cell=CELL):
        self.bench = bench
        self.name = name
        self.namespace = namespace
        self.options = list(options)
        self.cell = cell
        self.root = os.path.join(bench.folder, name)
        self.cache = os.path.join(bench.folder, name + ".cache")
        self.log = os.path.join(bench.folder, name + ".log")
        self.runtime = os.path.join(bench.folder, "run")
        os.makedirs(self.root, exist_ok=True)
        os.makedirs(self.runtime, mode=0o700, exist_ok=True)

    @property
    def environment(self):
        return dict(os.environ, XDG_RUNTIME_DIR=self.runtime)

    def command(self):
        return [
            self.bench.afsfuse, "mount", self.root, "--config-dir", self.bench.configuration, "--cell", self.cell,
            "--cache-dir", self.cache, "--log-file", self.log, "--log-level", "debug", *self.options,
        ]  # fmt: skip

    def start(self):
        run(*in_namespace(self.namespace, *self.command()), timeout=30, env=self.environment)
        return self

    def stop(self):
        if os.path.ismount(self.root):
            run(self.bench.afsfuse, "unmount", self.root, timeout=60, env=self.environment)

    def restart(self, empty_cache=True):
        self.stop()
        if empty_cache:
            shutil.rmtree(self.cache, ignore_errors=True)
        return self.start()

    def status(self):
        text = run(self.bench.afsfuse, "status", "--json", env=self.environment).stdout
        return json.loads(text)

    def daemons(self):
        """The process ids of the daemons which serve this mount point."""
        found = []
        for entry in os.listdir("/proc"):
            if entry.isdigit():
                try:
                    with open(f"/proc/{entry}/cmdline", "rb") as file:
                        words = file.read().split(b"\0")
                except OSError:
                    continue
                if self.root.encode() in words and os.path.basename(words[0]) == b"afsfuse":
                    found.append(int(entry))
        return found

    def kill(self, number=signal.SIGKILL):
        for pid in self.daemons():
            os.kill(pid, number)

    def clean(self):
        self.kill(signal.SIGKILL)
        subprocess.run(["fusermount3", "-uz", self.root], capture_output=True, timeout=20)

    def path(self, *parts):
        return os.path.join(self.root, self.cell, *parts)


class Bench:
    """What every check gets: two mounts of the real cell, a work folder in AFS and one outside."""

    def __init__(self, afsfuse):
        self.afsfuse = afsfuse
        self.folder = tempfile.mkdtemp(prefix="afsfuse-realcell.", dir="/var/tmp")
        environment = run(TESTCELL, "env").stdout
        self.variables = dict(
            line.removeprefix("export ").split("=", 1) for line in environment.splitlines() if "=" in line
        )
        self.configuration = self.variables["AFSFUSE_TESTCELL_CONFIG"].strip("'\"")
        self.a = Mount(self, "a")
        self.b = Mount(self, "b", namespace="afsfuse-client2")
        self.extra = []

    def open(self):
        self.wait_for_turn()
        self.a.start()
        self.b.start()
        run("find", self.a.path("open"), "-mindepth", "1", "-delete", timeout=300)

    def wait_for_turn(self):
        """Two runs on one cell would remove each other's files: the second one waits until the first one has ended."""
        self.turn = open(os.path.join(self.variables["AFSFUSE_TESTCELL_DIR"].strip("'\""), "checks.lock"), "w")
        try:
            fcntl.flock(self.turn, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("another run uses the cell: waiting for its end", flush=True)
            fcntl.flock(self.turn, fcntl.LOCK_EX)

    def mount(self, name, **keywords):
        mount = Mount(self, name, **keywords)
        self.extra.append(mount)
        return mount

    def before_check(self):
        for mount in (self.a, self.b):
            if not os.path.ismount(mount.root) or not mount.daemons():
                mount.clean()
                mount.start()

    def break_hang(self):
        """A check hangs in the kernel: ending the daemons frees it."""
        for mount in (self.a, self.b, *self.extra):
            mount.clean()

    def work(self, name):
        """A new folder in the open volume."""
        path = self.a.path("open", name)
        shutil.rmtree(path, ignore_errors=True)
        os.mkdir(path)
        return path

    def local(self, name):
        """A new folder outside AFS."""
        path = os.path.join(self.folder, "local", name)
        shutil.rmtree(path, ignore_errors=True)
        os.makedirs(path)
        return path

    def on_server(self, *command, server="1", timeout=120):
        return run(TESTCELL, "exec", "--server", server, *command, timeout=timeout)

    def close(self):
        for mount in (self.a, self.b, *self.extra):
            try:
                mount.stop()
            except Exception:
                pass
            mount.clean()
        time.sleep(0.2)
        # Other daemons of a check have their mounts below the same folder.
        with open("/proc/mounts") as table:
            points = [line.split()[1] for line in table if self.folder in line]
        for point in points:
            subprocess.run(["fusermount3", "-uz", point], capture_output=True, timeout=20)
        shutil.rmtree(self.folder, ignore_errors=True)
