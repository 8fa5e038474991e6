"""Label a tracked session, measure a model by these labels, and fine-tune the model in use."""

import numpy as np

import epipole

labelled = epipole.label("walk")  # two cameras or more, and a calibration
sigma_mm = 1e3 * np.median(labelled.sigma_m[labelled.accepted])
print(f"{labelled.accepted.mean():.0%} of the joints are labels, within about {sigma_mm:.0f} mm")

evaluated = epipole.evaluate("compact-studio", session="walk", out="evaluation")
print(evaluated.text, evaluated.page, sep="\n")

result = epipole.finetune("walk", minutes=10)  # needs the extra 'train'
print(*result.messages, sep="\n")
print("The new model is in use." if result.adopted else "The model in use is unchanged.")
