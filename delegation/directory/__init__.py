"""Directories to read and write: over LDAP, or as an LDIF export on disk."""
