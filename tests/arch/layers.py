#!/usr/bin/env python3
"""Names every include that breaks libpod/layers.txt. Usage: layers.py ROOT"""

import re
import sys
from dataclasses import dataclass
from pathlib import Path

from report import finish

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)
SOURCES = {".cpp", ".hpp", ".h", ".cc"}

# C++20 and the C headers it has in the form <c…>; everything else without a dot in its name is unknown.
STANDARD = set("""
algorithm any array atomic barrier bit bitset charconv chrono codecvt compare complex concepts condition_variable coroutine
deque exception execution filesystem format forward_list fstream functional future initializer_list iomanip ios iosfwd
iostream istream iterator latch limits list locale map memory memory_resource mutex new numbers numeric optional ostream
queue random ranges ratio regex scoped_allocator semaphore set shared_mutex source_location span sstream stack stdexcept
stop_token streambuf string string_view syncstream system_error thread tuple type_traits typeindex typeinfo unordered_map
unordered_set utility valarray variant vector version cassert cctype cerrno cfenv cfloat cinttypes climits clocale cmath
csetjmp csignal cstdarg cstddef cstdint cstdio cstdlib cstring ctime cuchar cwchar cwctype cxxabi.h
""".split())

# POSIX and Linux.
SYSTEM = set("""
dirent.h dlfcn.h endian.h errno.h fcntl.h fnmatch.h glob.h grp.h limits.h locale.h netdb.h poll.h pthread.h pwd.h sched.h
signal.h spawn.h stdlib.h string.h strings.h syslog.h termios.h time.h unistd.h
""".split())
SYSTEM_FOLDERS = ("sys/", "linux/", "net/", "netinet/", "arpa/")


@dataclass
class Room:
    may_use: set[str]
    home_of: list[str]


def read_layers(path: Path) -> dict[str, Room]:
    rooms = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("#") or not line.strip():
            continue
        name, may_use, home_of = (part.strip() for part in line.split("|"))
        for below in may_use.split():
            if below not in rooms:
                raise SystemExit(f"{path}: room {name} may use {below}, which does not stand above it")
        rooms[name] = Room(set(may_use.split()), home_of.split())
    return rooms


def matches(header: str, prefixes: list[str]) -> bool:
    return any(header == prefix or (prefix.endswith("/") and header.startswith(prefix)) for prefix in prefixes)


def is_system(header: str) -> bool:
    return header in STANDARD or header in SYSTEM or header.startswith(SYSTEM_FOLDERS)


def home_of(header: str, rooms: dict[str, Room]) -> str | None:
    return next((name for name, room in rooms.items() if matches(header, room.home_of)), None)


def check_quoted(room: str, header: str, rooms: dict[str, Room]) -> str | None:
    target = header.split("/")[0]
    if target not in rooms or "/" not in header:
        return f'"{header}" is not written "room/header.hpp"'
    if target != room and target not in rooms[room].may_use:
        return f'room {room} may not use room {target} ("{header}")'
    return None


def check_angled(room: str, header: str, is_header: bool, rooms: dict[str, Room]) -> str | None:
    if is_system(header) or header.startswith("libpod/"):
        return None
    if header.startswith("fmt/"):
        return f"<{header}> in a header: fmt is for .cpp files" if is_header else None
    home = home_of(header, rooms)
    if home is None:
        return f"<{header}> has no home in layers.txt"
    if home != room and not (home == "json" and "json" in rooms[room].may_use):
        return f"<{header}> outside its home {home}"
    return None


def includes_of(path: Path):
    text = path.read_text(encoding="utf-8", errors="replace")
    for match in INCLUDE.finditer(text):
        yield text.count("\n", 0, match.start(2)) + 1, match[1], match[2]


def sources_below(folder: Path):
    return sorted(path for path in folder.rglob("*") if path.suffix in SOURCES) if folder.is_dir() else []


def check(root: Path) -> list[str]:
    rooms = read_layers(root / "libpod/layers.txt")
    findings = []

    def found(path: Path, line: int, message: str | None) -> None:
        if message:
            findings.append(f"{path.relative_to(root)}:{line}: {message}")

    for room in rooms:
        for path in sources_below(root / "libpod" / room):
            for line, kind, header in includes_of(path):
                if kind == '"':
                    found(path, line, check_quoted(room, header, rooms))
                else:
                    found(path, line, check_angled(room, header, path.suffix != ".cpp", rooms))
    for path in sources_below(root / "libpod/include"):
        for line, kind, header in includes_of(path):
            if kind == '"' or not (is_system(header) or header.startswith("libpod/")):
                found(path, line, f"a public header includes {header}")
    for tool in ("podgit", "git-remote-pod"):
        folder = root / "tools" / tool
        for path in sources_below(folder):
            for line, kind, header in includes_of(path):
                own = (folder / header).exists() or (path.parent / header).exists()
                if header.split("/")[0] in rooms and "/" in header and not own:
                    found(path, line, f"{tool} reaches into a room of libpod ({header})")
    return findings


if __name__ == "__main__":
    finish(check(Path(sys.argv[1]).resolve()))
