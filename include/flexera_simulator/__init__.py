"""A small, faithful Flexera One: tokens, licenses, consumption pages, request limits, faults."""
