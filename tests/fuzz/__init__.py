"""Servers that lie: 20 hostile behaviours, and answers mutated at random."""
