"""The whole product on one machine: an embedded PostgreSQL, Airflow, and the bundled simulator.

Everything it keeps lies in `.local/`. `python -m local_runtime <command>` is what the Makefile calls.
"""
