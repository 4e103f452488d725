"""The mesh of delegation between hosts: desired against found, judged, planned, taken back."""
