"""Two daemons on two client addresses: what one writes and closes, the other sees."""

import os
import random

from harness import check, expect


@check("1,000 changes of files by either client are seen at the other's next open", timeout=180)
def no_stale_file(bench):
    bench.work("shared")
    roots = [bench.a.path("open/shared"), bench.b.path("open/shared")]
    generator = random.Random(7)
    for change in range(1000):
        writer, reader = (roots if generator.random() < 0.5 else roots[::-1])
        name = f"file{generator.randrange(5)}"
        text = f"{change} " * generator.randrange(1, 3000)
        with open(f"{writer}/{name}", "w") as file:
            file.write(text)
        with open(f"{reader}/{name}") as file:
            seen = file.read()
        expect(seen == text, f"change {change}: read {seen[:20]!r} ({len(seen)}), wrote {text[:20]!r} ({len(text)})")
        expect(os.stat(f"{reader}/{name}").st_size == len(text), f"change {change}: size")


@check("1,000 changes of directories by either client are seen by the other", timeout=180)
def no_stale_directory(bench):
    bench.work("shared-names")
    roots = [bench.a.path("open/shared-names"), bench.b.path("open/shared-names")]
    generator = random.Random(8)
    names = set()
    for change in range(1000):
        writer, reader = (roots if generator.random() < 0.5 else roots[::-1])
        name = f"n{generator.randrange(40)}"
        if name in names:
            if generator.random() < 0.4:
                new = f"r{generator.randrange(40)}"
                os.rename(f"{writer}/{name}", f"{writer}/{new}")
                names.discard(name)
                names.add(new)
            else:
                os.remove(f"{writer}/{name}")
                names.discard(name)
        else:
            open(f"{writer}/{name}", "w").close()
            names.add(name)
        probe = f"n{generator.randrange(40)}"
        expect(os.path.exists(f"{reader}/{probe}") == (probe in names), f"change {change}: existence of {probe}")
        expect(os.path.exists(f"{reader}/{name}") == (name in names), f"change {change}: existence of {name}")
        if change % 5 == 0:
            expect(set(os.listdir(reader)) == names, f"change {change}: listing")
