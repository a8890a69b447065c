"""Fail on a skipped test whose reason is not in the list of expected ones."""

from __future__ import annotations

import sys
import xml.etree.ElementTree as ET
from collections import Counter
from pathlib import Path


def main(report: str, allowed: str) -> int:
    """Compare the reasons in a JUnit report with the allowed substrings, one a line."""
    known = [
        line.strip()
        for line in Path(allowed).read_text().splitlines()
        if line.strip() and not line.startswith("#")
    ]
    reasons = Counter(node.get("message", "") for node in ET.parse(report).getroot().iter("skipped"))
    for reason, count in reasons.items():
        print(f"skipped {count}: {reason}")
    unexpected = [reason for reason in reasons if not any(part in reason for part in known)]
    for reason in unexpected:
        print(f"unexpected skip: {reason}", file=sys.stderr)
    return 1 if unexpected else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
