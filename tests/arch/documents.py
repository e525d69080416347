#!/usr/bin/env python3
"""Paths that documents name in backticks, and links to files, exist. Usage: documents.py ROOT

Taken for a path is what starts like one: `libpod/…` with a name of the top level or of the document's own folder in front,
`<libpod/x.hpp>`, or a bare file name with the ending of a source. Patterns with `*` and `{a,b}` must match something."""

import itertools
import re
import sys
from pathlib import Path

from report import finish
from tree import files_of

CODE = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\]\(([^)#\s]+)[^)]*\)")
PATH = re.compile(r"\.?[A-Za-z0-9_][A-Za-z0-9_.@+-]*(/[A-Za-z0-9_.@+*{},-]+)+/?")
BARE = re.compile(r"[A-Za-z0-9_-]+\.(cpp|hpp|py|md|build)")
BRACES = re.compile(r"\{([^{}]*)\}")


def documents(root: Path):
    fixed = [root / "README.md", root / "libpod/README.md", root / "libpod/FORMATS.md", root / "libpod/SECURITY.md"]
    return [path for path in [*fixed, *sorted(root.glob("libpod/*/README.md")), *sorted(root.glob("tools/*/*.md")),
                              *sorted(root.glob("tests/*/README.md")), *sorted(root.glob("examples/**/README.md"))]
            if path.is_file()]


def expand(pattern: str):
    match = BRACES.search(pattern)
    if not match:
        return [pattern]
    heads = [pattern[:match.start()] + choice + pattern[match.end():] for choice in match[1].split(",")]
    return list(itertools.chain.from_iterable(expand(head) for head in heads))


def exists(folder: Path, path: str) -> bool:
    return any(folder.glob(path.rstrip("/"))) if "*" in path else (folder / path).exists()


def check(root: Path) -> list[str]:
    findings = []
    names = {path.name for path in files_of(root)}
    top = {path.name for path in root.iterdir()} - {"build", ".git"}
    for document in documents(root):
        text = document.read_text(encoding="utf-8")
        own = {path.name for path in document.parent.iterdir()}

        def missing(token: str) -> bool:
            token = token.split()[0] if token.split() else ""
            if token.startswith("<libpod/") and token.endswith(">"):
                return not (root / "libpod/include" / token[1:-1]).exists()
            if PATH.fullmatch(token):
                first = token.split("/")[0]
                if first in top or first in own:
                    return not all(exists(root, path) or exists(document.parent, path) for path in expand(token))
                return False
            return BARE.fullmatch(token) is not None and token not in names

        for number, line in enumerate(text.splitlines(), 1):
            for token in CODE.findall(line):
                if missing(token):
                    findings.append(f"{document.relative_to(root)}:{number}: `{token}` does not exist")
            for link in LINK.findall(line):
                if "://" not in link and not link.startswith("mailto:") and not (document.parent / link).exists():
                    findings.append(f"{document.relative_to(root)}:{number}: the link to {link} leads nowhere")
    return findings


if __name__ == "__main__":
    finish(check(Path(sys.argv[1]).resolve()))
