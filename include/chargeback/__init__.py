"""License chargeback: from Flexera One to a warehouse that finance can trust.

Data flows license list -> pages -> staging -> levels -> charges -> star -> checks -> publish. `steps` holds that line,
one verb per file; open `dags/license_chargeback.py` first, it is the table of contents. `flexera` speaks HTTP,
`warehouse` speaks SQL, neither knows the other. Airflow is imported by the modules beside them only (`hooks`, `context`
and those that tell people and machines how a run went); tests/architecture has the list.
"""
