"""The widgets of the fine-tuning page."""
