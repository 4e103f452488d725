"""The way to a host's WinRM service: its connection, the logon, and every message sealed."""
