"""Metrics by published networks whose weights are given; `reasons.HEADINGS` names them."""
