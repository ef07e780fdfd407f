#!/usr/bin/env python3
"""Compose an AFS volume dump from nothing, for `vos restore`.

A test cell needs volumes whose ACLs, mount points and files are there before any client can log in. A dump carries
all of that, so this script writes one: a root directory with an ACL, subdirectories, files, symbolic links and mount
points. Only the standard library is used.

    voldump.py write --name root.cell --acl system:anyuser=rl --mount open=#open. --file README=text > dump
    voldump.py check                    builds samples and reads them back through an independent reader

The format (tags, magic numbers, the directory object's pages, blobs and hash chains) is that of OpenAFS's volume
server and directory package; facts of layout only.
"""

import argparse
import struct
import sys
import time

# Dump sections and magic numbers (OpenAFS volser/dump.h).
SECTION_DUMP_HEADER, SECTION_VOLUME_HEADER, SECTION_VNODE, SECTION_END = 1, 2, 3, 4
SECTION_MAX = 20
MAGIC_BEGIN, MAGIC_END, DUMP_VERSION = 0xB3A11322, 0x3A214B6E, 1

# Vnode types (vol/vnode.h). Directories have odd vnode numbers, all others even ones.
TYPE_FILE, TYPE_DIRECTORY, TYPE_SYMLINK = 1, 2, 3
MODE_MOUNT_POINT = 0o644  # a symlink vnode without execute bits is a mount point
MODE_SYMLINK = 0o755

# The directory object (dir/dir.h): 2 KiB pages of 64 blobs of 32 bytes; the first page spends 13 blobs on its header.
PAGE_BYTES, BLOB_BYTES, BLOBS_PER_PAGE = 2048, 32, 64
HASH_BUCKETS, HEADER_BLOBS, MAPPED_PAGES = 128, 13, 128
PAGES_MAX = 1023
PAGE_TAG = 1234

# The ACL in a directory's vnode (vol/vnode.h: 256-byte vnodes with 64 bytes of fixed fields).
ACL_BYTES, ACL_VERSION = 192, 1
RIGHTS = {"r": 1, "w": 2, "i": 4, "l": 8, "d": 16, "k": 32, "a": 64}
WELL_KNOWN_IDS = {"system:administrators": -204, "system:anyuser": -101, "system:authuser": -102}


class Node:
    """One vnode: its number, uniquifier and content, and for a directory its children by name."""

    def __init__(self, vnode, kind, mode, owner, parent, content=b""):
        self.vnode, self.uniquifier, self.kind, self.mode = vnode, vnode, kind, mode
        self.owner, self.parent, self.content, self.children = owner, parent, content, {}


class Volume:
    """A tree of nodes under a root directory, and the ACL which every directory in it gets."""

    def __init__(self, name, acl, owner=0, quota=0):
        self.name, self.acl, self.owner, self.quota = name, acl, owner, quota
        self.last_directory, self.last_file = 1, 0
        self.root = Node(1, TYPE_DIRECTORY, 0o755, owner, None)
        self.nodes = [self.root]

    def directory(self, path):
        node = self.root
        for name in [part for part in path.split("/") if part]:
            if name not in node.children:
                self.last_directory += 2
                node.children[name] = Node(self.last_directory, TYPE_DIRECTORY, 0o755, self.owner, node)
                self.nodes.append(node.children[name])
            node = node.children[name]
            if node.kind != TYPE_DIRECTORY:
                raise ValueError(f"{path}: {name} is not a directory")
        return node

    def add(self, path, kind, mode, content):
        folder, _, name = path.rpartition("/")
        parent = self.directory(folder)
        if not name or len(name.encode()) > 255 or name in parent.children:
            raise ValueError(f"bad or repeated name: {path!r}")
        self.last_file += 2
        parent.children[name] = Node(self.last_file, kind, mode, self.owner, parent, content)
        self.nodes.append(parent.children[name])


def name_hash(name):
    """The bucket of a name: base 173 in 32 bits, negative values folded (dir/dir.c)."""
    value = 0
    for byte in name:
        value = (value * 173 + byte) & 0xFFFFFFFF
    bucket = value % HASH_BUCKETS
    return HASH_BUCKETS - bucket if bucket and value >= 1 << 31 else bucket


def blobs_of(name):
    """How many 32-byte blobs an entry takes: 12 bytes of fields, then the name and its zero byte."""
    return 1 + (len(name) + 1 + 15) // 32


def directory_object(node):
    entries = [(b".", node), (b"..", node.parent or node)]
    entries += [(name.encode(), child) for name, child in node.children.items()]
    pages, used, heads, spare = [bytearray(PAGE_BYTES)], [HEADER_BLOBS], [0] * HASH_BUCKETS, []
    for name, child in entries:
        count = blobs_of(name)
        if used[-1] + count > BLOBS_PER_PAGE:
            pages.append(bytearray(PAGE_BYTES))
            used.append(1)
        if len(pages) > PAGES_MAX:
            raise ValueError("directory is full")
        page, blob = len(pages) - 1, used[-1]
        bucket = name_hash(name)
        entry = struct.pack(">BBHII", 1, 0, heads[bucket], child.vnode, child.uniquifier) + name + b"\0"
        pages[page][blob * BLOB_BYTES:blob * BLOB_BYTES + len(entry)] = entry
        heads[bucket] = page * BLOBS_PER_PAGE + blob
        used[page] += count
    for page, count in enumerate(used):
        bitmap = ((1 << count) - 1).to_bytes(BLOBS_PER_PAGE // 8, "little")
        free = (BLOBS_PER_PAGE - (HEADER_BLOBS if page == 0 else 1))
        pages[page][0:5 + len(bitmap)] = struct.pack(">HHB", len(pages) if page == 0 else 0, PAGE_TAG, free) + bitmap
    free_map = [BLOBS_PER_PAGE - count for count in used[:MAPPED_PAGES]]
    free_map += [BLOBS_PER_PAGE] * (MAPPED_PAGES - len(free_map))
    pages[0][32:32 + MAPPED_PAGES] = bytes(free_map)
    pages[0][32 + MAPPED_PAGES:32 + MAPPED_PAGES + 2 * HASH_BUCKETS] = struct.pack(f">{HASH_BUCKETS}H", *heads)
    return b"".join(pages)


def acl_object(acl):
    entries = b"".join(struct.pack(">iI", who, rights) for who, rights in acl)
    size = 20 + len(entries)
    if size > ACL_BYTES:
        raise ValueError("too many ACL entries")
    return (struct.pack(">IIIII", size, ACL_VERSION, len(acl), len(acl), 0) + entries).ljust(ACL_BYTES, b"\0")


def u32(tag, value):
    return tag.encode() + struct.pack(">I", value & 0xFFFFFFFF)


def u16(tag, value):
    return tag.encode() + struct.pack(">H", value)


def text(tag, value):
    return tag.encode() + value.encode() + b"\0"


def write_dump(volume, now):
    """The whole dump. Volume ids are placeholders: `vos restore` puts in those it allots."""
    contents = {node.vnode: directory_object(node) if node.kind == TYPE_DIRECTORY else node.content
                for node in volume.nodes}
    kibibytes = sum((len(content) + 1023) // 1024 for content in contents.values())
    top = max(node.uniquifier for node in volume.nodes) + 1
    out = [bytes([SECTION_DUMP_HEADER]), struct.pack(">II", MAGIC_BEGIN, DUMP_VERSION),
           u32("v", 1), text("n", volume.name), u16("t", 2), struct.pack(">II", 0, now),
           bytes([SECTION_VOLUME_HEADER]), u32("i", 1), u32("v", 1), text("n", volume.name),
           b"s\1", b"b\1", u32("u", top), b"t\0", u32("p", 1), u32("c", 0), u32("q", volume.quota), u32("m", 0),
           u32("d", kibibytes), u32("f", len(volume.nodes)), u32("a", 0), u32("o", volume.owner),
           u32("C", now), u32("A", now), u32("U", now), u32("E", 0), u32("B", 0), text("O", ""), text("M", "")]
    for node in sorted(volume.nodes, key=lambda node: (node.kind != TYPE_DIRECTORY, node.vnode)):
        subdirectories = sum(child.kind == TYPE_DIRECTORY for child in node.children.values())
        links = 2 + subdirectories if node.kind == TYPE_DIRECTORY else 1
        out += [bytes([SECTION_VNODE]), struct.pack(">II", node.vnode, node.uniquifier), b"t" + bytes([node.kind]),
                u16("l", links), u32("v", 1), u32("m", now), u32("a", node.owner), u32("o", node.owner),
                u16("b", node.mode), u32("p", node.parent.vnode if node.parent else 0), u32("s", now)]
        if node.kind == TYPE_DIRECTORY:
            out.append(b"A" + acl_object(volume.acl))
        out += [u32("f", len(contents[node.vnode])), contents[node.vnode]]
    out += [bytes([SECTION_END]), struct.pack(">I", MAGIC_END)]
    return b"".join(out)


class Reader:
    """Reads a dump back, by the tags alone; shares no code with the writer."""

    FIXED = {SECTION_DUMP_HEADER: {"v": 4, "n": "s", "t": "a"},
             SECTION_VOLUME_HEADER: {**dict.fromkeys("ivupcqmdfaoCAUEBDZ", 4), **dict.fromkeys("sbt", 1),
                                     **dict.fromkeys("nOM", "s"), "W": "a"},
             SECTION_VNODE: {**dict.fromkeys("vmaogps", 4), "t": 1, "l": 2, "b": 2, "A": ACL_BYTES, "f": "f"}}

    def __init__(self, data):
        self.data, self.at, self.header, self.volume, self.vnodes = data, 0, {}, {}, {}
        self.read()

    def take(self, count):
        chunk = self.data[self.at:self.at + count]
        if len(chunk) != count:
            raise ValueError("dump is truncated")
        self.at += count
        return chunk

    def number(self, count=4):
        return int.from_bytes(self.take(count), "big")

    def read(self):
        while True:
            section = self.number(1)
            if section == SECTION_DUMP_HEADER:
                assert (self.number(), self.number()) == (MAGIC_BEGIN, DUMP_VERSION), "bad dump header"
                self.header = self.fields(section)
            elif section == SECTION_VOLUME_HEADER:
                self.volume = self.fields(section)
            elif section == SECTION_VNODE:
                vnode = self.number()
                self.vnodes[vnode] = {"unique": self.number(), **self.fields(section)}
            else:
                assert section == SECTION_END and self.number() == MAGIC_END, f"bad section {section}"
                assert self.at == len(self.data), "bytes after the end"
                return

    def fields(self, section):
        found = {}
        while self.data[self.at] > SECTION_MAX:
            tag = chr(self.number(1))
            kind = self.FIXED[section][tag]
            if kind == "s":
                end = self.data.index(b"\0", self.at)
                found[tag] = self.take(end - self.at + 1)[:-1].decode()
            elif kind == "a":
                found[tag] = [self.number() for _ in range(self.number(2))]
            elif kind == "f":
                found[tag] = self.take(self.number())
            else:
                found[tag] = self.take(kind) if kind > 4 else self.number(kind)
        return found

    def lookup(self, directory, name):
        data = self.vnodes[directory]["f"]
        value = 0
        for byte in name.encode():
            value = (value * 173 + byte) % 2 ** 32
        signed = value - 2 ** 32 if value >= 2 ** 31 else value
        bucket = signed % 128 if signed >= 0 else (128 - (value & 127)) % 128
        blob = int.from_bytes(data[160 + 2 * bucket:162 + 2 * bucket], "big")
        while blob:
            flag, _, follower, vnode, unique = struct.unpack_from(">BBHII", data, blob * 32)
            assert flag == 1, "entry without its flag"
            if data[blob * 32 + 12:data.index(b"\0", blob * 32 + 12)] == name.encode():
                return vnode, unique
            blob = follower
        return None


def check():
    """Writes volumes of several shapes and reads them back; prints one line, raises on a difference."""
    names = [f"{'n' * (i % 250)}{i}" for i in range(3000)] + ["ü" * 127, "x" * 255, ".open", "a b"]
    volume = Volume("sample", [(-204, 127), (-101, 9)], owner=7, quota=5000)
    for index, name in enumerate(names):
        volume.add(f"big/{name}", TYPE_FILE, 0o644, str(index).encode())
    volume.add("mount", TYPE_SYMLINK, MODE_MOUNT_POINT, b"#open.")
    volume.add("a/b/link", TYPE_SYMLINK, MODE_SYMLINK, b"../x")
    dump = Reader(write_dump(volume, 1_000_000))
    assert dump.volume["q"] == 5000 and dump.volume["n"] == "sample" and dump.volume["u"] > max(dump.vnodes)
    big = dump.lookup(1, "big")[0]
    for index, name in enumerate(names):
        vnode, unique = dump.lookup(big, name)
        assert vnode % 2 == 0 and dump.vnodes[vnode]["unique"] == unique
        assert dump.vnodes[vnode]["f"] == str(index).encode() and dump.vnodes[vnode]["p"] == big
    assert dump.lookup(big, "absent") is None and dump.lookup(big, "..")[0] == 1
    assert dump.vnodes[1]["l"] == 4 and dump.lookup(1, "..")[0] == 1
    directory = dump.lookup(dump.lookup(1, "a")[0], "b")[0]
    assert dump.vnodes[dump.lookup(directory, "link")[0]]["f"] == b"../x"
    assert dump.vnodes[dump.lookup(1, "mount")[0]]["b"] == 0o644
    assert dump.vnodes[1]["A"][:36] == struct.pack(">5IiIiI", 36, 1, 2, 2, 0, -204, 127, -101, 9)
    pages = dump.vnodes[big]["f"]
    assert len(pages) % 2048 == 0 and int.from_bytes(pages[:2], "big") == len(pages) // 2048 > 128
    for page in range(len(pages) // 2048):
        used = bin(int.from_bytes(pages[page * 2048 + 5:page * 2048 + 13], "little")).count("1")
        assert pages[page * 2048 + 2:page * 2048 + 4] == b"\x04\xd2"
        assert page >= 128 or pages[32 + page] == 64 - used
    print(f"voldump: a dump of {len(dump.vnodes)} vnodes reads back as written")


def acl_entry(argument):
    """`WHO=RIGHTS`, WHO a system group or a number, RIGHTS letters of rlidwka or `all`."""
    who, _, rights = argument.rpartition("=")
    letters = "rlidwka" if rights == "all" else rights
    try:
        number = WELL_KNOWN_IDS[who] if who in WELL_KNOWN_IDS else int(who)
        return number, sum(RIGHTS[letter] for letter in set(letters))
    except (KeyError, ValueError):
        raise argparse.ArgumentTypeError(f"not an ACL entry: {argument}")


def pair(argument):
    path, separator, value = argument.partition("=")
    if not separator or not path:
        raise argparse.ArgumentTypeError(f"not PATH=VALUE: {argument}")
    return path, value


def main():
    parser = argparse.ArgumentParser(description="Compose an AFS volume dump for vos restore.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("check", help="write samples, read them back")
    write = commands.add_parser("write", help="write a dump to standard output")
    write.add_argument("--name", required=True)
    write.add_argument("--owner", type=int, default=0, help="id of the owner of everything in it")
    write.add_argument("--quota", type=int, default=0, help="KiB; 0 is no limit")
    write.add_argument("--acl", type=acl_entry, action="append", default=[], metavar="WHO=RIGHTS")
    write.add_argument("--directory", action="append", default=[], metavar="PATH")
    write.add_argument("--file", type=pair, action="append", default=[], metavar="PATH=TEXT")
    write.add_argument("--symlink", type=pair, action="append", default=[], metavar="PATH=TARGET")
    write.add_argument("--mount", type=pair, action="append", default=[], metavar="PATH=#VOLUME.")
    arguments = parser.parse_args()
    if arguments.command == "check":
        return check()
    acl = [(WELL_KNOWN_IDS["system:administrators"], 127)] + arguments.acl
    volume = Volume(arguments.name, acl, arguments.owner, arguments.quota)
    for path in arguments.directory:
        volume.directory(path)
    for path, content in arguments.file:
        volume.add(path, TYPE_FILE, 0o644, (content + "\n").encode())
    for path, target in arguments.symlink:
        volume.add(path, TYPE_SYMLINK, MODE_SYMLINK, target.encode())
    for path, target in arguments.mount:
        volume.add(path, TYPE_SYMLINK, MODE_MOUNT_POINT, target.encode())
    sys.stdout.buffer.write(write_dump(volume, int(time.time())))


if __name__ == "__main__":
    main()
