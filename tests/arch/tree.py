"""The files of the project: what is committed or could be, not what was built."""

import os
from pathlib import Path

BUILT = {".git", "build", "__pycache__", ".pytest_cache", ".venv", ".podgit"}


def files_of(root: Path):
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(name for name in folders if name not in BUILT and not name.endswith(".egg-info"))
        for name in sorted(files):
            yield Path(folder, name)
