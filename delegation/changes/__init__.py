"""Changes of any kind: a plan, its review, its run, its record, and how it is taken back."""
