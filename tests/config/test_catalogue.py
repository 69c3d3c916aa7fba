"""Yaml composed from parts, read without Hydra."""

from candlelab.config.catalogue import with_parts


def test_a_yaml_that_changes_one_setting_of_a_branch_keeps_the_others(tmp_path):
    (tmp_path / "_base.yaml").write_text("net: {width: 8, heads: 2}\nbatch_size: 4\n")
    (tmp_path / "wide.yaml").write_text("defaults: [_base]\nnet: {width: 16}\n")
    assert with_parts(tmp_path / "wide.yaml") == {"net": {"width": 16, "heads": 2}, "batch_size": 4}
