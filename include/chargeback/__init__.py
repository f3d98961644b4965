"""License chargeback: from Flexera One to a warehouse that finance can trust.

Data flows license list -> pages -> staging -> levels -> star -> checks -> publish. `steps` holds that line, one verb
per file; open `dags/license_chargeback.py` first, it is the table of contents. `flexera` speaks HTTP, `warehouse`
speaks SQL, neither knows the other; `hooks` and `context` are the only doors to Airflow.
"""
