"""The command line: parses and prints, computes nothing."""
