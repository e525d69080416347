#!/usr/bin/env python3
"""The project speaks of itself alone: no file names places of the machine it was written on. Usage: words.py ROOT"""

import re
import sys
from pathlib import Path

from report import finish
from tree import files_of

# Put together here, so that this file does not hold them. An absolute path starts where no other path goes on.
FORBIDDEN = ["/" + "work/", "../" + "shared"]
PATTERNS = {word: re.compile(rb"(?<![\w>}.~-])" + re.escape(word.encode())) for word in FORBIDDEN}
BINARY = {".zip", ".zst", ".png", ".gz", ".pack", ".idx", ".state", ".so"}


def check(root: Path) -> list[str]:
    findings = []
    for path in files_of(root):
        shown = path.relative_to(root)
        if path.suffix in BINARY or path.is_symlink():
            continue
        for number, line in enumerate(path.read_bytes().splitlines(), 1):
            for word, pattern in PATTERNS.items():
                if pattern.search(line):
                    findings.append(f"{shown}:{number}: {word!r}")
    return findings


if __name__ == "__main__":
    finish(check(Path(sys.argv[1]).resolve()))
