"""The revisions of the warehouse, each with its .sql files beside it."""
