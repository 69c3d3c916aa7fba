"""The check of dependencies fails on a hole that a newer version mends, and on nothing else."""

import importlib.util

import tiny

SPEC = importlib.util.spec_from_file_location("ci_audit", tiny.ROOT / ".ci" / "audit.py")
ci_audit = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(ci_audit)


def report(*fixes):
    hole = {"id": "CVE-1", "fix_versions": list(fixes)}
    return {"dependencies": [{"name": "a", "skip_reason": "not found"}, {"name": "b", "version": "1", "vulns": [hole]}]}


def test_a_hole_that_a_newer_version_mends_fails():
    assert ci_audit.holes(report("2")) == [("b 1: CVE-1, mended in 2", True)]


def test_a_hole_without_a_cure_is_told_only():
    assert ci_audit.holes(report()) == [("b 1: CVE-1, mended in no version yet", False)]
