"""Set up, audit and undo Kerberos constrained delegation for Hyper-V live migration."""

__version__ = "0.1.0"
