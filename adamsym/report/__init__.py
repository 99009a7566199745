"""The report: one HTML page of what is known about problems, and the claims that were checked."""
