"""Speaks SQL with the warehouse; knows no HTTP."""
