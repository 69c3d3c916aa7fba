"""Compare the installed packages with the public list of known holes: end with 1 if one has a hole that a newer version mends.

What cannot be asked (no network, a registry without the package) is said, and is no failure.
"""

from __future__ import annotations

import json
import subprocess
import sys

COMMAND = [sys.executable, "-m", "pip_audit", "--skip-editable", "--progress-spinner", "off", "--format", "json"]


def holes(report: dict) -> list[tuple[str, bool]]:
    """Return one line per known hole of an installed package, and whether a newer version mends it."""
    return [
        (
            f"{package['name']} {package['version']}: {hole['id']}, mended in {', '.join(hole['fix_versions']) or 'no version yet'}",
            bool(hole["fix_versions"]),
        )
        for package in report["dependencies"]
        for hole in package.get("vulns", ())
    ]


def main() -> int:
    done = subprocess.run(COMMAND, capture_output=True, text=True, check=False)
    try:
        report = json.loads(done.stdout)
    except json.JSONDecodeError:
        print(f"the list of known holes could not be asked: {' '.join(done.stderr.split())[-200:]}")
        return 0
    found = holes(report)
    asked = [package for package in report["dependencies"] if "vulns" in package]
    print(f"{len(asked)} of {len(report['dependencies'])} packages could be asked about, {len(found)} known holes")
    for line, _ in found:
        print(line)
    return int(any(mended for _, mended in found))


if __name__ == "__main__":
    sys.exit(main())
