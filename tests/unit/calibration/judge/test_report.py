import json

import numpy as np

from calibration.judge.report import BoneReport, CalibrationReport, CameraReport


def report(**changes):
    facts = {
        "verdict": "usable",
        "reasons": ("Walk some more.",),
        "cameras": (CameraReport("left", 0.2, 0.01, float("nan"), 3.0, 0.6, 100),),
        "time_offsets_ms": {"left": 0.0, "right": np.float64(1.25)},
        "scale_source": "the person's stature (1.75 m)",
        "scale_sigma_percent": 2.0,
        "holdout_median_px": float("inf"),
        "stature_m": 1.75,
        "seconds_used": 20.0,
        "bones": (BoneReport("left_hip-left_knee", 0.43, 3.1),),
    }
    return CalibrationReport(**{**facts, **changes})


def test_the_report_holds_what_the_contract_names():
    values = report().as_dict()
    assert values["verdict"] == "usable"
    assert values["reasons"] == ["Walk some more."]
    assert set(values["cameras"][0]) >= {
        "name",
        "rotation_sigma_deg",
        "position_sigma_m",
        "focal_sigma_percent",
        "holdout_px",
    }
    assert values["time_offsets_ms"] == {"left": 0.0, "right": 1.25}
    assert values["scale"] == {"source": "the person's stature (1.75 m)", "sigma_percent": 2.0}
    assert values["stature_m"] == 1.75
    assert values["seconds_used"] == 20.0


def test_what_is_not_known_is_null_and_not_nan():
    values = report().as_dict()
    assert values["cameras"][0]["focal_sigma_percent"] is None
    assert values["holdout_median_px"] is None


def test_the_report_is_plain_json():
    text = json.dumps(report().as_dict(), allow_nan=False)
    assert json.loads(text)["bones"][0]["length_m"] == 0.43
