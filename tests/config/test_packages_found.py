"""An extension that is installed while the process runs counts from then on."""

import extension_cases

from candlelab.config import packages


def test_a_package_installed_after_the_first_look_is_known_with_its_version(tmp_path, monkeypatch):
    assert packages.identity("late_lab")["version"] is None
    monkeypatch.syspath_prepend(str(extension_cases.installed(tmp_path, "late_lab", "3.2.1")))
    assert "late_lab" in packages.extensions()
    assert packages.identity("late_lab")["version"] == "3.2.1"
    assert packages.source_file("late_lab.net") is not None
