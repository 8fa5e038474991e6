from types import SimpleNamespace

import numba
import pytest

from calibration.geometry import fast_compile
from calibration.geometry.fast_compile import jit_kernel
from calibration.geometry.fast_instant import warm_up_kernels


def test_a_kernel_works_where_no_machine_code_can_be_kept(monkeypatch: pytest.MonkeyPatch):
    def refusing(*, cache=False, **options):
        if cache:
            raise RuntimeError("cannot cache function: no locator available for file")
        return numba.njit(**options)

    monkeypatch.setattr(fast_compile, "numba", SimpleNamespace(njit=refusing))
    kernel = jit_kernel(lambda x: 1.0 / x)
    assert kernel(4.0) == 0.25
    assert kernel(0.0) == float("inf")


def test_kernels_warm_up_without_a_word(capfd: pytest.CaptureFixture[str]):
    warm_up_kernels()
    assert capfd.readouterr() == ("", "")
