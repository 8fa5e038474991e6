"""The live program without a screen: cameras, pose, calibration and recording at work together."""
