#!/usr/bin/env python3
"""The project speaks of itself alone: no file names places of the machine it was written on. Usage: words.py ROOT"""

import sys
from pathlib import Path

from report import finish
from tree import files_of

# Put together here, so that this file does not hold them.
FORBIDDEN = ["/" + "work/", "../" + "shared"]
BINARY = {".zip", ".zst", ".png", ".gz", ".pack", ".idx", ".state", ".so"}


def check(root: Path) -> list[str]:
    findings = []
    for path in files_of(root):
        shown = path.relative_to(root)
        for word in FORBIDDEN:
            if word in f"/{shown}":
                findings.append(f"{shown}: its name holds {word!r}")
        if path.suffix in BINARY or path.is_symlink():
            continue
        for number, line in enumerate(path.read_bytes().splitlines(), 1):
            for word in FORBIDDEN:
                if word.encode() in line:
                    findings.append(f"{shown}:{number}: {word!r}")
    return findings


if __name__ == "__main__":
    finish(check(Path(sys.argv[1]).resolve()))
