"""The Virtual Machine Management Service of a lab host, as CIM shows it: objects, jobs, methods."""
