"""Where a lab host listens, as a Windows host does."""

SMB = 445
HTTP = 5985
HTTPS = 5986
MIGRATION = 6600
