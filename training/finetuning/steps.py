"""The table of the steps of a fine-tune; `training.finetuning.finetune` runs them in order."""

from training.finetuning import evaluate_and_adopt, prepare_data, train_and_export
from training.finetuning.finetune import Steps

STEPS = Steps(
    label=prepare_data.label,
    parent=prepare_data.find_parent,
    collect=prepare_data.collect,
    divide=prepare_data.divide,
    train=train_and_export.train_model,
    export=train_and_export.export,
    check=train_and_export.check,
    compare=evaluate_and_adopt.compare,
    report=evaluate_and_adopt.report,
    add=evaluate_and_adopt.add,
    adopt=evaluate_and_adopt.adopt,
)
