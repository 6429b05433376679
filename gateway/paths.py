"""Where the files that travel with the package lie: beside it in a checkout, inside it in an installed wheel."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def data_path(name: str) -> Path:
    """The path of a shipped file or folder, such as `policies`, `models/pii-en` or `migrations`.

    Raises `FileNotFoundError` when it did not travel with the installation.
    """
    for root in (_PACKAGE / "_data", _PACKAGE.parent):
        if (root / name).exists():
            return root / name
    raise FileNotFoundError(name)
