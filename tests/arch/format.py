#!/usr/bin/env python3
"""C++ files stand as clang-format writes them; Debian's version 14, since versions differ. Usage: format.py [ROOT]; without
ROOT the tree that this script lies in."""

import re
import subprocess
import sys
from pathlib import Path

from report import finish
from tree import files_of

COMMAND = "clang-format-14"


def check(root: Path) -> list[str]:
    files = [path.relative_to(root) for path in files_of(root) if path.suffix in {".cpp", ".hpp"}]
    if not files:
        return []
    done = subprocess.run([COMMAND, "--dry-run", "--ferror-limit=1", *files], cwd=root, capture_output=True, text=True)
    if done.returncode:
        return [done.stderr.strip()]
    found = dict.fromkeys(re.findall(r"^(.+?):\d+:\d+: ", done.stderr, re.MULTILINE))
    return [f"{path}: not as {COMMAND} -i writes it" for path in found]


if __name__ == "__main__":
    finish(check(Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parents[2]).resolve()))
