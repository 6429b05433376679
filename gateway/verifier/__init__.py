"""The verifier: whether a ledger is what was signed. It imports nothing else of the gateway.

This folder can be copied to a machine without a network and run there with Python and `cryptography` alone:

    python -m verifier EXPORT_DIRECTORY --public-key ledger.pub
"""
