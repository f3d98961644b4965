"""Worked examples: published license arithmetic, put through the rules that charge real licenses.

file.py reads the examples; the calculations (oracle.py, ibm.py, microsoft.py, machines.py, splits.py) turn the
inputs of each into licenses with nodes and a method; world.py lets the warehouse's own SQL work them out;
comparison.py compares, and runner.py reports.
"""
