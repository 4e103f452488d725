"""Migrations as the journal keeps them."""
