"""How an architecture test ends: one line a finding, exit code 1 where there is one."""

import sys


def finish(findings: list[str]) -> None:
    for finding in findings:
        print(finding)
    print(f"{len(findings)} findings", file=sys.stderr)
    sys.exit(1 if findings else 0)
