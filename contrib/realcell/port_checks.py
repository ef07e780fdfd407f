"""The tools of AFS administrators against our callback port."""

import os
import re
import subprocess

from bench import CELL, in_namespace, run
from harness import check, expect

ADDRESS = "10.248.0.101"


def tool(*command):
    return run(*in_namespace("afsfuse-client", "timeout", "30", *command), timeout=40).stdout


def port(bench):
    for mount in bench.a.status():
        if mount["mountPoint"] == bench.a.root:
            return str(mount["callbackPort"])
    raise AssertionError("no status")


@check("cmdebug lists our vnodes, cells, interfaces and cache", timeout=120)
def cmdebug(bench):
    work = bench.work("cmdebug")
    with open(f"{work}/file", "w") as file:
        file.write("x" * 12345)
    held = open(f"{work}/file", "r+")
    os.listdir(bench.a.path("odd"))
    number = os.stat(f"{work}/file").st_ino
    debug = ["cmdebug", "-servers", ADDRESS, "-port", port(bench)]
    text = tool(*debug, "-long")
    expect("Proc " not in text and "failed" not in text and "error" not in text, text[:2000])
    entries = re.findall(r"\*\* Cache entry @ 0x\w+ for \d+\.(\d+\.\d+\.\d+) \[(\S+)\]\n +(\d+) bytes.*\n.*\n +(\d+) opens", text)
    expect({cell for _, cell, _, _ in entries} == {CELL}, str(entries[:5]))
    expect(len(set(fid for fid, *_ in entries)) == len(entries) > 10, f"{len(entries)} entries")
    expect(any(size == "12345" and opens == "1" for _, _, size, opens in entries), f"our open file ({number}) is missing")
    expect("mount point" in text and "volume root" in text and "stat'd" in text and "read-only" in text, "states")
    expect(tool(*debug) == "", "something is locked, or looks so")
    expect("expires" in tool(*debug, "-callbacks", "-ctime"), "callbacks")
    cells = tool(*debug, "-cellservdb")
    expect(f">{CELL}" in cells and "10.248.0.11" in cells and "0.0.0.0" not in cells, cells)
    addresses = tool(*debug, "-addrs")
    expect(f"{ADDRESS}, netmask" in addresses and "UUID: " in addresses and "Error Translation" in addresses, addresses)
    expect("Cache size:" in tool(*debug, "-cache"), "cache")
    held.close()


@check("xstat_cm_test reads our statistics: cells, cache, calls to fileservers with their times", timeout=60)
def xstat(bench):
    mount = bench.mount("xstat")
    # The tool knows no other port than 7001: the mount that has it must be the only one here.
    bench.a.stop()
    mount.start()
    os.listdir(mount.path("open"))
    text = tool("xstat_cm_test", "-cmname", ADDRESS, "-collID", "2", "-onceonly")
    expect("mismatch" not in text and "failed" not in text, text[:2000])
    calls = re.search(r"FetchData: (\d+) ops \((\d+) OK\); sum=([\d.]+), sqr=[\d.]+, min=([\d.]+), max=([\d.]+)", text)
    expect(calls and int(calls[1]) > 0 and 0 < float(calls[4]) <= float(calls[5]) <= float(calls[3]), text[:3000])
    expect(re.search(r"[1-9]\d*\s+numCellsContacted", text) and re.search(r"[1-9]\d*\s+srvRecords", text), text[:3000])
    expect("AFSCB_XSTATSCOLL_CALL_INFO" in tool("xstat_cm_test", "-cmname", ADDRESS, "-collID", "0", "-onceonly"), "calls")
    mount.stop()
