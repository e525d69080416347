"""The command `pod-agent`."""

from __future__ import annotations

import argparse
import os
import stat
import sys

from pod_agent import __version__

EXAMPLES = """examples:
  pod-agent moto                              serve on http://127.0.0.1:4566
  pod-agent moto --port 0                     on a free port, which the first line of output names
  pod-agent moto --token-file ~/.pod-token    state endpoints only for those who know the token
  pod-agent manifest                          the classes that state of this moto may hold, as JSON
  curl -o pod.zip http://127.0.0.1:4566/_localstack/pods/state
  curl --data-binary @pod.zip 'http://127.0.0.1:4566/_localstack/pods?merge=overwrite'
"""


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= 65535:
        raise argparse.ArgumentTypeError("a port is a number from 0 to 65535")
    return port


def _size(text: str) -> int:
    units = {"k": 1 << 10, "m": 1 << 20, "g": 1 << 30}
    factor = units.get(text[-1:].lower(), 1)
    number = text[:-1] if factor > 1 else text
    if not number.isdecimal():
        raise argparse.ArgumentTypeError("a size is a number of bytes, with k, m or g behind it")
    return int(number) * factor


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        prog="pod-agent",
        description="Serves a cloud emulator with endpoints that capture, inject and reset its state.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument("--version", action="version", version=f"pod-agent {__version__}")
    commands = made.add_subparsers(dest="command", metavar="COMMAND", required=True)
    moto = commands.add_parser(
        "moto",
        help="serve moto 5.2.1",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    moto.add_argument("--host", default="127.0.0.1", help="address to listen on (default: 127.0.0.1)")
    moto.add_argument("--port", type=_port, default=4566, help="port, 0 for a free one (default: 4566)")
    moto.add_argument(
        "--token-file", metavar="F", help="file whose first line is the token for the state endpoints ($POD_AGENT_TOKEN)"
    )
    moto.add_argument(
        "--max-body", type=_size, default=16 << 30, metavar="SIZE", help="largest archive to accept (default: 16g)"
    )
    commands.add_parser("manifest", help="write the classes that state of the installed moto may hold, as JSON")
    return made


def read_token(path: str | None) -> str | None:
    """The token from the file, else from the environment; ValueError with a line for the user."""
    if path is None:
        return os.environ.pop("POD_AGENT_TOKEN", None) or None
    try:
        with open(path, encoding="utf-8") as source:
            if os.fstat(source.fileno()).st_mode & (stat.S_IROTH | stat.S_IWOTH):
                raise ValueError(f"others can read '{path}': chmod 600 it")
            token = source.readline(4096).strip()
    except OSError as error:
        raise ValueError(f"cannot read '{path}': {error.strerror}") from None
    except UnicodeDecodeError:
        raise ValueError(f"'{path}' holds no token") from None
    if not token:
        raise ValueError(f"'{path}' holds no token")
    return token


def main(argv: list[str] | None = None) -> int:
    arguments = parser().parse_args(argv)
    if arguments.command == "manifest":
        from pod_agent import manifest

        sys.stdout.write(manifest.export())
        return 0
    try:
        token = read_token(arguments.token_file)
    except ValueError as error:
        print(f"pod-agent: {error}", file=sys.stderr)
        return 2
    from pod_agent import server  # imports moto, which takes a second: not for --help

    return server.run(arguments.host, arguments.port, token, arguments.max_body)
