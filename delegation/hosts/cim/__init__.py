"""A host over CIM: requests to its WMI by WS-Man, and what they tell of Hyper-V."""
