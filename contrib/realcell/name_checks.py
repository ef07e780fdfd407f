"""Names, links, directories, errors."""

import errno
import os
import stat

from bench import CELL, run
from harness import check, expect, expect_error


@check("Names of 255 bytes and in UTF-8 and Latin-1 keep their bytes; 256 bytes are refused")
def long_names(bench):
    work = os.fsencode(bench.work("names"))
    names = [b"n" * 255, "grüße-日本語-🙂".encode(), b"latin-\xe9", b" space ", b"-dash", b"new\nline", "ü".encode() * 127]
    for name in names:
        with open(work + b"/" + name, "wb") as file:
            file.write(name)
    other = os.fsencode(bench.b.path("open/names"))
    for root in (work, other):
        expect(sorted(os.listdir(root)) == sorted(names), f"names in {root}")
        for name in names:
            with open(root + b"/" + name, "rb") as file:
                expect(file.read() == name, f"contents of {name}")
    expect_error(errno.ENAMETOOLONG, open, work + b"/" + b"n" * 256, "wb")


@check("A directory of 10,000 files lists, stats and empties", timeout=240)
def big_directory(bench):
    work = bench.work("many")
    for number in range(10_000):
        os.close(os.open(f"{work}/file-{number:05d}", os.O_CREAT | os.O_WRONLY, 0o644))
    wanted = {f"file-{number:05d}" for number in range(10_000)}
    expect(set(os.listdir(work)) == wanted, "listed here")
    other = bench.b.path("open/many")
    expect(set(os.listdir(other)) == wanted, "listed elsewhere")
    expect(all(entry.stat().st_size == 0 for entry in os.scandir(other)), "stat of all")
    for name in wanted:
        os.remove(f"{work}/{name}")
    expect(os.listdir(work) == [] and os.listdir(other) == [], "emptied")
    os.rmdir(work)
    expect(not os.path.exists(other), "removed elsewhere")


@check("Symbolic links keep their targets, as a second client sees them", timeout=90)
def symbolic_links(bench):
    work = bench.work("links")
    targets = {"relative": "../x/y", "absolute": "/etc/hostname", "dot": ".", "long": "t" * 1000, "utf8": "grüße"}
    for name, target in targets.items():
        os.symlink(target, f"{work}/{name}")
    for root in (work, bench.b.path("open/links")):
        expect({name: os.readlink(f"{root}/{name}") for name in os.listdir(root)} == targets, f"targets in {root}")
    expect(os.lstat(f"{work}/relative").st_size == len("../x/y"), "length")
    expect_error(errno.ENAMETOOLONG, os.symlink, "t" * 5000, f"{work}/too-long")


@check("Hard links within a directory work, across directories they are refused")
def hard_links(bench):
    work = bench.work("hard")
    os.mkdir(f"{work}/sub")
    with open(f"{work}/one", "w") as file:
        file.write("text")
    os.link(f"{work}/one", f"{work}/two")
    expect(os.stat(f"{work}/one").st_nlink == 2, "link count")
    expect(os.stat(f"{work}/one").st_ino == os.stat(f"{work}/two").st_ino, "inode")
    expect_error(errno.EXDEV, os.link, f"{work}/one", f"{work}/sub/three")
    expect_error(errno.EEXIST, os.link, f"{work}/one", f"{work}/two")
    os.remove(f"{work}/one")
    expect(open(f"{work}/two").read() == "text" and os.stat(f"{work}/two").st_nlink == 1, "the other name stays")


@check("What AFS cannot express is refused with the errno that tools expect")
def inexpressible(bench):
    work = bench.work("errnos")
    for mode in (stat.S_IFIFO, stat.S_IFCHR, stat.S_IFSOCK):
        try:
            os.mknod(f"{work}/node", mode | 0o644)
        except OSError as error:
            expect(error.errno in (errno.EPERM, errno.EOPNOTSUPP), os.strerror(error.errno))
        else:
            raise AssertionError("mknod succeeded")
    os.mknod(f"{work}/plain", stat.S_IFREG | 0o644)
    # Not posix_fallocate: glibc writes zeros where the file system cannot allocate.
    refusal = run("fallocate", "--length", "100", f"{work}/plain", ok=(1,)).stderr
    expect("not supported" in refusal, refusal)
    expect_error(errno.EOPNOTSUPP, os.getxattr, f"{work}/plain", "user.absent")
    expect_error(errno.ENOTDIR, os.listdir, f"{work}/plain")
    expect_error(errno.ENOENT, os.stat, f"{work}/absent")
    expect_error(errno.EISDIR, open, work, "wb")
    os.mkdir(f"{work}/full")
    open(f"{work}/full/x", "w").close()
    expect_error(errno.ENOTEMPTY, os.rmdir, f"{work}/full")
    expect_error(errno.EEXIST, os.mkdir, f"{work}/full")
    expect_error(errno.ENOTEMPTY, os.rename, bench.work("errnos2"), f"{work}/full")
    expect_error(errno.EINVAL, os.rename, f"{work}/full", f"{work}/full/below")
    expect_error(errno.EXDEV, os.rename, f"{work}/plain", bench.a.path("open2", "plain"))


@check("Rename replaces files and empty directories, within and across directories")
def renames(bench):
    work = bench.work("renames")
    os.makedirs(f"{work}/a/deep")
    os.mkdir(f"{work}/b")
    open(f"{work}/a/file", "w").write("new")
    open(f"{work}/b/file", "w").write("old")
    os.rename(f"{work}/a/file", f"{work}/b/file")
    expect(open(f"{work}/b/file").read() == "new" and os.listdir(f"{work}/a") == ["deep"], "file over file")
    os.rename(f"{work}/a/deep", f"{work}/b/moved")
    expect(os.path.samefile(f"{work}/b/moved/..", f"{work}/b"), "the parent of a moved directory")
    os.mkdir(f"{work}/empty")
    os.rename(f"{work}/b/moved", f"{work}/empty")
    other = bench.b.path("open/renames")
    expect(sorted(os.listdir(other)) == ["a", "b", "empty"], "seen elsewhere")
    with open(f"{work}/b/file") as file:
        open(f"{work}/a/over", "w").write("replaced")
        os.rename(f"{work}/a/over", f"{work}/b/file")
        expect(file.read() == "new", "the open file lives on")
    expect(open(f"{work}/b/file").read() == "replaced", "the name is the new file")


@check("Modes, times and owners: chmod, utimens, chown to oneself")
def attributes(bench):
    work = bench.work("attributes")
    path = f"{work}/file"
    open(path, "w").close()
    os.chmod(path, 0o640)
    os.utime(path, (1_000_000_000, 1_234_567_890))
    for root in (work, bench.b.path("open/attributes")):
        status = os.stat(f"{root}/file")
        expect(stat.S_IMODE(status.st_mode) == 0o640, f"mode {status.st_mode:o} in {root}")
        expect(status.st_mtime == 1_234_567_890, f"time in {root}")
    status = os.stat(path)
    os.chown(path, status.st_uid, status.st_gid)
    run("touch", path)
    expect(os.stat(path).st_mtime > 1_700_000_000, "touch")


@check("Mount points: the cell, its volumes, read-only and read-write paths, and ..")
def mount_points(bench):
    root = bench.a.root
    expect({CELL, "." + CELL} <= set(os.listdir(root)) | {"." + CELL}, "dynamic root")
    expect(os.path.isdir(f"{root}/.{CELL}/open"), "the read-write path")
    expect_error(errno.EROFS, open, f"{root}/{CELL}/readonly/new", "w")
    expect(os.path.samefile(bench.a.path("open", ".."), bench.a.path()), ".. of a volume's root")
    names = {entry.name: entry.stat(follow_symlinks=False) for entry in os.scandir(bench.a.path())}
    expect(all(stat.S_ISDIR(names[name].st_mode) for name in ("open", "open2", "proj")), "look like directories")
    before = os.stat(bench.a.path("open2")).st_ino
    os.listdir(bench.a.path("open2"))
    expect(os.stat(bench.a.path("open2")).st_ino == before, "the inode number stays after crossing")


@check("Private volumes refuse an anonymous user")
def private_volumes(bench):
    expect_error(errno.EACCES, os.listdir, bench.a.path("alice"))
    expect_error(errno.EACCES, open, bench.a.path("alice", "x"), "w")


@check("Unknown cells and names fail fast and plainly", timeout=40)
def unknown_cell(bench):
    absent = (errno.ENOENT, errno.ENODEV)
    # The namespace has no name server: of a name that only DNS could know it can be said that nobody answers.
    unanswered = (*absent, errno.EHOSTUNREACH, errno.ETIMEDOUT)
    for name, wanted in (("no-such-cell.invalid", unanswered), ("nosuch", absent)):
        try:
            os.listdir(f"{bench.a.root}/{name}")
        except OSError as error:
            expect(error.errno in wanted, f"{name}: {error.strerror}")
        else:
            raise AssertionError("an unknown cell could be listed")
    expect(os.path.isdir(bench.a.path("open")), "the mount goes on working")


