"""The table of the real steps of a fine-tuning; the recipe is `training.finetuning.finetune`."""

from training.finetuning import evaluate_and_adopt as keeping
from training.finetuning import prepare_data as material
from training.finetuning import train_and_export as teaching
from training.finetuning.finetune import Steps

STEPS = Steps(
    label=material.label,
    parent=material.find_parent,
    collect=material.collect,
    divide=material.divide,
    train=teaching.train_model,
    export=teaching.export,
    check=teaching.check,
    compare=keeping.compare,
    report=keeping.report,
    add=keeping.add,
    adopt=keeping.adopt,
)
