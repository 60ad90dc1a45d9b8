"""Metrics of rendered clips against the ground truth."""
