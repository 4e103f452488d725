"""What SMB tells of migrations on their target: asked over the wire, and told."""
