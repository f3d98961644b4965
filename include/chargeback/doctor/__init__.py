"""What could stop the night, looked at before it does: connections, rights, field names, disk, versions.

Each check returns findings and raises nothing that it can tell; none changes anything. `examination` holds their order.
"""
