#!/usr/bin/env python3
"""The shared library exports pod:: and nothing else. Usage: symbols.py LIBRARY"""

import re
import subprocess
import sys

from report import finish

# A template's name starts with what it returns, so this also lets through templates of std over our types.
OURS = re.compile(r"(pod::|(vtable|typeinfo|typeinfo name|guard variable|VTT|construction vtable) for pod::"
                  r"|(non-virtual|virtual) thunk to pod::)")


def check_names(listing: str) -> list[str]:
    """`listing` is the output of nm -DC --defined-only: value, kind, name."""
    findings = []
    exported = 0
    for line in listing.splitlines():
        match = re.fullmatch(r"[0-9a-f]* *([A-Za-z]) (.*)", line.strip())
        if not match:
            continue
        exported += 1
        if not OURS.match(match[2]):
            findings.append(f"exported: {match[2]}")
    if exported == 0:
        findings.append("nothing is exported")
    return findings


def check(library: str) -> list[str]:
    listing = subprocess.run(["nm", "-DC", "--defined-only", library], check=True, capture_output=True, text=True).stdout
    return check_names(listing)


if __name__ == "__main__":
    finish(check(sys.argv[1]))
