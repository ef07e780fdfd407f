"""Ordinary tools at work in the cell."""

import os
import shutil

from bench import run
from harness import check, expect
from tree import make_tree

GIT = ["git", "-c", "user.name=Test", "-c", "user.email=test@example.org", "-c", "safe.directory=*"]


def source_tree(bench):
    """The same tree outside AFS for every check; made once."""
    path = os.path.join(bench.folder, "source-tree")
    if not os.path.isdir(path):
        make_tree(path + ".new")
        os.rename(path + ".new", path)
    return path


@check("A source tar of 3,200 files unpacks and equals the original", timeout=240)
def untar(bench):
    source, local, work = source_tree(bench), bench.local("untar"), bench.work("untar")
    run("tar", "cf", f"{local}/source.tar", "-C", source, ".")
    run("tar", "xf", f"{local}/source.tar", "-C", work, timeout=180)
    run("diff", "-r", "--no-dereference", source, work, timeout=120)
    run("diff", "-r", "--no-dereference", source, bench.b.path("open/untar"), timeout=120)
    count = len(run("find", work, "-type", "f").stdout.splitlines())
    expect(count == 3200, f"{count} files")
    run("tar", "df", f"{local}/source.tar", "-C", work, timeout=120, ok=(0, 1))
    run("rm", "-rf", work, timeout=120)
    expect(not os.path.exists(work), "rm -rf")


@check("rsync -a twice: the second run finds nothing to do", timeout=240)
def rsync_twice(bench):
    source, work = source_tree(bench), bench.work("rsync")
    for _ in range(2):
        result = run("rsync", "-a", "--no-owner", "--no-group", "--itemize-changes", f"{source}/", f"{work}/", timeout=200)
    expect(result.stdout.strip() == "", f"second run: {result.stdout[:400]}")
    as_user = run("rsync", "-a", "--itemize-changes", "--dry-run", f"{source}/", f"{work}/", timeout=100).stdout
    changed = [line for line in as_user.splitlines() if line[2:3] != "." or line[3:5] != ".."]
    expect(not changed, f"contents or times differ: {changed[:5]}")
    run("rm", "-rf", work, timeout=120)


@check("git clone by path and by file://, status, commit, fsck and gc", timeout=240)
def git(bench):
    source, local, work = source_tree(bench), bench.local("git"), bench.work("git")
    origin = f"{local}/origin"
    shutil.copytree(source, origin, symlinks=True)
    run(*GIT, "-C", origin, "init", "-q")
    run(*GIT, "-C", origin, "add", ".")
    run(*GIT, "-C", origin, "commit", "-qm", "All")
    run(*GIT, "clone", "-q", origin, f"{work}/by-path", timeout=120)
    run(*GIT, "clone", "-q", f"file://{origin}", f"{work}/by-url", timeout=120)
    for clone in (f"{work}/by-path", f"{work}/by-url"):
        expect(run(*GIT, "-C", clone, "status", "--porcelain", timeout=60).stdout == "", "status is not clean")
        run(*GIT, "-C", clone, "fsck", "--strict", timeout=60)
    clone = f"{work}/by-url"
    with open(f"{clone}/new", "w") as file:
        file.write("new\n")
    run(*GIT, "-C", clone, "add", "new")
    run(*GIT, "-C", clone, "commit", "-qm", "New", timeout=60)
    run(*GIT, "-C", clone, "gc", "-q", "--prune=now", timeout=120)
    run(*GIT, "-C", clone, "fsck", "--strict", timeout=60)
    run(*GIT, "clone", "-q", f"{work}/by-url", f"{work}/again", timeout=120)
    expect(open(f"{work}/again/new").read() == "new\n", "the commit came along")
    run("rm", "-rf", work, timeout=120)


@check("An editor's save, write new and rename over, is seen whole elsewhere")
def editor_save(bench):
    work = bench.work("editor")
    other = bench.b.path("open/editor/text")
    for version in range(20):
        with open(f"{work}/.text.swp", "w") as file:
            file.write(f"version {version}\n" * 100)
            file.flush()
            os.fsync(file.fileno())
        os.rename(f"{work}/.text.swp", f"{work}/text")
        with open(other) as file:
            expect(file.read() == f"version {version}\n" * 100, f"version {version} elsewhere")
    expect(os.listdir(work) == ["text"], "only the file is left")


@check("find, du, cp -a and ls -lR see the same tree", timeout=120)
def walks(bench):
    source, work = source_tree(bench), bench.work("walks")
    run("cp", "-a", f"{source}/.", f"{work}/", timeout=100, ok=(0, 1))
    listing = [run("find", ".", "-printf", "%y %P %s %l\n", cwd=path, timeout=60).stdout for path in (source, work)]
    clean = [sorted(line for line in text.splitlines() if not line.startswith("d")) for text in listing]
    expect(clean[0] == clean[1], "find differs")
    apparent = [
        run("sh", "-c", "find . -type f -printf '%s\n' | awk '{n+=$1} END {print n}'", cwd=path).stdout
        for path in (source, work)
    ]
    expect(apparent[0] == apparent[1], f"sizes {apparent}")
    expect(int(run("du", "-sk", work, timeout=60).stdout.split()[0]) > 1000, "du")
    run("ls", "-lR", work, timeout=60)
    run("rm", "-rf", work, timeout=120)


@check("fio verifies what it wrote at random", timeout=180)
def fio_verify(bench):
    work = bench.work("fio")
    run(
        "fio", "--name=verify", f"--directory={work}", "--rw=randrw", "--bs=4k-64k", "--size=24M", "--numjobs=2",
        "--verify=crc32c", "--do_verify=1", "--verify_fatal=1", "--verify_state_save=0", "--ioengine=psync", "--fsync=64", timeout=160,
    )  # fmt: skip
