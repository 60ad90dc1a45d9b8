"""Stage 2, the translator: landmark drawing and reference face to frame (paper section 3.2)."""
