"""The console: pages for people who answer for compliance and never open a terminal.

`routes.py` is the table of all pages with the roles that may ask for each; `gate.py` is what every request passes:
session, role, forgery, record, and only then the page. Pages show what functions of the adapters find.
"""
