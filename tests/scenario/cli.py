"""podgit as a user runs it: in a pipe or in a terminal of 80 columns, with a private home and nothing else around it.

A transcript shows a command, its standard output, its standard error (each line behind "! "), and its exit code where
that is not 0. What differs between two runs (times, ids, folders) is replaced by a word.
"""

import difflib
import errno
import fcntl
import glob
import json
import os
import pty
import re
import select
import shlex
import signal
import struct
import subprocess
import termios
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
GOLDEN = ROOT / "tests" / "golden" / "cli"


def find_podgit():
    named = os.environ.get("PODGIT")
    if named:
        return named
    built = glob.glob(str(ROOT / "build" / "*" / "tools" / "podgit" / "podgit"))
    return max(built, key=os.path.getmtime, default=None)


class Done:
    def __init__(self, code, out, err=""):
        self.code, self.out, self.err = code, out, err

    def json(self):
        return json.loads(self.out)


class Cli:
    def __init__(self, binary, home):
        self.binary, self.home = str(binary), Path(home)
        self.work = self.home / "demo"
        self.work.mkdir(parents=True, exist_ok=True)
        self.environment = {"PATH": os.environ["PATH"], "HOME": str(self.home), "LANG": "C.UTF-8", "TZ": "UTC",
                            "COLUMNS": "80", "LINES": "24", "TERM": "xterm",
                            "PODGIT_AUTHOR_NAME": "Ada", "PODGIT_AUTHOR_EMAIL": "ada@example.org",
                            # nothing listens here; a test that wants an instance names one
                            "PODGIT_INSTANCE": "http://127.0.0.1:9"}
        for name in ("LD_LIBRARY_PATH", "ASAN_OPTIONS", "TSAN_OPTIONS", "UBSAN_OPTIONS"):
            if name in os.environ:
                self.environment[name] = os.environ[name]

    def env(self, changes=None):
        merged = {**self.environment, **(changes or {})}
        return {name: value for name, value in merged.items() if value is not None}

    def run(self, *arguments, env=None, stdin="", timeout=120, **more):
        done = subprocess.run([self.binary, *map(str, arguments)], env=self.env(env), cwd=self.work, timeout=timeout,
                              input=stdin.encode(), stdout=more.pop("stdout", subprocess.PIPE),
                              stderr=more.pop("stderr", subprocess.PIPE), **more)
        decode = lambda data: (data or b"").decode("utf-8", "surrogateescape")
        return Done(done.returncode, decode(done.stdout), decode(done.stderr))

    def ok(self, *arguments, **more):
        done = self.run(*arguments, **more)
        assert done.code == 0, f"podgit {shlex.join(map(str, arguments))}: {done.code}\n{done.out}\n{done.err}"
        return done

    def terminal(self, *arguments, env=None, keys="", width=80, height=24, timeout=60, program=None):
        """Runs in a pseudo-terminal; `keys` are typed once something was asked. Output and error are one stream."""
        argv = [program or self.binary, *map(str, arguments)]
        environment = self.env({"COLUMNS": None, "LINES": None, **(env or {})})
        pid, master = pty.fork()
        if pid == 0:
            try:
                os.chdir(self.work)
                time.sleep(0.05)  # until the size is set
                os.execvpe(argv[0], argv, environment)
            finally:
                os._exit(127)
        fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))
        seen, end, typed = b"", time.monotonic() + timeout, not keys
        try:
            while time.monotonic() < end:
                if not select.select([master], [], [], 0.2)[0]:
                    continue
                try:
                    more = os.read(master, 65536)
                except OSError as error:
                    if error.errno != errno.EIO:
                        raise
                    break
                if not more:
                    break
                seen += more
                if not typed and seen.rstrip(b" ").endswith((b"[y/N]", b":")):
                    os.write(master, keys.encode())
                    typed = True
            else:
                os.kill(pid, signal.SIGKILL)
        finally:
            status = os.waitpid(pid, 0)[1]
            os.close(master)
        return Done(os.waitstatus_to_exitcode(status), seen.decode("utf-8", "surrogateescape").replace("\r\n", "\n"))


_VOLATILE = [
    (re.compile(r"\b20\d\d-\d\d-\d\d \d?…"), "<date and time>"),  # cut by a narrow terminal
    (re.compile(r"http://127\.0\.0\.1:\d{2,}"), "http://127.0.0.1:<port>"),
    (re.compile(r"\b[0-9a-f]{40}\b"), "<id>"),
    (re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"), "<time>"),
    (re.compile(r"\b\d{4}-\d\d-\d\d \d\d:\d\d\b"), "<date and time>"),
    (re.compile(r"\b(Mon|Tue|Wed|Thu|Fri|Sat|Sun) \w{3} [ \d]\d \d\d:\d\d:\d\d \d{4} [+-]\d{4}"), "<date>"),
    (re.compile(r"\b\d+\.\d s\b"), "<s>"),
    (re.compile(r'"(captureMilliseconds|storeMilliseconds)":\d+'), r'"\1":<ms>'),
    (re.compile(r'("bytesAdded"):\d+'), r"\1:<bytes>"),
    (re.compile(r"\(\d[\d.]* \w+ new\)"), "(<size> new)"),
    (re.compile(r'"who":"[^"]*"'), '"who":"<who>"'),
    (re.compile(r"\d[\d.]* [KMGT]iB free"), "<size> free"),
]


def settled(text, home):
    text = text.replace(str(home), "<home>")
    for pattern, word in _VOLATILE:
        text = pattern.sub(word, text)
    return text


def visible(text):
    """Escapes and carriage returns as characters."""
    return text.replace("\x1b", "^[").replace("\r", "^M")


class Transcript:
    def __init__(self, cli, terminal=False, options=()):
        self._cli, self.terminal, self._options, self._text = cli, terminal, options, ""

    def run(self, *arguments, **more):
        arguments = (*arguments, *self._options)
        done = self._cli.terminal(*arguments, **more) if self.terminal else self._cli.run(*arguments, **more)
        self._text += f"$ podgit {shlex.join(map(str, arguments))}\n{done.out}"
        self._text += "".join(f"! {line}\n" for line in done.err.splitlines())
        if done.code != 0:
            self._text += f"[exit {done.code}]\n"
        self._text += "\n"
        return done

    def check(self, name, sizes=True):
        """Against the golden file; UPDATE_GOLDEN=1 writes it instead. Without `sizes` where an emulator chose them."""
        text = settled(self._text, self._cli.home)
        if not sizes:
            text = re.sub(r" *[+-]?\d[\d.]* ([KMG]iB|B)\b", " <size>", text)
        compare(name, visible(text))


def compare(name, text):
    path = GOLDEN / name
    if os.environ.get("UPDATE_GOLDEN"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    assert path.exists(), f"no golden file {path}; UPDATE_GOLDEN=1 writes it"
    lines = lambda whole: whole.splitlines(keepends=True)
    differences = "".join(difflib.unified_diff(lines(path.read_text()), lines(text), "recorded", "now"))
    assert not differences, f"{path.relative_to(ROOT)} (if now is right: UPDATE_GOLDEN=1)\n{differences}"
