"""Emotional talking heads: memory-sharing and attention-augmented networks (Interspeech 2023)."""

__version__ = "0.2.0"
