"""A row of Table 1: a landmark model and a translator together, or somebody else's videos."""
