"""A row of Table 1: two models, a bundle or a motion field that render, or another's videos."""
