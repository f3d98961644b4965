"""The demo tenant's licenses."""

from __future__ import annotations

import datetime
from decimal import Decimal
from typing import Any

from flexera_simulator import methods
from flexera_simulator.licenses import License

FIRST_LICENSE_ID = 41_201


def _license(
    publisher: str, kind: str, name: str, method: Any, price: str | None, **more: Any
) -> dict[str, Any]:
    return {"publisher": publisher, "type": kind, "name": name, "method": method, "price": price, **more}


_HALF = Decimal("0.5")
_ORACLE = [
    _license(
        "Oracle",
        "Oracle Processor",
        "Oracle Database Enterprise Edition",
        methods.oracle_cluster,
        "23000.00",
        edition="Enterprise",
        version="19c",
        points=_HALF,
        roles=("oracle",),
        percent=70,
        surplus_percent=-15,
        products=("Oracle Database Enterprise",),
        instances=("PDB1", "PDB2", "CDB$ROOT"),
        options=("Partitioning", "Diagnostics Pack", "Tuning Pack", "Advanced Security"),
    ),
    _license(
        "Oracle",
        "Oracle Processor",
        "Oracle Real Application Clusters",
        methods.oracle_cluster,
        "11500.00",
        points=_HALF,
        roles=("oracle",),
        percent=15,
        instances=("RAC1", "RAC2"),
    ),
    _license(
        "Oracle",
        "Oracle Processor",
        "Oracle WebLogic Suite",
        methods.oracle_cluster,
        "21875.50",
        points=_HALF,
        roles=("app",),
        percent=20,
        version="14c",
    ),
    _license(
        "Oracle",
        "Oracle Processor",
        "Oracle Database on Power (hard partitioning)",
        methods.oracle_hard_partitioning,
        "23750.00",
        roles=("oracle",),
        percent=85,
        version="19c",
        products=("Oracle Database Enterprise",),
        instances=("ORCL", "HR"),
        options=("Partitioning",),
    ),
    _license(
        "Oracle",
        "Oracle Processor",
        "Oracle Database Enterprise Edition, stand-alone servers",
        methods.oracle_stand_alone,
        "23000.00",
        points=_HALF,
        roles=("oracle",),
        percent=100,
        instances=("PROD",),
        products=("Oracle Database Enterprise",),
    ),
    _license(
        "Oracle",
        "Oracle Named User Plus",
        "Oracle Database Standard Edition 2, Named User Plus",
        methods.oracle_named_users,
        "175.00",
        percent=12,
        instances=("SE2",),
    ),
    _license(
        "Oracle",
        "Oracle Application User",
        "Oracle E-Business Suite Financials",
        methods.named_users,
        "2295.00",
        percent=6,
    ),
    _license(
        "Oracle",
        "Oracle Named User Plus",
        "Oracle Business Intelligence, Named User Plus",
        methods.oracle_named_users,
        "1000.00",
        percent=2,
    ),
    _license(
        "Oracle",
        "Processor Points",
        "Oracle Linux Premier Support",
        methods.processor_points,
        "1149.50",
        roles=("oracle", "app"),
        percent=80,
    ),
]
_PVU = Decimal(70)
_IBM = [
    _license(
        "IBM",
        "IBM PVU",
        "IBM WebSphere Application Server ND",
        methods.pvu_sub_capacity,
        "81.2000",
        points=_PVU,
        roles=("ibm", "app"),
        percent=65,
        version="9.0",
        surplus_percent=4,
    ),
    _license(
        "IBM",
        "IBM PVU",
        "IBM Db2 Advanced Enterprise Server",
        methods.pvu_sub_capacity,
        "118.3350",
        points=_PVU,
        roles=("ibm",),
        percent=40,
        instances=("db2inst1", "db2inst2"),
        version="11.5",
    ),
    _license(
        "IBM", "IBM PVU", "IBM MQ Advanced", methods.pvu_sub_capacity, "39.7500", points=_PVU, percent=12
    ),
    _license(
        "IBM",
        "IBM PVU",
        "IBM Integration Bus (full capacity)",
        methods.pvu_full_capacity,
        "64.10",
        points=_PVU,
        roles=("ibm",),
        percent=15,
    ),
    _license(
        "IBM",
        "IBM VPC",
        "IBM Cloud Pak for Data",
        methods.virtual_processor_cores,
        "4104.00",
        roles=("ibm", "linux"),
        percent=30,
    ),
    _license(
        "IBM",
        "IBM VPC",
        "IBM App Connect Enterprise",
        methods.virtual_processor_cores,
        "2210.40",
        points=Decimal("0.3333"),
        roles=("ibm",),
        percent=50,
    ),
    _license(
        "IBM",
        "IBM RVU",
        "IBM Tivoli Monitoring",
        methods.resource_value_units,
        "72.90",
        roles=("ibm", "oracle", "linux", "sap"),
        percent=90,
    ),
    _license("IBM", "IBM Authorized User", "IBM Cognos Analytics", methods.named_users, "1210.00", percent=5),
    _license(
        "IBM", "IBM Concurrent User", "IBM Rational DOORS", methods.concurrent_users, "6940.00", percent=4
    ),
    _license(
        "IBM", "IBM Floating User", "IBM SPSS Statistics", methods.concurrent_users, "3520.00", percent=3
    ),
]
_MICROSOFT = [
    _license(
        "Microsoft",
        "Microsoft Server Core",
        "SQL Server Enterprise",
        methods.server_cores,
        "6874.00",
        edition="Enterprise",
        version="2022",
        roles=("sql",),
        percent=45,
        instances=("MSSQLSERVER", "REPORTING"),
    ),
    _license(
        "Microsoft",
        "Microsoft Server Core",
        "SQL Server Standard",
        methods.server_cores,
        "1793.00",
        edition="Standard",
        version="2019",
        roles=("sql", "app"),
        percent=40,
        instances=("MSSQLSERVER",),
    ),
    _license(
        "Microsoft",
        "Microsoft Server/Management Core",
        "Windows Server Standard",
        methods.management_cores_standard,
        "66.8125",
        edition="Standard",
        version="2022",
        roles=("app", "sql"),
        percent=30,
    ),
    _license(
        "Microsoft",
        "Microsoft Server/Management Core",
        "Windows Server Datacenter",
        methods.management_cores_datacenter,
        "384.6875",
        edition="Datacenter",
        version="2025",
        roles=("app", "sql", "web", "sap", "vdi"),
        percent=65,
    ),
    _license(
        "Microsoft",
        "Microsoft Server/Management Core",
        "System Center Datacenter",
        methods.management_cores_datacenter,
        "225.4375",
        edition="Datacenter",
        percent=85,
    ),
    _license(
        "Microsoft",
        "Device",
        "Windows 11 Enterprise",
        methods.devices,
        "84.00",
        roles=("desktop",),
        percent=97,
    ),
    _license("Microsoft", "User", "Microsoft 365 E3", methods.users_with_devices, "432.00", percent=82),
    _license(
        "Microsoft", "User", "Microsoft 365 E5", methods.users, "684.00", percent=11, surplus_percent=-3
    ),
    _license(
        "Microsoft", "Device", "Visio Professional", methods.devices, "309.99", roles=("desktop",), percent=7
    ),
    _license(
        "Microsoft",
        "Device",
        "Project Professional",
        methods.devices,
        "1129.99",
        roles=("desktop",),
        percent=4,
    ),
    _license(
        "Microsoft", "Named User", "Visual Studio Enterprise", methods.named_users, "5999.00", percent=5
    ),
    _license(
        "Microsoft",
        "Microsoft Device CAL",
        "Windows Server Device CAL",
        methods.devices,
        "38.50",
        roles=("desktop",),
        percent=22,
    ),
    _license("Microsoft", "Microsoft User CAL", "SQL Server User CAL", methods.users, "230.00", percent=18),
    _license(
        "Microsoft",
        "Microsoft SCCM Client User",
        "Configuration Manager Client",
        methods.users,
        "62.00",
        percent=9,
    ),
    _license("Microsoft", "CAL Legacy", "Exchange Server 2010 CAL", methods.custom_metric, "67.00"),
]
_VMWARE = [
    _license("VMware", "VMware Core", "VMware vSphere Foundation", methods.host_cores, "190.00", version="8"),
    _license("VMware", "VMware Core", "VMware vSAN", methods.shared_host_cores, "210.0005", percent=90),
    _license(
        "VMware",
        "Core Points",
        "VMware Aria Operations",
        methods.core_points,
        "88.20",
        points=Decimal("1.25"),
        roles=("oracle", "sql", "sap"),
        percent=80,
    ),
    _license(
        "VMware",
        "Concurrent User",
        "VMware Horizon Enterprise",
        methods.concurrent_users,
        "250.00",
        percent=14,
    ),
    _license(
        "VMware", "Device", "VMware Workstation Pro", methods.devices, "0.00", roles=("desktop",), percent=3
    ),
]
_SAP = [
    _license(
        "SAP",
        "SAP Named User",
        "SAP S/4HANA Professional User",
        methods.weighted_users,
        "3200.00",
        percent=24,
    ),
    _license("SAP", "SAP Named User", "SAP Employee Self-Service", methods.named_users, "110.25", percent=35),
    _license("SAP", "SAP Package", "SAP Payroll Processing", methods.custom_metric, "12.80"),
    _license(
        "SAP",
        "Core Points",
        "SAP HANA Runtime",
        methods.core_points,
        "1480.00",
        roles=("sap",),
        percent=90,
        points=Decimal("1.5"),
    ),
    _license("SAP", "User", "SAP Analytics Cloud", methods.users, "432.60", percent=6),
    _license("SAP", "Named User", "SAP PowerDesigner", methods.named_users, "3990.00", percent=1),
]
_ADOBE = [
    _license(
        "Adobe",
        "[Named User]",
        "Creative Cloud All Apps",
        methods.named_users,
        "959.88",
        percent=8,
        status="[Active]",
    ),
    _license(
        "Adobe", "Named User", "Acrobat Pro", methods.named_users, "239.88", percent=21, surplus_percent=-2
    ),
    _license(
        "Adobe", "Device", "Adobe FrameMaker", methods.devices, "1249.00", roles=("desktop",), percent=2
    ),
    _license("Adobe", "Custom Metric", "Adobe Experience Manager Page Views", methods.custom_metric, "21.00"),
    _license("Adobe", "User", "Adobe Captivate", methods.nobody, "407.88"),
    _license("Adobe", "User", "Adobe Sign", methods.users, None, percent=5),
]
_RED_HAT = [
    _license(
        "Red Hat",
        "Core Points",
        "Red Hat OpenShift Container Platform",
        methods.core_points,
        "1250.00",
        roles=("linux", "web"),
        percent=35,
        points=_HALF,
    ),
    _license(
        "Red Hat",
        "Processor Points",
        "Red Hat Enterprise Linux Server",
        methods.processor_points,
        "879.00",
        percent=50,
        roles=("oracle", "sap", "app"),
    ),
    _license(
        "Red Hat",
        "Device",
        "Red Hat Satellite",
        methods.devices,
        "231.00",
        roles=("linux", "web"),
        percent=80,
    ),
    _license(
        "Red Hat",
        "Microsoft Server/Management Core",
        "Red Hat Virtual Datacenter",
        methods.management_cores_datacenter,
        "78.09",
        roles=("linux",),
        percent=70,
    ),
]
_CITRIX = [
    _license(
        "Citrix",
        "Concurrent User",
        "Citrix Virtual Apps and Desktops",
        methods.concurrent_users,
        "310.00",
        percent=25,
    ),
    _license("Citrix", "User", "Citrix Workspace", methods.users, "143.40", percent=9),
    _license(
        "Citrix",
        "Appliance Throughput",
        "Citrix ADC VPX",
        methods.devices,
        "5250.00",
        roles=("vdi",),
        percent=12,
    ),
    _license(
        "Citrix",
        "Device",
        'Citrix "Receiver", Enterprise',
        methods.devices,
        "59.00",
        roles=("vdi",),
        percent=50,
    ),
    _license(
        "Citrix",
        "Named User",
        "Citrix Podio",
        methods.named_users,
        "168.00",
        percent=4,
        since=datetime.date(2026, 11, 20),
    ),
]


def demo_licenses() -> list[License]:
    """Every license there ever is, with ids that never change."""
    entries = [*_ORACLE, *_IBM, *_MICROSOFT, *_VMWARE, *_SAP, *_ADOBE, *_RED_HAT, *_CITRIX]
    return [License(id=FIRST_LICENSE_ID + number, **entry) for number, entry in enumerate(entries)]
