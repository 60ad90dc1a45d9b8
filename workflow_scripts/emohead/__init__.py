"""Emotional talking heads: memory-sharing and attention-augmented networks (Interspeech 2023)."""

__version__ = "0.1.0"
