"""The rules, as pure values and functions: no IO, no clock, no third-party library."""
