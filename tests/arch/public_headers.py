#!/usr/bin/env python3
"""Public headers: at most ten, and each compiles alone. Usage: public_headers.py ROOT COMPILER…"""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from report import finish

LIMIT = 10
FLAGS = ["-std=c++20", "-fsyntax-only", "-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wconversion", "-Werror", "-x", "c++"]


def check(root: Path, compiler: list[str]) -> list[str]:
    include = root / "libpod/include"
    headers = sorted(include.rglob("*.hpp"))
    findings = []
    if len(headers) > LIMIT:
        findings.append(f"{len(headers)} public headers, where {LIMIT} is the limit: " + " ".join(h.name for h in headers))

    def reason_against(header: Path) -> str | None:
        name = header.relative_to(include)
        # Twice, so that a missing guard shows too.
        source = f"#include <{name}>\n#include <{name}>\n"
        result = subprocess.run([*compiler, *FLAGS, "-I", str(include), "-"], input=source, capture_output=True, text=True)
        if result.returncode == 0:
            return None
        return next((line.strip() for line in result.stderr.splitlines() if "error" in line), "the compiler failed")

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for header, reason in zip(headers, pool.map(reason_against, headers)):
            if reason:
                findings.append(f"{header.relative_to(root)}: does not compile alone: {reason}")
    return findings


if __name__ == "__main__":
    finish(check(Path(sys.argv[1]).resolve(), sys.argv[2:]))
