"""The server that the judges judge, and Node.js for those that need it."""

import pytest

from tests.api.conftest import _no_log_lines, api, seeded_store, shared_api, start
from tests.external import node

__all__ = ["_no_log_lines", "api", "seeded_store", "shared_api", "start"]


@pytest.fixture(scope="session")
def _node_packages() -> None:
    """The judges' packages, which `make test` installs."""
    if not node.INSTALLED.is_file():
        pytest.skip(f"the judges' npm packages are absent: `make test` installs them into {node.INSTALLED.parent}")
