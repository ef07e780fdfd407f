"""SSSD's credential cache daemon, installed or not."""

import os
import shutil
import subprocess
import tempfile

from bench import run
from harness import comes_true, expect

# In a mount namespace of its own, the unpacked packages ($1) lie over the machine's folders: whatever the daemon writes
# goes to a file system in memory ($2).
UNPACKED = """
set -e
mount -t tmpfs -o mode=755 kcm "$2"
mount -t overlay -o lowerdir="$1/usr:/usr" kcm /usr
for folder in lib log; do
  mkdir "$2/$folder" "$2/$folder.work"
  mount -t overlay -o "lowerdir=$1/var/$folder:/var/$folder,upperdir=$2/$folder,workdir=$2/$folder.work" kcm "/var/$folder"
done
shift 2
exec "$@"
"""


class KCM:
    """The daemon for the time of a `with` block, run by hand: it serves all users at the one socket that libkrb5 looks
    for.

    Where it is not installed it is downloaded and run from a temporary folder: its packages change the machine's name
    service and PAM, which tests must not.
    """

    program = "/usr/libexec/sssd/sssd_kcm"
    socket = "/var/run/.heim_org.h5l.kcm-socket"
    options = ["--uid", "0", "--gid", "0", "--logger=stderr"]

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="afsfuse-kcm.", dir="/var/tmp")
        self.process = None
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def start(self):
        command = [self.program, *self.options]
        if not os.path.exists(self.program):
            unpacked, written = os.path.join(self.folder, "packages"), os.path.join(self.folder, "written")
            os.mkdir(written)
            self.unpack(unpacked)
            command = ["unshare", "--mount", "--propagation", "private", "sh", "-c", UNPACKED, "sh", unpacked, written,
                       *command]  # fmt: skip
        with open(os.path.join(self.folder, "log"), "w+") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
            if not comes_true(lambda: os.path.exists(self.socket), 10):
                log.seek(0)
                expect(False, f"sssd_kcm does not start: {log.read()[-1000:]}")

    def unpack(self, folder):
        simulate = ["apt-get", "install", "--simulate", "--no-install-recommends", "sssd-kcm"]
        # 100: apt knows no such package, for its lists are empty or old.
        if run(*simulate, ok=(0, 100)).returncode == 100:
            run("apt-get", "update", timeout=120)
        plan = run(*simulate).stdout
        packages = [line.split()[1] for line in plan.splitlines() if line.startswith("Inst ")]
        # Some may be installed already; the daemon's own must be among those which are not.
        expect("sssd-kcm" in packages, plan)
        downloads = os.path.join(self.folder, "downloads")
        os.mkdir(downloads)
        run("apt-get", "download", *packages, cwd=downloads)
        for name in os.listdir(downloads):
            run("dpkg-deb", "--extract", os.path.join(downloads, name), folder)

    def __exit__(self, *_):
        if self.process:
            self.process.terminate()
            self.process.wait(10)
        if os.path.exists(self.socket):
            os.remove(self.socket)
        shutil.rmtree(self.folder, ignore_errors=True)
