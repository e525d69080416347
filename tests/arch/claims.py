#!/usr/bin/env python3
"""Claims of libpod/SECURITY.md name a test that exists: a line `file`: "sentence". Usage: claims.py ROOT"""

import re
import sys
from pathlib import Path

from report import finish

CLAIM = re.compile(r'`([^`\n]+)`: "([^"\n]+)"')


def check(root: Path) -> list[str]:
    page = root / "libpod/SECURITY.md"
    findings = []
    count = 0
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
        for path, sentence in CLAIM.findall(line):
            count += 1
            file = root / path
            if not file.is_file() or sentence not in file.read_text(encoding="utf-8"):
                findings.append(f'libpod/SECURITY.md:{number}: no test "{sentence}" in {path}')
    return findings if count else ["libpod/SECURITY.md: names no test"]


if __name__ == "__main__":
    finish(check(Path(sys.argv[1]).resolve()))
