"""Policy packs: what a notice can say, as plain files, checked and resolved. No Django here."""

from fangfanpin.pack.faults import PackFault, PackFaults
from fangfanpin.pack.indicators import Indicator, ListItem
from fangfanpin.pack.load import load_pack
from fangfanpin.pack.model import Form, Pack, Rule, Screen, Section, Step

__all__ = ["Form", "Indicator", "ListItem", "Pack", "PackFault", "PackFaults", "Rule", "Screen", "Section", "Step", "load_pack"]
