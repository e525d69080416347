#!/usr/bin/env python3
"""Every room has a README of under twenty lines and a build file, every folder is a room, no name says nothing.

Usage: rooms.py ROOT"""

import sys
from pathlib import Path

from layers import read_layers
from report import finish
from tree import files_of

README_LIMIT = 20
EMPTY_NAMES = {"util", "utils", "common", "helper", "helpers", "misc", "manager"}


def check(root: Path) -> list[str]:
    libpod = root / "libpod"
    rooms = read_layers(libpod / "layers.txt")
    findings = []
    for room in rooms:
        readme = libpod / room / "README.md"
        if not readme.is_file():
            findings.append(f"libpod/{room}: no README.md")
        elif (lines := len(readme.read_text(encoding="utf-8").splitlines())) >= README_LIMIT:
            findings.append(f"libpod/{room}/README.md: {lines} lines, where fewer than {README_LIMIT} are wanted")
        if not (libpod / room / "meson.build").is_file():
            findings.append(f"libpod/{room}: no meson.build")
    for folder in sorted(path.name for path in libpod.iterdir() if path.is_dir()):
        if folder not in rooms and folder not in ("include", "__pycache__"):
            findings.append(f"libpod/{folder}: not a room of layers.txt")
    for path in files_of(root):
        parts = path.relative_to(root).parts
        if any(Path(part).stem.lower() in EMPTY_NAMES for part in parts):
            findings.append(f"{path.relative_to(root)}: a name that says nothing of what is inside")
    return findings


if __name__ == "__main__":
    finish(check(Path(sys.argv[1]).resolve()))
