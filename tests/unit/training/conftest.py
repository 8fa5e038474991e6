"""One thread for torch: these tests are small, and share their cores with others."""

import importlib.util

import pytest


@pytest.fixture(autouse=True, scope="session")
def one_thread() -> None:
    """Keep torch, where it is installed, to one thread."""
    if importlib.util.find_spec("torch"):
        import torch

        torch.set_num_threads(1)
