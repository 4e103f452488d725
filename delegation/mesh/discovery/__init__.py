"""The accounts of a directory -> a proposed inventory, whose first plan mends and removes nothing.

What is delegated already stays: a mesh as it is found, flags as they are found, and a keep rule
for every value that no mesh explains. The proposal is tried before it is given, by the same
comparison and plan that it is made for: a host with which that plan would remove a value, or be
refused, is left out, and why is said.

``search`` is the use case. It reads the accounts, ``proposing`` makes the inventory of them (which
hosts make a mesh: ``units``; what else is found on them: ``leftovers``), ``proposal`` is what it
gives, and ``draft`` the text of its file.
"""

from delegation.mesh.discovery.proposal import InventoryProposal, LeftOut
from delegation.mesh.discovery.proposing import ProposalTerms, propose
from delegation.mesh.discovery.search import DiscoveryRequest, ProposedFile, Surroundings, discover

__all__ = [
    "DiscoveryRequest",
    "InventoryProposal",
    "LeftOut",
    "ProposalTerms",
    "ProposedFile",
    "Surroundings",
    "discover",
    "propose",
]
