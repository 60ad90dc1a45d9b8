"""What clips there are: MEAD's layout, footage, lists, rejects, the split, reference clips."""
