"""Fakes that ship with the package; contract tests hold each to the real thing."""
