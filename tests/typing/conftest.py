"""Names the marker by which these tests are left out: they start two type checkers."""

import pytest


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "typing: starts mypy and pyright")
