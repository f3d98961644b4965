"""The nightly job's steps.

In the order of the DAG: loads, extract, checks (of staging), flatten, build (of the levels), derive, build (of the
star), checks (of the star), publish. Beside the night: retention, freshness, figures, notices.
"""
