"""A source tree which is the same on every machine: text files of many sizes, some binaries, links, scripts."""

import os
import random


def make_tree(root: str, files: int = 3200, seed: int = 1) -> int:
    """Makes `files` files in about one directory per 16 files; returns how many were made."""
    generator = random.Random(seed)
    words = ["".join(generator.choices("abcdefghijklmnopqrstuvwxyz", k=generator.randint(2, 11))) for _ in range(800)]
    directories = [root]
    os.makedirs(root, exist_ok=True)
    for number in range(files // 16):
        parent = generator.choice(directories[-40:])
        path = os.path.join(parent, f"{generator.choice(words)}{number}")
        os.mkdir(path)
        directories.append(path)
    for number in range(files):
        path = os.path.join(generator.choice(directories), f"{generator.choice(words)}{number}.{generator.choice('ch')}")
        size = int(min(400_000, generator.lognormvariate(8.2, 1.4)))
        with open(path, "wb") as output:
            if number % 20 == 7:
                output.write(generator.randbytes(size))
            else:
                text = " ".join(generator.choices(words, k=size // 7 + 1))
                output.write("\n".join(text[i : i + 78] for i in range(0, len(text), 78)).encode())
        if number % 25 == 3:
            os.chmod(path, 0o755)
        if number % 40 == 5:
            os.symlink(os.path.basename(path), path + ".link")
    return files
