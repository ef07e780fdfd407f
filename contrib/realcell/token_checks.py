"""Tokens: private files at every security level, keyring, renewal, expiry, and who gets nothing."""

import errno
import json
import os
import pwd
import shlex
import shutil
import signal
import subprocess
import time

from bench import CELL, in_namespace, run
from harness import check, comes_true, expect, expect_error
from kcm import KCM

REALM = CELL.upper()
# Local users whom every system has: fusermount3 wants a name for who mounts.
ALICE, BOB = pwd.getpwnam("nobody").pw_uid, pwd.getpwnam("games").pw_uid


class User:
    """A local user with a Kerberos name, a session keyring of his own, and a private mount."""

    def __init__(self, bench, name, uid, options=(), namespace="afsfuse-client", cache="FILE:{folder}/ticket"):
        self.bench, self.name, self.uid, self.namespace = bench, name, uid, namespace
        self.folder = f"/var/tmp/afsfuse-token-checks.{os.getpid()}.{name}.{time.monotonic_ns()}"
        self.afs, self.log = f"{self.folder}/afs", f"{self.folder}/log"
        self.cache = cache.format(folder=self.folder, uid=uid)
        self.options = list(options)
        self.session = None
        for path in (self.folder, self.afs, f"{self.folder}/run"):
            os.mkdir(path, 0o700)
        self.binary = shutil.copy(bench.afsfuse, f"{self.folder}/afsfuse")
        self.config = shutil.copytree(bench.configuration, f"{self.folder}/config")
        run("chown", "-R", f"{uid}:{uid}", self.folder)
        self.environment = {
            "PATH": os.environ["PATH"], "HOME": self.folder, "XDG_RUNTIME_DIR": f"{self.folder}/run",
            "KRB5CCNAME": self.cache, "KRB5_CONFIG": f"{self.config}/krb5.conf", "TZ": "UTC",
        }  # fmt: skip

    def __enter__(self):
        # A shell in a session keyring of its own, which lives as long as the check: all commands run in it.
        self.shell = subprocess.Popen(
            in_namespace(
                self.namespace, "setpriv", f"--reuid={self.uid}", f"--regid={self.uid}", "--clear-groups",
                "keyctl", "session", "-", "bash", "-s",
            ),
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, text=True,
            env=self.environment, cwd="/",
        )  # fmt: skip
        return self

    def __exit__(self, *_):
        subprocess.run(["fusermount3", "-uz", self.afs], capture_output=True, timeout=20)
        self.shell.stdin.close()
        self.shell.wait(20)
        shutil.rmtree(self.folder, ignore_errors=True)

    def sh(self, command, ok=True, timeout=60):
        """Runs a line in the session; returns exit code and output."""
        out, done = f"{self.folder}/out", f"{self.folder}/done"
        if os.path.exists(done):
            os.unlink(done)
        self.shell.stdin.write(f"( {command}\n) >{out} 2>&1 </dev/null; echo $? >{done}.new; mv {done}.new {done}\n")
        self.shell.stdin.flush()
        deadline = time.monotonic() + timeout
        while not os.path.exists(done):
            expect(time.monotonic() < deadline, f"{self.name}: no end of: {command}")
            time.sleep(0.01)
        with open(done) as file:
            code = int(file.read())
        with open(out, errors="replace") as file:
            text = file.read()
        expect(not ok or code == 0, f"{self.name}: {command}: exit {code}\n{text[-2000:]}\n{self.log_tail()}")
        return code, text

    def log_tail(self):
        if not os.path.exists(self.log):
            return ""
        with open(self.log, errors="replace") as file:
            return "".join(file.readlines()[-15:])

    def kinit(self, options=""):
        self.sh(f"echo {self.name} | kinit {options} {self.name}")

    def mount(self, *options):
        words = [
            self.binary, "mount", self.afs, "--config-dir", self.config, "--cell", CELL, "--cache-dir",
            f"{self.folder}/cache", "--log-file", self.log, *self.options, *options,
        ]  # fmt: skip
        self.sh(" ".join(words))
        return self

    def unmount(self):
        self.sh(f"{self.binary} unmount {self.afs}")

    def path(self, *parts):
        return os.path.join(self.afs, CELL, *parts)

    def tokens(self):
        return json.loads(self.sh(f"{self.binary} tokens --json")[1])

    def pid(self):
        # Other mounts on this machine may be in a bad way, which makes the exit status 1.
        mounts = json.loads(self.sh(f"{self.binary} status --json 2>/dev/null", ok=False)[1])
        return next(mount["pid"] for mount in mounts if mount["mountPoint"] == self.afs)

    def status(self):
        return self.sh(f"{self.binary} status", ok=False)[1]

    def refused(self, path, words=("Permission denied",), within=3):
        started = time.monotonic()
        code, text = self.sh(f"ls {path}", ok=False)
        expect(code != 0 and any(word in text for word in words), f"{self.name}: ls {path}: {code} {text}\n{self.log_tail()}")
        expect(time.monotonic() - started < within, f"refused only after {time.monotonic() - started:.1f} s")


def device_open_to_all():
    os.chmod("/dev/fuse", 0o666)


def file_operations(user, folder):
    """What programs do to files, as the user, in a folder that only he may use."""
    user.sh(
        f"set -e; mkdir {folder}; cd {folder}; dd if=/dev/urandom of=data bs=1M count=8 status=none; cp data copy;"
        "cmp data copy; echo one > a; echo two >> a; grep -q two a; mv a b; ln b c; ln -s b d; cat d; chmod 600 b;"
        "truncate -s 3 c; test $(stat -c %s b) = 3; mkdir -p x/y; touch -d @1000000000 x/y/z;"
        "test $(stat -c %Y x/y/z) = 1000000000; tar cf ../tokens.tar .; mkdir un; tar xf ../tokens.tar -C un;"
        "diff -r x un/x; cmp data un/data; rm -rf un x; ls -lR; cd ..; rm -r $OLDPWD tokens.tar"
        .replace("$OLDPWD", folder), timeout=120)  # fmt: skip


@check("alice's files at every security level; bob and anonymous users get nothing", timeout=240)
def private_files(bench):
    device_open_to_all()
    with User(bench, "alice", ALICE) as alice, User(bench, "bob", BOB) as bob:
        alice.kinit()
        for level in ("clear", "auth", "crypt"):
            alice.mount("--min-security", level)
            file_operations(alice, alice.path("alice", f"level-{level}"))
            alice.unmount()
        alice.mount()
        alice.sh(f"mkdir -p {alice.path('alice/secret')}; echo mine > {alice.path('alice/secret/file')}")
        bob.kinit()
        bob.mount()
        for path in ("alice", "alice/secret", "alice/secret/file", "alice/no-such-name"):
            bob.refused(bob.path(path))
            expect_error(errno.EACCES, os.listdir, bench.a.path(path))
        bob.sh(f"echo his > {bob.path('bob/own')} && cat {bob.path('bob/own')}")
        code, text = bob.sh(f"echo x > {bob.path('alice/intruder')}", ok=False)
        expect(code != 0 and "Permission denied" in text, text)
        held = alice.tokens()
        expect(len(held) == 1 and held[0]["cell"] == CELL and held[0]["afsID"] == 1001, str(held))
        expect(held[0]["principal"] == f"alice@{REALM}" and held[0]["state"] == "valid", str(held))
        expect("credential cache" in held[0]["source"], str(held))
        text = alice.sh(f"{alice.binary} tokens")[1]
        expect("Tokens held by the Cache Manager:" in text and "   --End of list--" in text, text)
        expect(f"User's (AFS ID 1001) rxkad tokens for {CELL} [Expires " in text, text)
        alice.sh(f"rm -r {alice.path('alice/secret')}")
        bob.sh(f"rm {bob.path('bob/own')}")


def access_list(user, path):
    return user.sh(f"python3 -c 'import os; print(os.getxattr(\"{path}\", \"afs.acl\").decode(), end=\"\")'")[1]


def set_access_list(user, path, text, ok=True):
    program = f"import os; os.setxattr({path!r}, 'afs.acl', {text.encode()!r})"
    return user.sh(f"python3 -c {shlex.quote(program)}", ok=ok)


@check("Access lists are shown and set as text: who is put on one gets in, who is taken off it no more", timeout=120)
def access_lists(bench):
    device_open_to_all()
    with User(bench, "alice", ALICE) as alice, User(bench, "bob", BOB) as bob:
        for user in (alice, bob):
            user.kinit()
            user.mount()
        root, folder = alice.path("alice"), alice.path("alice/shared")
        alice.sh(f"mkdir -p {folder}; echo ours > {folder}/file")
        before = access_list(alice, root)
        positive, negative, *entries = before.splitlines()
        expect(before.endswith("\n") and "\0" not in before and any(e.startswith("alice\t") for e in entries), before)
        try:
            set_access_list(alice, root, "\n".join([str(int(positive) + 1), negative, "bob\t9", *entries]) + "\n")
            set_access_list(alice, folder, "2\n0\nalice\t127\nbob\t9\n")
            expect("bob\t9\n" in access_list(alice, folder), access_list(alice, folder))
            expect(access_list(alice, f"{folder}/file") == access_list(alice, folder), "the file has another list")
            expect(bob.sh(f"cat {bob.path('alice/shared/file')}")[1] == "ours\n", "bob reads something else")
            code, text = set_access_list(bob, bob.path("alice/shared"), "1\n0\nbob\t127\n", ok=False)
            expect(code != 0 and "PermissionError" in text, text)
            for bad in ("nonsense", "1\n0\nno-such-user\t9\n", "1\n0\nalice\t127"):
                code, text = set_access_list(alice, folder, bad, ok=False)
                expect(code != 0 and "Invalid argument" in text, f"{bad!r}: {text}")
            set_access_list(alice, folder, "1\n0\nalice\t127\n")
            bob.refused(bob.path("alice/shared/file"))
        finally:
            set_access_list(alice, root, before)
            alice.sh(f"rm -r {folder}")


@check("At level crypt nothing readable is on the wire, at level clear it is", timeout=120)
def wire(bench):
    device_open_to_all()
    with User(bench, "alice", ALICE) as alice:
        alice.kinit()
        for level in ("clear", "crypt"):
            alice.mount("--min-security", level)
            capture = os.path.join(bench.local(f"wire-{level}"), "packets")
            sniffer = subprocess.Popen(
                in_namespace("afsfuse-client", "tshark", "-q", "-i", "any", "-f", "udp port 7000", "-w", capture),
                stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
            )  # fmt: skip
            try:
                expect(comes_true(lambda: os.path.exists(capture) and os.path.getsize(capture) > 0, 20), "tshark does not start")
                name = alice.path("alice", "known-plain-name")
                alice.sh(f"yes known-plain-text | head -c 100000 > {name}; ls -l {name}; rm {name}")
                time.sleep(1)
            finally:
                sniffer.terminate()
                sniffer.wait(20)
            with open(capture, "rb") as file:
                seen = file.read()
            found = b"known-plain-text" in seen or b"known-plain-name" in seen
            expect(len(seen) > 100000, f"{level}: only {len(seen)} bytes captured")
            expect(found == (level == "clear"), f"{level}: plain text {'seen' if found else 'not seen'}")
            alice.unmount()


@check("Session keyring: aklog, keyctl show, revoke and unlog take effect at once", timeout=120)
def keyring(bench):
    device_open_to_all()
    with User(bench, "alice", ALICE) as alice:
        alice.mount("--no-auto-aklog")
        alice.refused(alice.path("alice"))
        alice.kinit()
        alice.refused(alice.path("alice"))
        alice.sh(f"{alice.binary} aklog --config-dir {alice.config} -c {CELL}")
        alice.sh(f"ls {alice.path('alice')}")
        shown = alice.sh("keyctl show @s")[1]
        expect(f"afs@{CELL}" in shown and (" user:" in shown or " rxrpc:" in shown), shown)
        expect(alice.tokens()[0]["source"].startswith("session keyring, key "), str(alice.tokens()))
        alice.sh(f"keyctl revoke $(keyctl search @s user afs@{CELL} || keyctl search @s rxrpc afs@{CELL})")
        alice.refused(alice.path("alice"))
        alice.sh(f"{alice.binary} aklog --config-dir {alice.config} && ls {alice.path('alice')}")
        alice.sh(f"{alice.binary} unlog")
        alice.refused(alice.path("alice"))
        expect(alice.tokens() == [], str(alice.tokens()))
        expect(f"afs@{CELL}" not in alice.sh("keyctl show @s")[1], "the key is still there")
        # Another user's key in place of hers.
        alice.sh("echo bob | kinit bob")
        alice.sh(f"{alice.binary} aklog --config-dir {alice.config}; ls {alice.path('bob')}")
        alice.refused(alice.path("alice"))


@check("unlog keeps automatic tokens away until the next kinit", timeout=60)
def unlog(bench):
    device_open_to_all()
    with User(bench, "alice", ALICE) as alice:
        alice.kinit()
        alice.mount()
        alice.sh(f"ls {alice.path('alice')}")
        alice.sh(f"{alice.binary} unlog -c {CELL}")
        alice.refused(alice.path("alice"))
        time.sleep(1.5)
        alice.refused(alice.path("alice"))
        alice.kinit()
        alice.sh(f"ls {alice.path('alice')}")


@check("Bad tickets and cells: aklog says what is wrong", timeout=60)
def aklog_failures(bench):
    with User(bench, "alice", ALICE) as alice:
        aklog = f"{alice.binary} aklog --config-dir {alice.config}"
        code, text = alice.sh(aklog, ok=False)
        expect(code == 4 and f"aklog: Couldn't get {CELL} AFS tickets:" in text, f"{code} {text}")
        code, text = alice.sh(f"{aklog} -c bad..name", ok=False)
        expect(code == 3 and "not a cell name" in text, f"{code} {text}")
        alice.kinit()
        code, text = alice.sh(f"{aklog} -k NO.SUCH.REALM", ok=False)
        expect(code == 4 and "aklog: Couldn't get" in text, f"{code} {text}")


@check("A keytab does for batch jobs", timeout=60)
def keytab(bench):
    device_open_to_all()
    with User(bench, "alice", ALICE) as alice:
        shutil.copy(f"{bench.variables['AFSFUSE_TESTCELL_KEYTABS']}/alice.keytab", f"{alice.folder}/keytab")
        os.chown(f"{alice.folder}/keytab", ALICE, ALICE)
        alice.mount("--keytab", f"{alice.folder}/keytab")
        alice.sh(f"touch {alice.path('alice/by-keytab')} && rm {alice.path('alice/by-keytab')}")
        alice.sh(f"{alice.binary} aklog --config-dir {alice.config} --keytab {alice.folder}/keytab")


def kdc_admin(bench, *commands):
    """Has the cell's KDC changed."""
    environment = dict(
        os.environ, KRB5_CONFIG=f"{bench.configuration}/krb5.conf",
        KRB5_KDC_PROFILE=f"{bench.variables['AFSFUSE_TESTCELL_DIR']}/kdc/kdc.conf",
    )  # fmt: skip
    run("kadmin.local", "-r", REALM, input="".join(f"{line}\n" for line in commands), env=environment)


@check("A keytab goes on when its tickets end, every twenty seconds", timeout=150)
def keytab_renewal(bench):
    device_open_to_all()
    kdc_admin(bench, 'modprinc -maxlife "20 seconds" alice')
    try:
        with User(bench, "alice", ALICE) as alice:
            shutil.copy(f"{bench.variables['AFSFUSE_TESTCELL_KEYTABS']}/alice.keytab", f"{alice.folder}/keytab")
            os.chown(f"{alice.folder}/keytab", ALICE, ALICE)
            alice.mount("--keytab", f"{alice.folder}/keytab")
            end, expiries = time.monotonic() + 70, set()
            while time.monotonic() < end:
                alice.sh(f"date > {alice.path('alice/by-keytab')} && cat {alice.path('alice/by-keytab')}")
                expiries.add(alice.tokens()[0]["expires"])
                time.sleep(0.5)
            expect(len(expiries) >= 4, f"only {len(expiries)} tokens in 70 seconds")
            alice.sh(f"rm {alice.path('alice/by-keytab')}")
    finally:
        kdc_admin(bench, 'modprinc -maxlife "25 hours" alice')


@check("Short tickets: work goes through renewals, ends with the last, and goes on with a new one", timeout=400)
def renewal(bench):
    device_open_to_all()
    minutes = float(os.environ.get("AFSFUSE_RENEWAL_MINUTES", "1.5"))
    with User(bench, "alice", ALICE) as alice:
        alice.kinit("-l 30s -r 1h")
        alice.mount()
        folder = alice.path("alice/renewal")
        alice.sh(f"mkdir -p {folder}")
        end, count = time.monotonic() + 60 * minutes, 0
        expiries = set()
        while time.monotonic() < end:
            count += 1
            alice.sh(f"head -c 300000 /dev/urandom > {folder}/f{count % 5} && cat {folder}/f{count % 5} | wc -c")
            if count % 10 == 0:
                expiries.add(alice.tokens()[0]["expires"])
            time.sleep(0.2)
        expect(len(expiries) >= 3, f"only {len(expiries)} tokens in {minutes} minutes: {alice.log_tail()}")
        # A file which is dirty when the ticket ends: its writer keeps it open.
        alice.kinit("-l 15s")
        alice.sh(f"ls {folder}")
        alice.sh(f"(exec 3>{folder}/dirty; echo kept >&3; sleep 25; exec 3>&-; echo closed $? >{alice.folder}/closed) &")
        alice.sh("kdestroy -q")
        words = ("Key has expired", "Required key not available")
        expect(comes_true(lambda: alice.sh(f"ls {folder}", ok=False)[0] != 0, 25), "the ended ticket still serves")
        alice.refused(folder, words=words, within=1.5)
        expect("EXPIRED" in alice.status() and "kinit" in alice.status(), alice.status())
        expect(comes_true(lambda: os.path.exists(f"{alice.folder}/closed"), 40), "the writer hangs")
        alice.kinit()
        expect(comes_true(lambda: alice.sh(f"cat {folder}/dirty", ok=False)[1] == "kept\n", 5), "the dirty file is not there")
        # At the server, too.
        alice.unmount()
        alice.mount()
        expect(alice.sh(f"cat {folder}/dirty")[1] == "kept\n", "the dirty file was not stored")
        alice.sh(f"rm -r {folder}")


@check("vos, pts and bos work beside us", timeout=60)
def other_tools(bench):
    device_open_to_all()
    with User(bench, "alice", ALICE) as alice:
        alice.kinit()
        alice.mount()
        alice.sh(f"ls {alice.path('alice')}")
        expect("alice" in bench.on_server("vos", "examine", "alice", "-localauth").stdout, "vos")
        bench.on_server("pts", "membership", "admin", "-localauth")
        expect("fs" in bench.on_server("bos", "status", "10.248.0.11", "-localauth").stdout, "bos")
        alice.sh(f"touch {alice.path('alice/after')} && rm {alice.path('alice/after')}")


@check("The daemon's memory is closed to others, and its log holds no secrets", timeout=60)
def protection(bench):
    device_open_to_all()
    with User(bench, "alice", ALICE) as alice:
        alice.kinit()
        alice.mount("--log-level", "trace")
        alice.sh(f"ls {alice.path('alice')}")
        alice.sh(f"{alice.binary} aklog --config-dir {alice.config}")
        pid = alice.pid()
        code, _ = alice.sh(f"cat /proc/{pid}/environ", ok=False)
        expect(code != 0, "its own user reads the daemon's memory")
        key = alice.sh(f"keyctl pipe $(keyctl search @s user afs@{CELL}) | xxd -p | tr -d '\\n'", ok=False)[1]
        with open(alice.log, "rb") as file:
            text = file.read()
        expect(b"token for cell" in text, "nothing is logged")
        for part in (key[88:104], key[-64:]):
            expect(not part or part.encode() not in text, "a secret is in the log")


@check("On a shared mount each user has his own token, and sees nothing by the other's", timeout=120)
def shared_mount(bench):
    device_open_to_all()
    folder = f"/var/tmp/afsfuse-shared.{os.getpid()}"
    os.mkdir(folder, 0o755)
    mount = bench.mount("shared", options=["--allow-other"])
    mount.root = f"{folder}/afs"
    os.mkdir(mount.root)
    try:
        mount.start()
        with User(bench, "alice", ALICE) as alice, User(bench, "bob", BOB) as bob:
            for user in (alice, bob):
                user.kinit()
                user.refused(mount.path(user.name))
                user.sh(f"{user.binary} aklog --config-dir {user.config}")
                user.sh(f"mkdir -p {mount.path(user.name, 'secret')}; echo x > {mount.path(user.name, 'secret/file')}")
                user.sh(f"ls -lR {mount.path(user.name)}; cat {mount.path(user.name, 'secret/file')}")
            for user, other in ((alice, "bob"), (bob, "alice")):
                for path in ("", "secret", "secret/file", "no-such-name"):
                    user.refused(mount.path(other, path))
                code, _ = user.sh(f"cat {mount.path(other, 'secret/file')}", ok=False)
                expect(code != 0, f"{user.name} reads {other}'s file")
                code, text = user.sh(f"stat {mount.path(other, 'secret')}", ok=False)
                expect(code != 0, f"{user.name} sees {other}'s folder: {text}")
                expect([t["principal"] for t in user.tokens()] == [f"{user.name}@{REALM}"], str(user.tokens()))
            # Root has no token of theirs.
            expect_error(errno.EACCES, os.listdir, mount.path("alice"))
            alice.sh(f"rm -r {mount.path('alice/secret')}; {alice.binary} unlog")
            alice.refused(mount.path("alice"))
            bob.sh(f"cat {mount.path('bob/secret/file')} && rm -r {mount.path('bob/secret')}")
    finally:
        mount.clean()
        shutil.rmtree(folder, ignore_errors=True)


def requests_for_tokens(bench):
    """How many tickets for AFS the KDC has given out."""
    with open(f"{bench.variables['AFSFUSE_TESTCELL_LOGS']}/krb5kdc.log", errors="replace") as file:
        return sum("TGS_REQ" in line and "ISSUE" in line and f"afs/{CELL}@" in line for line in file)


def follows_tickets(bench, cache):
    """All that is expected of automatic tokens, with one type of credential cache."""
    with User(bench, "alice", ALICE, cache=cache) as alice:
        alice.sh("kdestroy -Aq", ok=False)
        alice.mount()
        folder = alice.path("alice")

        def works():
            return alice.sh(f"ls {folder}", ok=False)[0] == 0

        expect(not works(), f"{cache}: access without a ticket")
        alice.kinit()
        expect(comes_true(works, 3), f"{cache}: a new ticket is not seen")
        expect(cache.split(":")[0] in alice.tokens()[0]["source"], str(alice.tokens()))
        before = requests_for_tokens(bench)
        for _ in range(12):
            time.sleep(1)
            expect(works(), f"{cache}: access is lost")
        asked = requests_for_tokens(bench) - before
        expect(asked <= 1, f"{cache}: {asked} tickets in 12 seconds")
        alice.sh(f"{alice.binary} unlog")
        for _ in range(12):
            expect(not works(), f"{cache}: unlog does not last")
            time.sleep(1)
        # Another user's ticket, in the same cache or in a new one of the collection.
        alice.sh("echo bob | kinit bob")
        expect(comes_true(lambda: alice.sh(f"ls {alice.path('bob')}", ok=False)[0] == 0, 3), f"{cache}: bob is not seen")
        expect(not works(), f"{cache}: bob has alice's rights")
        alice.kinit()
        expect(comes_true(works, 3), f"{cache}: alice's next ticket is not seen")
        alice.sh("kdestroy -Aq", ok=False)


@check("Tickets are followed in a file cache and in a folder of caches", timeout=120)
def file_caches(bench):
    device_open_to_all()
    follows_tickets(bench, "FILE:{folder}/another")
    follows_tickets(bench, "DIR:{folder}/caches")


@check("Tickets are followed in the kernel's keyrings", timeout=180)
def keyring_caches(bench):
    device_open_to_all()
    for cache in ("KEYRING:persistent:{uid}", "KEYRING:session:afsfuse-check", "KEYRING:user:afsfuse-check"):
        follows_tickets(bench, cache)


@check("Tickets are followed in KCM (SSSD's)", timeout=180)
def kcm_caches(bench):
    device_open_to_all()
    with KCM():
        follows_tickets(bench, "KCM:")


@check("A silent KDC delays nobody who has a token, and nobody for more than a second whose token has ended", timeout=150)
def silent_kdc(bench):
    device_open_to_all()
    with open(f"{bench.variables['AFSFUSE_TESTCELL_DIR']}/kdc.pid") as file:
        kdc = int(file.read())
    with User(bench, "alice", ALICE) as alice:
        shutil.copy(f"{bench.variables['AFSFUSE_TESTCELL_KEYTABS']}/alice.keytab", f"{alice.folder}/keytab")
        os.chown(f"{alice.folder}/keytab", ALICE, ALICE)
        alice.kinit("-l 20s -r 1h")
        alice.mount()
        folder = alice.path("alice")
        alice.sh(f"ls {folder}")
        end = time.time() + 19
        os.kill(kdc, signal.SIGSTOP)
        try:
            while time.time() < end - 1:
                started = time.monotonic()
                alice.sh(f"touch {folder}/silent && rm {folder}/silent")
                took = time.monotonic() - started
                # libkrb5 waits for many seconds. Beside other work a second is soon over.
                expect(took < 3, f"{end - time.time():.0f} s before the end: {took:.1f} s")
                time.sleep(0.1)
            expect(comes_true(lambda: alice.sh(f"ls {folder}", ok=False)[0] != 0, 5), "the ended ticket still serves")
            for _ in range(5):
                alice.refused(folder, words=("Key has expired", "Required key not available"), within=1)
        finally:
            os.kill(kdc, signal.SIGCONT)
        alice.kinit()
        expect(comes_true(lambda: alice.sh(f"ls {folder}", ok=False)[0] == 0, 20), "the next ticket does not serve")


def places_in_memory(pid, secret):
    """Where in a process a secret lies: the flags of each mapping (smaps) that has it."""
    places, mappings = [], []
    with open(f"/proc/{pid}/smaps") as file:
        for line in file:
            if line.startswith("VmFlags:"):
                mappings[-1][2].update(line.split()[1:])
            elif line.split(" ", 1)[0].count("-") == 1 and not line.split(" ", 1)[0].endswith(":"):
                start, end = (int(part, 16) for part in line.split(" ", 1)[0].split("-"))
                mappings.append((start, end, set(), line.strip()))
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for start, end, flags, name in mappings:
            if "rd" not in flags:
                continue
            try:
                memory.seek(start)
                data = memory.read(end - start)
            except (OSError, ValueError, OverflowError):
                continue
            if secret in data:
                places.append((flags, name))
    return places


@check("Keys lie in locked pages only, and neither in a trace, in the log, in status nor in a core", timeout=120)
def secrets(bench):
    device_open_to_all()
    with User(bench, "alice", ALICE) as alice:
        alice.kinit()
        trace = f"{alice.folder}/trace"
        alice.mount("--log-level", "trace", "--rx-trace", trace, "--no-auto-aklog")
        alice.sh(f"{alice.binary} aklog --config-dir {alice.config}")
        alice.sh(f"echo x > {alice.path('alice/secrets')}; cat {alice.path('alice/secrets')}; rm {alice.path('alice/secrets')}")
        # The root of this machine reads what the daemon has.
        payload = bytes.fromhex(
            alice.sh(f"keyctl pipe $(keyctl search @s user afs@{CELL}) | xxd -p | tr -d '\n'")[1].strip())
        expect(payload.startswith(b"AFSTOKEN"), "the key is not of our form")
        key, ticket = payload[36:44], payload[-48:]
        pid = alice.pid()
        places = places_in_memory(pid, key)
        expect(places, "the daemon does not have the key: the check looks for something else")
        loose = [name for flags, name in places if not {"lo", "dd"} <= flags]
        expect(not loose, f"the session key lies in {loose}")
        with open(f"/proc/{pid}/status") as file:
            locked = [line for line in file if line.startswith("VmLck:")]
        expect(int(locked[0].split()[1]) > 0, locked[0])
        with open(f"/proc/{pid}/limits") as file:
            core = [line.split()[4:6] for line in file if line.startswith("Max core file size")]
        expect(core == [["0", "0"]], f"core dumps: {core}")
        status = alice.sh(f"{alice.binary} status; {alice.binary} status --json; {alice.binary} status rx; {alice.binary} tokens --json")[1]
        alice.unmount()
        for path in (trace, alice.log):
            with open(path, "rb") as file:
                seen = file.read()
            expect(len(seen) > 100, f"{path} is empty")
            for secret in (key, ticket, key.hex().encode(), ticket.hex().encode()):
                expect(secret not in seen, f"a secret is in {path}")
        expect(key.hex() not in status and ticket.hex() not in status, "a secret is in the status")


@check("--ccache names the cache, whatever KRB5CCNAME says", timeout=60)
def other_cache(bench):
    device_open_to_all()
    with User(bench, "alice", ALICE) as alice:
        alice.sh(f"echo bob | kinit bob; echo alice | kinit -c FILE:{alice.folder}/other alice")
        for name in (f"FILE:{alice.folder}/other", f"{alice.folder}/other"):
            alice.mount("--ccache", name)
            alice.sh(f"ls {alice.path('alice')}")
            alice.refused(alice.path("bob"))
            alice.unmount()


def put_damaged_token(alice):
    """A key in the session keyring with a ticket that no server can open."""
    alice.sh(f"{alice.binary} aklog --config-dir {alice.config}")
    key = f"$(keyctl search @s user afs@{CELL})"
    payload = bytearray.fromhex(alice.sh(f"keyctl pipe {key} | xxd -p | tr -d '\\n'")[1].strip())
    for place in range(len(payload) - 64, len(payload)):
        payload[place] ^= 0x55
    with open(f"{alice.folder}/damaged", "wb") as file:
        file.write(payload)
    os.chown(f"{alice.folder}/damaged", alice.uid, alice.uid)
    alice.sh(f"keyctl pupdate {key} <{alice.folder}/damaged")


@check("A token that servers refuse gives what everybody has, and says so; Kerberos makes up for it", timeout=60)
def refused_token(bench):
    device_open_to_all()
    with User(bench, "alice", ALICE) as alice:
        alice.kinit()
        alice.mount("--no-auto-aklog")
        alice.sh(f"{alice.binary} aklog --config-dir {alice.config} && ls {alice.path('alice')}")
        put_damaged_token(alice)
        # What is known here is shown for the same user's next token; servers are asked for anything else.
        started = time.monotonic()
        code, text = alice.sh(f"touch {alice.path('alice/refused')}", ok=False)
        expect(code != 0 and "Permission denied" in text, f"{code} {text}\n{alice.log_tail()}")
        expect(time.monotonic() - started < 1, "the refusal takes more than a second")
        alice.refused(alice.path("alice"), within=1)
        alice.sh(f"ls {alice.path('open')} {alice.path()}")
        expect("REFUSED" in alice.status() and "kinit" in alice.status(), alice.status())
        expect("[>> Refused by the servers <<]" in alice.sh(f"{alice.binary} tokens")[1], "tokens does not say so")
        with open(alice.log) as file:
            lines = [line for line in file if "refuse" in line]
        expect(any("run kinit, or afsfuse aklog" in line for line in lines) and len(lines) <= 3, str(lines))
        alice.sh(f"{alice.binary} aklog --config-dir {alice.config} && ls {alice.path('alice')}")
        alice.unmount()
        alice.mount()
        put_damaged_token(alice)
        alice.sh(f"touch {alice.path('alice/after')} && rm {alice.path('alice/after')}")
        expect("(credential cache" in alice.status(), alice.status())


@check("Two cells with two keys at once: each key is used for its own cell", timeout=120)
def two_cells(bench):
    device_open_to_all()
    with User(bench, "alice", ALICE) as alice:
        mock = os.path.join(os.path.dirname(bench.afsfuse), "afsmock")
        expect(os.access(mock, os.X_OK), f"{mock} is not built")
        tokens = f"{alice.folder}/mock-tokens"
        os.mkdir(tokens, 0o755)
        with open(f"{alice.config}/CellServDB", "a") as file:
            file.write(">mock.example\n127.0.0.1 #localhost\n")
        server = subprocess.Popen(
            in_namespace("afsfuse-client", mock, "--user", "alice", "--user", "bob", "--token-folder", tokens),
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        try:
            expect(any("ready" in line for line in iter(server.stdout.readline, "")), "afsmock does not start")
            run("chown", "-R", f"{ALICE}", tokens)
            alice.kinit()
            alice.mount("--root", "dynamic")
            ours, other = alice.path("alice/two"), f"{alice.afs}/mock.example/alice/two"
            alice.refused(os.path.dirname(other))
            alice.sh(f"keyctl padd user afs@mock.example @s <{tokens}/alice.token")
            for path in (ours, other):
                alice.sh(f"mkdir {path}; echo {path} > {path}/file; cat {path}/file; cp -r {path} {path}.copy; rm -r {path}.copy")
            # Files go from one to the other while both keys are in use.
            alice.sh(f"head -c 5000000 /dev/urandom > {ours}/big; cp {ours}/big {other}/big; cmp {ours}/big {other}/big")
            alice.refused(f"{alice.afs}/mock.example/bob")
            held = {t["cell"]: t for t in alice.tokens()}
            expect(set(held) == {CELL, "mock.example"}, str(held))
            expect("credential cache" in held[CELL]["source"] and "keyring" in held["mock.example"]["source"], str(held))
            lines = alice.sh(f"{alice.binary} tokens")[1]
            expect(f" for {CELL} [" in lines and " for mock.example [" in lines, lines)
            # One cell's key goes, the other stays.
            alice.sh(f"{alice.binary} unlog -c mock.example")
            alice.refused(os.path.dirname(other))
            alice.sh(f"cat {ours}/big | wc -c; rm -r {ours}")
        finally:
            server.terminate()
            server.wait(10)


class ForeignRealm:
    """A second realm, OTHER.AFSFUSE, with a KDC of its own and a user carol, whom the cell's realm trusts."""

    name, host, address = "OTHER.AFSFUSE", "afsfuse-fs2", "10.248.0.12"

    def __init__(self, bench):
        self.bench = bench
        self.folder = bench.local("foreign-realm")
        with open(f"{bench.configuration}/krb5.conf") as file:
            text = file.read()
        with open(f"{self.folder}/krb5.conf", "w") as file:
            file.write(text.replace("[realms]", f"[realms]\n  {self.name} = {{\n    kdc = {self.address}\n  }}", 1))
        with open(f"{self.folder}/kdc.conf", "w") as file:
            file.write(
                f"[kdcdefaults]\n  kdc_listen = 88\n  kdc_tcp_listen = 88\n[realms]\n  {self.name} = {{\n"
                f"    database_name = {self.folder}/principal\n    key_stash_file = {self.folder}/stash\n"
                "    supported_enctypes = aes256-cts-hmac-sha1-96:normal\n  }\n")  # fmt: skip

    def pts(self, *words):
        self.bench.on_server("pts", *words, "-localauth")

    def __enter__(self):
        environment = dict(
            os.environ, KRB5_KDC_PROFILE=f"{self.folder}/kdc.conf", KRB5_CONFIG=f"{self.folder}/krb5.conf")
        run("kdb5_util", "-P", "master", "create", "-s", "-r", self.name, env=environment)
        trust = f"addprinc -pw trust krbtgt/{REALM}@{self.name}"
        run("kadmin.local", "-r", self.name, input=f"addprinc -pw carol +requires_preauth carol\n{trust}\n",
            env=environment)  # fmt: skip
        kdc_admin(self.bench, trust)
        self.kdc = subprocess.Popen(
            in_namespace(self.host, "krb5kdc", "-n", "-r", self.name, "-P", f"{self.folder}/pid"), env=environment,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        self.pts("creategroup", f"system:authuser@{self.name.lower()}", "-owner", "system:administrators")
        self.pts("createuser", f"carol@{self.name.lower()}")
        return self

    def __exit__(self, *_):
        self.kdc.terminate()
        self.kdc.wait(10)
        self.pts("delete", f"carol@{self.name.lower()}")
        self.pts("delete", f"system:authuser@{self.name.lower()}")
        kdc_admin(self.bench, f"delprinc -force krbtgt/{REALM}@{self.name}")


@check("A user of another realm, which the cell's trusts, has his rights under his name there", timeout=120)
def cross_realm(bench):
    device_open_to_all()
    with ForeignRealm(bench) as realm, User(bench, "alice", ALICE) as alice, User(bench, "carol", BOB) as carol:
        shutil.copy(f"{realm.folder}/krb5.conf", f"{carol.config}/krb5.conf")
        carol.sh(f"echo carol | kinit carol@{realm.name}")
        carol.mount()
        carol.refused(carol.path("alice"))
        held = carol.tokens()
        expect(held[0]["principal"] == f"carol@{realm.name}" and held[0]["afsID"] not in (None, 32766), str(held))
        alice.kinit()
        alice.mount()
        root = alice.path("alice")
        before = access_list(alice, root)
        positive, negative, *entries = before.splitlines()
        name = f"carol@{realm.name.lower()}"
        set_access_list(alice, root, "\n".join([str(int(positive) + 1), negative, f"{name}\t63", *entries]) + "\n")
        try:
            file_operations(carol, carol.path("alice", "of-carol"))
        finally:
            set_access_list(alice, root, before)
        carol.refused(carol.path("alice"))
        # By hand, into the keyring, with the cell's realm named and found.
        for realm_option in ("", f" -k {REALM}"):
            carol.sh(f"{carol.binary} aklog --config-dir {carol.config} -c {CELL}{realm_option}")


def leave_unstored(alice, name):
    """A file of alice's which its writer has closed after her ticket's end: close says so, and the data waits."""
    alice.kinit("-l 6s")
    alice.sh(f"ls {alice.path('alice')}")
    program = (
        "import os, sys, time, errno\n"
        f"file = os.open({alice.path('alice', name)!r}, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)\n"
        "os.fsync(file)\n"
        "os.write(file, b'kept ' * 1000)\n"
        "time.sleep(8)\n"
        "for function in (os.fsync, os.close):\n"
        "    try:\n        function(file)\n        print('done')\n"
        "    except OSError as error:\n        print(errno.errorcode[error.errno])\n"
    )
    text = alice.sh(f"python3 -c {shlex.quote(program)}", timeout=30)[1]
    expect(text.split() == ["EKEYEXPIRED", "EKEYEXPIRED"], f"fsync and close say {text}")


def copies(alice):
    found = alice.sh(f"find {alice.folder}/cache -path '*/unstored/*' -type f")[1].split()
    return [open(path, "rb").read() for path in found]


@check("What waits for a token is kept when the mount ends, and its user is told", timeout=120)
def ending_without_token(bench):
    device_open_to_all()
    for how in ("kill -TERM {pid}", "fusermount3 -u {mount}", "{binary} unmount --lazy {mount}"):
        with User(bench, "alice", ALICE) as alice:
            alice.kinit()
            alice.mount()
            pid = alice.pid()
            leave_unstored(alice, "waiting")
            expect("wait" in alice.status() and "kinit" in alice.status(), alice.status())
            code, text = alice.sh(f"{alice.binary} unmount {alice.afs}", ok=False)
            expect(code != 0 and "changes wait for a token" in text and "kinit" in text, f"{code} {text}")
            alice.sh(how.format(pid=pid, mount=alice.afs, binary=alice.binary))
            expect(comes_true(lambda: not os.path.exists(f"/proc/{pid}"), 70), f"{how}: the daemon does not end")
            expect(copies(alice) == [b"kept " * 1000], f"{how}: {copies(alice)} is kept; {alice.log_tail()}")
            expect("alice/waiting" in alice.log_tail(), f"{how}: the log does not name the file: {alice.log_tail()}")
            # With the next ticket the user can put it back.
            alice.kinit()
            alice.mount()
            alice.sh(f"rm -f {alice.path('alice/waiting')}")


@check("A ticket in time lets the mount end with everything stored", timeout=60)
def ending_with_next_token(bench):
    device_open_to_all()
    with User(bench, "alice", ALICE) as alice:
        alice.kinit()
        alice.mount()
        leave_unstored(alice, "waiting")
        alice.kinit()
        alice.unmount()
        expect(copies(alice) == [], "a copy of what was stored is kept")
        alice.mount()
        expect(alice.sh(f"cat {alice.path('alice/waiting')} | wc -c")[1].strip() == "5000", "the file was not stored")
        alice.sh(f"rm {alice.path('alice/waiting')}")
