"""Checks on real mounts: registration, a process and a time limit for each, one closing summary."""

import dataclasses
import fnmatch
import os
import signal
import sys
import time
import traceback
from typing import Callable

CHECKS: list["Check"] = []


@dataclasses.dataclass
class Check:
    sentence: str
    function: Callable
    timeout: float


def check(sentence: str, timeout: float = 60):
    """Registers a check. It passes when the function returns, and gets the `Bench` as its argument."""

    def register(function):
        CHECKS.append(Check(sentence, function, timeout))
        return function

    return register


def expect(condition, message: str):
    if not condition:
        raise AssertionError(message)


def comes_true(condition: Callable, seconds: float = 10) -> bool:
    """Asks until the condition holds, or the time is over."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def expect_error(errno_wanted: int, function, *arguments, **keywords):
    """The call must fail with this errno."""
    try:
        function(*arguments, **keywords)
    except OSError as error:
        expect(
            error.errno == errno_wanted,
            f"expected {os.strerror(errno_wanted)}, got {error.strerror}",
        )
        return
    raise AssertionError(f"expected {os.strerror(errno_wanted)}, but the call succeeded")


def run_in_child(item: Check, bench) -> tuple[bool, str]:
    """A check runs in a child of its own session: if it hangs it is killed with all it started."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reader)
        os.setsid()
        try:
            item.function(bench)
            os._exit(0)
        except BaseException:
            os.write(writer, traceback.format_exc().encode()[-8000:])
            os._exit(1)
    os.close(writer)
    deadline = time.monotonic() + item.timeout
    while True:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            break
        if time.monotonic() > deadline:
            os.killpg(pid, signal.SIGKILL)
            bench.break_hang()
            os.waitpid(pid, 0)
            os.close(reader)
            return False, f"no end after {item.timeout:.0f} s"
        time.sleep(0.01)
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    with os.fdopen(reader) as report:
        text = report.read()
    return status == 0, text


def run_all(bench, patterns: list[str]) -> int:
    selected = [
        c for c in CHECKS if not patterns or any(fnmatch.fnmatch(c.function.__name__, p) for p in patterns)
    ]
    failed = []
    for item in selected:
        bench.before_check()
        started = time.monotonic()
        passed, text = run_in_child(item, bench)
        seconds = time.monotonic() - started
        print(f"{'ok    ' if passed else 'FAILED'} {item.sentence} ({item.function.__name__}, {seconds:.1f} s)", flush=True)
        if not passed:
            failed.append(item)
            print("       " + text.strip().replace("\n", "\n       "), flush=True)
    for item in failed:
        print(f"failed: {item.sentence} ({item.function.__name__})")
    print(f"{len(selected) - len(failed)} passed, {len(failed)} failed")
    return 1 if failed or not selected else 0


def log(text: str):
    print(text, file=sys.stderr, flush=True)
