"""The privacy-compliance gateway for LLM traffic.

Nothing leaves the network without a clearance, and only a recorded policy decision can mint one.
`docs/tour.md` follows one request through the code.
"""

__version__ = "0.1.0"
