"""Hosts over PowerShell remoting (WinRM): all PowerShell of this program lies here."""
