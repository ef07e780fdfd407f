"""Mounting, unmounting, status, ordinary users, bad input."""

import contextlib
import errno
import os
import pwd
import shutil
import signal
import subprocess
import time

from bench import CELL, in_namespace, run
from harness import check, comes_true, expect


@check("status shows the mount, its cell and its servers", timeout=30)
def status(bench):
    os.listdir(bench.a.path("open"))
    text = run(bench.afsfuse, "status", env=bench.a.environment).stdout
    expect(bench.a.root in text and CELL in text, text)
    expect(bench.a.root in str(bench.a.status()), "JSON")


@check("SIGTERM and fusermount3 -u store what is dirty and end the daemon", timeout=60)
def ends(bench):
    for way in ("term", "fusermount", "unmount"):
        mount = bench.mount(f"ends-{way}").start()
        with open(mount.path("open", f"ends-{way}"), "w") as file:
            file.write(way)
        if way == "term":
            mount.kill(signal.SIGTERM)
        elif way == "fusermount":
            run("fusermount3", "-u", mount.root)
        else:
            mount.stop()
        expect(comes_true(lambda: not mount.daemons()), f"{way}: the daemon lives on")
        expect(not os.path.ismount(mount.root), f"{way}: still mounted")
        with open(bench.a.path("open", f"ends-{way}")) as file:
            expect(file.read() == way, f"{way}: contents")


@check("A second signal ends a daemon that still stores", timeout=60)
def impatient(bench):
    mount = bench.mount("impatient").start()
    address = bench.variables.get("AFSFUSE_TESTCELL_FS1", "").strip("'\"")
    expect(address, "testcell env names the server")
    file = open(mount.path("open", "impatient"), "wb", buffering=0)
    # A server that is silent, and not one that cannot be reached: an address of nobody's on the wire.
    wire = ["dev", "eth0"]
    silence = ["ip", "neigh", "replace", address, "lladdr", "02:00:00:00:00:99", *wire, "nud", "permanent"]
    run(*in_namespace("afsfuse-client", *silence))
    try:
        file.write(b"x" * 1000000)
        mount.kill(signal.SIGTERM)
        expect(comes_true(lambda: not os.path.ismount(mount.root), 10), "still mounted")
        expect(not comes_true(lambda: not mount.daemons(), 3), "the daemon did not wait for its server")
        mount.kill(signal.SIGTERM)
        expect(comes_true(lambda: not mount.daemons(), 3), "the second signal had no effect")
    finally:
        run(*in_namespace("afsfuse-client", "ip", "neigh", "del", address, *wire))
        with contextlib.suppress(OSError):
            file.close()


@check("An ordinary user mounts a folder of his own", timeout=60)
def ordinary_user(bench):
    user = pwd.getpwnam("nobody")
    device_mode = os.stat("/dev/fuse").st_mode
    os.chmod("/dev/fuse", 0o666)
    folder = os.path.join("/var/tmp", f"afsfuse-user.{os.getpid()}")
    os.mkdir(folder)
    os.mkdir(f"{folder}/afs")
    os.mkdir(f"{folder}/run", 0o700)
    for path in (folder, f"{folder}/afs", f"{folder}/run"):
        os.chown(path, user.pw_uid, user.pw_gid)
    binary = shutil.copy(bench.afsfuse, f"{folder}/afsfuse")
    configuration = shutil.copytree(bench.configuration, f"{folder}/config")
    as_user = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
    environment = {"PATH": os.environ["PATH"], "HOME": folder, "XDG_RUNTIME_DIR": f"{folder}/run"}
    try:
        command = [binary, "mount", f"{folder}/afs", "--config-dir", configuration, "--cell", CELL]
        run(*in_namespace("afsfuse-client", *as_user, *command), env=environment, timeout=30)
        path = f"{folder}/afs/{CELL}/open/by-user"
        run(*as_user, "sh", "-c", f"echo mine > {path} && cat {path}", timeout=20)
        with open(bench.a.path("open/by-user")) as file:
            expect(file.read() == "mine\n", "contents")
        run(*as_user, binary, "unmount", f"{folder}/afs", env=environment, timeout=30)
        expect(not os.path.ismount(f"{folder}/afs"), "unmounted")
    finally:
        subprocess.run(["fusermount3", "-uz", f"{folder}/afs"], capture_output=True, timeout=20)
        os.chmod("/dev/fuse", device_mode & 0o777)
        shutil.rmtree(folder, ignore_errors=True)


def refused(bench, words, *arguments, namespace="afsfuse-client", within=30):
    """The command fails within the time, with one clear line that holds one of the words."""
    started = time.monotonic()
    result = subprocess.run(
        in_namespace(namespace, bench.afsfuse, *arguments), capture_output=True, text=True, timeout=within + 10,
        env=bench.a.environment,
    )  # fmt: skip
    seconds = time.monotonic() - started
    expect(result.returncode != 0, f"{arguments}: exit 0")
    expect(seconds < within, f"{arguments}: {seconds:.0f} s")
    expect(any(word in result.stderr for word in words), f"{arguments}: {result.stderr}")
    expect(len(result.stderr.strip().splitlines()) <= 4, f"{arguments}: not one line: {result.stderr}")


@check("Mounting with bad input fails with one clear line", timeout=120)
def bad_input(bench):
    folder = bench.local("bad")
    configuration = ["--config-dir", bench.configuration, "--cache-dir", f"{folder}/cache"]
    refused(bench, ["does not exist", "No such file"], "mount", f"{folder}/absent", *configuration)
    open(f"{folder}/file", "w").close()
    refused(bench, ["is not a"], "mount", f"{folder}/file", *configuration)
    os.mkdir(f"{folder}/mnt")
    refused(bench, ["no-such.cell"], "mount", f"{folder}/mnt", *configuration, "--cell", "no-such.cell")
    refused(bench, ["cell", "name"], "mount", f"{folder}/mnt", *configuration, "--cell", "bad..name")
    refused(bench, ["is not a mount point"], "unmount", f"{folder}/mnt")
    expect(not os.path.ismount(f"{folder}/mnt"), "nothing was mounted")


@check("A server that does not answer gives an error within seconds, and can be interrupted", timeout=120)
def silent_server(bench):
    mount = bench.mount("silent", options=["--cell-servers", "10.248.255.254"], cell="silent.example")
    try:
        mount.start()
    except AssertionError as error:
        expect("silent.example" in str(error) or "10.248.255.254" in str(error), str(error))
        return
    lister = subprocess.Popen(["ls", mount.path()], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    time.sleep(1)
    if lister.poll() is None:
        lister.send_signal(signal.SIGINT)
        expect(lister.wait(5) != 0, "interrupted")
    started = time.monotonic()
    result = subprocess.run(["ls", mount.path()], capture_output=True, text=True, timeout=90)
    expect(result.returncode != 0, "ls succeeded")
    expect(time.monotonic() - started < 70, "took too long")
    os.listdir(mount.root)


@check("Lines of CellServDB which make no sense are reported and skipped", timeout=40)
def malformed_configuration(bench):
    folder = bench.local("config")
    shutil.copytree(bench.configuration, folder, dirs_exist_ok=True)
    with open(f"{folder}/CellServDB") as file:
        good = file.read()
    with open(f"{folder}/CellServDB", "w") as file:
        file.write("garbage here\n>\n>bad..cell #x\n1.2.3 #short\n" + good + "\n999.1.1.1 #x\n\xff\n")
    mount = bench.mount("malformed", options=["--config-dir", folder])
    mount.start()
    expect(os.path.isdir(mount.path("open")), "the good cell works")
    with open(mount.log) as file:
        expect("CellServDB" in file.read(), "nothing in the log")
    mount.stop()


@check("Ctrl-C ends a blocked operation", timeout=60)
def interrupted(bench):
    mount = bench.mount("interrupted").start()
    run("dd", "if=/dev/zero", f"of={bench.a.path('open', 'blocked')}", "bs=1M", "count=8")
    address = bench.variables.get("AFSFUSE_TESTCELL_FS1", "").strip("'\"")
    expect(address, "testcell env names the server")
    block = in_namespace("afsfuse-client", "ip", "route", "add", "blackhole", f"{address}/32")
    os.listdir(mount.path("open"))
    run(*block)
    try:
        reader = subprocess.Popen(["cat", mount.path("open", "blocked")], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        time.sleep(1)
        expect(reader.poll() is None or reader.returncode != 0, "the read was not blocked")
        reader.send_signal(signal.SIGINT)
        expect(comes_true(lambda: reader.poll() is not None, 3), "Ctrl-C had no effect")
    finally:
        run(*in_namespace("afsfuse-client", "ip", "route", "del", "blackhole", f"{address}/32"))
    expect(comes_true(lambda: os.path.exists(mount.path("open", "blocked")), 30), "the mount recovered")
    mount.stop()


def hidden(folder):
    return [name for name in os.listdir(folder) if name.startswith(".__afs")]


@check("What a killed daemon had removed while open is removed by the next mount with its cache folder", timeout=60)
def killed_with_hidden_files(bench):
    work = bench.work("hidden")
    victim = bench.mount("hidden").start()
    files = []
    for name in ("one", "two", "kept"):
        with open(victim.path("open/hidden", name), "w") as file:
            file.write(name)
        files.append(open(victim.path("open/hidden", name)))
    for name in ("one", "two"):
        os.remove(victim.path("open/hidden", name))
    expect(len(hidden(work)) == 2, f"not hidden: {os.listdir(work)}")
    victim.clean()
    expect(len(hidden(work)) == 2, "gone before the next mount")
    for file in files:
        file.close()
    victim.start()
    expect(comes_true(lambda: not hidden(work), 20), f"left behind: {os.listdir(work)}")
    expect(os.listdir(work) == ["kept"], "the other file")
    victim.stop()


def failure_of_listing(path):
    try:
        os.listdir(path)
    except OSError as error:
        return error.errno
    return None


@check("After kill -9 users get ENOTCONN, unmount cleans up, and so does the next mount", timeout=60)
def dead_daemon(bench):
    mount = bench.mount("dead").start()
    os.listdir(mount.path("open"))
    mount.kill(signal.SIGKILL)
    expect(comes_true(lambda: not mount.daemons()), "the daemon lives on")
    # A request that the daemon's end overtakes is ECONNABORTED; all later ones are not.
    expect(comes_true(lambda: failure_of_listing(mount.root) == errno.ENOTCONN), "not ENOTCONN")
    text = run(bench.afsfuse, "status", env=mount.environment, ok=(0, 1))
    expect("no daemon answers" in text.stdout + text.stderr, f"status: {text.stdout}{text.stderr}")
    run(bench.afsfuse, "unmount", mount.root, env=mount.environment)
    expect(not os.path.ismount(mount.root) and os.listdir(mount.root) == [], "still there")
    mount.start()
    user = subprocess.Popen(["sleep", "60"], cwd=mount.path("open"))
    mount.kill(signal.SIGKILL)
    expect(comes_true(lambda: not mount.daemons()), "the second daemon lives on")
    # Somebody is still in it.
    mount.start()
    expect(os.path.isdir(mount.path("open")), "the next mount")
    with open("/proc/mounts") as table:
        expect(sum(line.split()[1] == mount.root for line in table) == 1, "the dead mount lies below")
    user.kill()
    user.wait()
    mount.stop()
