"""WinRM as a Windows host offers it, for the lab: WS-Man behind Kerberos; what is asked is CIM.

Nothing of the product is in it; the clients of the tests are the product's or any other.
"""
