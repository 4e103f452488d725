"""Kerberos and NTLM logons: principals, tickets, and every refusal in words."""
