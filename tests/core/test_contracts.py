"""Every component that a yaml names keeps the contract of its group."""

import inspect
from pathlib import Path

import pytest
import yaml

from candlelab.config import CONF, locate
from candlelab.core.conformance import attributes, lacks
from candlelab.core.contracts import PROTOCOLS, LabelRule, Net, Source


def components(group: str):
    for path in sorted(Path(CONF, group).glob("*.yaml")):
        target = (yaml.safe_load(path.read_text()) or {}).get("_target_")
        if target:
            yield path, locate(target)


CASES = [
    pytest.param(protocol, component, id=f"{group}/{path.stem}")
    for group, protocol in PROTOCOLS.items()
    for path, component in components(group)
]


@pytest.mark.parametrize(("protocol", "component"), CASES)
def test_a_component_has_the_methods_of_its_contract(protocol, component):
    assert not lacks(component, protocol)


def test_every_net_can_be_called_with_a_batch():
    nets = {
        locate(yaml.safe_load(path.read_text())["net"]["_target_"])
        for path in Path(CONF, "model").glob("*.yaml")
        if "_target_" in (yaml.safe_load(path.read_text()).get("net") or {})
    }
    assert nets and not [net for net in nets if lacks(net, Net)]


def test_a_class_without_the_method_is_named():
    class Empty:
        def fetch(self, symbols):
            return symbols

    assert lacks(Empty, Source)[0].startswith("fetch: too many")
    assert lacks(type("Nothing", (), {}), Source) == ["fetch: missing"]


def test_the_attributes_of_a_label_rule_are_declared():
    assert attributes(LabelRule) == ["kind", "classes", "horizon"]


def test_every_protocol_says_what_it_is():
    assert not [protocol for protocol in PROTOCOLS.values() if not inspect.getdoc(protocol)]
