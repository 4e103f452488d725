"""Hyper-V hosts: what is known of them (pure), and how to reach them."""
