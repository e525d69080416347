"""How soon the browser of a version with 100,000 resources shows its first screen, and how soon its list is printed.

    build/venv/bin/python tests/bench/inspect_start.py [--podgit PATH] [--resources 100000] [--rounds 7]

Fills moto's backends in a process of its own (queues, topics, parameters and log groups in two regions), imports what
pod-agent captures of them, and opens the version in a terminal of 80 by 24: the time from the start of `podgit inspect`
until its first screen is there. Beside it the same list as JSON into a file. Medians; peak memory is the kernel's."""

import argparse
import os
import platform
import pty
import select
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from fcntl import ioctl
from pathlib import Path
from termios import TIOCSWINSZ

ROOT = Path(__file__).resolve().parents[2]

FILL = """
import sys
sys.path.insert(0, sys.argv[1])
from moto.backends import get_backend
from pod_agent import capture, lock, machine
each = int(sys.argv[3]) // 8
for region in ("us-east-1", "eu-west-1"):
    def backend(service): return get_backend(service)["000000000000"][region]
    for number in range(each):
        backend("sqs").create_queue(f"orders-{number}", {})
        backend("sns").create_topic(f"events-{number}")
        backend("ssm").put_parameter(f"/shop/setting-{number}", "", str(number), "String", "", "", False, [], "text", None, [])
        backend("logs").create_log_group(f"/shop/worker-{number}", {})
with open(sys.argv[2], "wb") as out:
    taken = capture.take(lock.StateLock(), ["sqs", "sns", "ssm", "logs"])
    for piece in taken.stream(): out.write(piece)
    taken.close()
"""


def first_screen(argv, environment):
    """Seconds until the last line of the screen, where the keys stand, was drawn; peak MiB."""
    start = time.perf_counter()
    pid, terminal = pty.fork()
    if pid == 0:
        ioctl(0, TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        os.execvpe(argv[0], argv, environment)
    seen = b""
    while b"quit" not in seen:
        if not select.select([terminal], [], [], 60)[0]:
            sys.exit("inspect_start: no screen within a minute")
        seen += os.read(terminal, 65536)
    seconds = time.perf_counter() - start
    os.write(terminal, b"q")
    try:
        while os.read(terminal, 65536):
            pass
    except OSError:
        pass
    _, status, usage = os.wait4(pid, 0)
    os.close(terminal)
    if status != 0:
        sys.exit(f"inspect_start: podgit ended with {status}")
    return seconds, usage.ru_maxrss / 1024


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--podgit", default=str(ROOT / "build" / "release" / "tools" / "podgit" / "podgit"))
    parser.add_argument("--resources", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        environment = {"HOME": folder, "PATH": os.environ["PATH"], "TERM": "xterm-256color", "LC_ALL": "C.UTF-8",
                       "LD_LIBRARY_PATH": os.environ.get("LD_LIBRARY_PATH", "")}
        archive = os.path.join(folder, "many.zip")
        subprocess.run([sys.executable, "-c", FILL, str(ROOT / "tools" / "pod-agent"), archive, str(options.resources)], check=True)
        subprocess.run([options.podgit, "import", archive, "many"], env=environment, check=True, stdout=subprocess.DEVNULL)
        screens, prints = [], []
        for _ in range(options.rounds):
            screens.append(first_screen([options.podgit, "inspect", "many"], environment))
            start = time.perf_counter()
            with open(os.path.join(folder, "list.json"), "wb") as out:
                subprocess.run([options.podgit, "inspect", "many", "--json"], env=environment, check=True, stdout=out)
            prints.append(time.perf_counter() - start)
        print(f"{platform.system()} {platform.release()}, {os.cpu_count()} cores, {options.resources} resources")
        print(f"first screen  {statistics.median(s for s, _ in screens) * 1000:6.0f} ms   {max(m for _, m in screens):5.0f} MiB")
        print(f"as JSON       {statistics.median(prints) * 1000:6.0f} ms")


if __name__ == "__main__":
    main()
