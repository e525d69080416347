"""Sums the test cases of one run of tools/dev/check.

Reads the folder that check fills: `*.testlog.json` of Meson (a line a test program, with its output) and `*.junit.xml`
of pytest. A doctest program counts by its own summary; a program without one counts as one case, and one that died
before its summary counts as one failure more. Prints what failed and why something was skipped, then the last line
`N passed, N failed, N skipped`. Exit code 1 if anything failed or nothing ran.
"""

import json
import re
import sys
import xml.etree.ElementTree
from collections import Counter
from pathlib import Path

DOCTEST = re.compile(r"\[doctest\] test cases:\s*(\d+)\s*\|\s*(\d+) passed\s*\|\s*(\d+) failed")
UNITTEST = re.compile(r"^Ran (\d+) tests? in ", re.MULTILINE)
# A doctest case that cannot run here says so on a line of its own.
SKIPPED = re.compile(r"skipped: (.+)")


def tally_meson(log: Path, count: Counter, notes: list[str]) -> None:
    for line in log.read_text(encoding="utf-8").splitlines():
        test = json.loads(line)
        name, good = test["name"], test["result"] in ("OK", "EXPECTEDFAIL")
        output = test.get("stdout") or ""
        if test["result"] == "SKIP":
            count["skipped"] += 1
            notes.append(f"skipped: {name}: {output.strip().splitlines()[-1] if output.strip() else 'no reason given'}")
        elif summary := DOCTEST.search(re.sub(r"\x1b\[[0-9;]*m", "", output)):
            skips = SKIPPED.findall(output)
            count["passed"] += int(summary[2]) - len(skips)
            count["failed"] += int(summary[3])
            count["skipped"] += len(skips)
            notes += [f"skipped: {name}: {reason}" for reason in skips]
            if not good and int(summary[3]) == 0:
                count["failed"] += 1
                notes.append(f"failed: {name}: all cases passed, then it ended with {test['result']}")
        elif good and (ran := UNITTEST.search(output + (test.get("stderr") or ""))):
            count["passed"] += int(ran[1])
        else:
            count["passed" if good else "failed"] += 1
        if not good:
            notes.append(f"failed: {name} ({log.name.split('.')[0]})")


def tally_pytest(report: Path, count: Counter, notes: list[str]) -> None:
    for case in xml.etree.ElementTree.parse(report).iter("testcase"):
        name = f"{case.get('classname')}::{case.get('name')}"
        if case.find("failure") is not None or case.find("error") is not None:
            count["failed"] += 1
            notes.append(f"failed: {name}")
        elif (skip := case.find("skipped")) is not None:
            count["skipped"] += 1
            notes.append(f"skipped: {name}: {skip.get('message')}")
        else:
            count["passed"] += 1


def main() -> int:
    folder = Path(sys.argv[1])
    count: Counter = Counter(passed=0, failed=0, skipped=0)
    notes: list[str] = []
    for log in sorted(folder.glob("*.testlog.json")):
        tally_meson(log, count, notes)
    for report in sorted(folder.glob("*.junit.xml")):
        tally_pytest(report, count, notes)
    print("\n".join(notes))
    line = f"{count['passed']} passed, {count['failed']} failed"
    print(line + (f", {count['skipped']} skipped" if count["skipped"] else ""))
    return 1 if count["failed"] or not count["passed"] else 0


if __name__ == "__main__":
    sys.exit(main())
