"""Scheduled audits as other programs' job files hold them."""
