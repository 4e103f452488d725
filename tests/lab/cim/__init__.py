"""CIM over WS-Man as WMI's plug-in speaks it: classes, WQL, envelopes, faults.

Nothing of the product is in it. What a host has and does is its provider's
(``tests.lab.hosts.vmms``). Sources: MS-WSMV, DSP0226, DSP0227, DSP0230, Microsoft's documentation
of the classes, and public recordings of real hosts.
"""
