"""A terminal with a program in it: keys are sent, the screen is read. It is tmux, so what is seen is what a user would
see, with the width of characters and all."""

import os
import shlex
import shutil
import subprocess
import time
import uuid


def available():
    return shutil.which("tmux") is not None


class Terminal:
    """A shell in a window of `width` by `height`; nothing of the user's configuration is read."""

    def __init__(self, cli, width=80, height=24, env=None, term=None):
        self._socket = f"podgit-test-{uuid.uuid4().hex[:12]}"
        environment = cli.env({"COLUMNS": None, "LINES": None, "PS1": "$ ", "ENV": None, **(env or {})})
        if term:
            environment["TERM"] = term
        else:
            environment.pop("TERM", None)
        self._tmux_environment = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "TERM": "xterm",
                                  "HOME": str(cli.home)}
        assignments = [f"{name}={value}" for name, value in environment.items()]
        # tmux names the terminal (tmux-256color or screen); another one is set behind it
        command = shlex.join(["env", *([] if term else ["-u", "NOTHING"]), *assignments, "sh"])
        self._tmux("-f", "/dev/null", "new-session", "-d", "-x", str(width), "-y", str(height), "-c", str(cli.work),
                   "-s", "main", command)
        self._tmux("set-option", "-g", "status", "off")
        self._tmux("set-option", "-g", "window-size", "manual")
        self.resize(width, height)
        self.wait("$")

    def _tmux(self, *arguments):
        return subprocess.run(["tmux", "-u", "-L", self._socket, *arguments], env=self._tmux_environment, check=True,
                              stdout=subprocess.PIPE, timeout=20).stdout.decode()

    def resize(self, width, height):
        self._tmux("resize-window", "-t", "main", "-x", str(width), "-y", str(height))

    def type(self, text):
        self._tmux("send-keys", "-t", "main", "-l", text)

    def keys(self, *names):
        """tmux's names: Down, Enter, Escape, C-c, BSpace."""
        self._tmux("send-keys", "-t", "main", *names)

    def run(self, line):
        self.type(line)
        self.keys("Enter")

    def screen(self):
        return self._tmux("capture-pane", "-p", "-t", "main")

    def raw(self):
        """With the escapes of colours."""
        return self._tmux("capture-pane", "-p", "-e", "-t", "main")

    def wait(self, wanted, seconds=20, gone=False):
        """Until the screen shows it (or no longer does)."""
        end = time.monotonic() + seconds
        while (wanted in (seen := self.screen())) == gone:
            assert time.monotonic() < end, f"{wanted!r} {'is still' if gone else 'is not'} on the screen:\n{seen}"
            time.sleep(0.03)
        return self.settled()

    def settled(self, seconds=20):
        """The screen, once it has stopped changing."""
        end, before = time.monotonic() + seconds, None
        while time.monotonic() < end:
            seen = self.screen()
            if seen == before:
                return seen
            before = seen
            time.sleep(0.08)
        raise AssertionError("the screen does not come to rest")

    def close(self):
        subprocess.run(["tmux", "-L", self._socket, "kill-server"], env=self._tmux_environment, check=False,
                       stderr=subprocess.DEVNULL, timeout=20)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
