"""The report room: tables, figures and the page, made from results on disk; imports no torch."""
