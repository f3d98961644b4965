-- What is said of every view of bi and every table of mart. The first line of a comment is the grain; the lines that
-- follow give the key, what adds up, and what else a reader must know. docs/model.md is made of these texts.

comment on view bi.chargeback is
'One row per snapshot, license and consumer: who is charged how much for which license, and why.
Key: snapshot_date, org_id, license_id, and the consumer: consumer_type with device_id, device_name, user_id, user_name. A device without an id is told apart by its host and cluster.
Adds up: recharged_consumption, recharged_cost, consuming_installations, machine_consumption.
The core counts and consumption of host and cluster are repeated on each of their rows.';
comment on view bi.chargeback_current is
'bi.chargeback for the latest published snapshot of each organization.
Key: as in bi.chargeback.
Adds up: as in bi.chargeback.
One night only, so it may be added up as it is.';
comment on view bi.chargeback_by_cost_center is
'One row per snapshot, license and cost center, with its parents. Add up own figures or totals at depth 0.
Key: snapshot_date, org_id, license_id, path.
Adds up: own_consumption and own_cost over all rows; total_consumption and total_cost over the rows of one depth of one branch only.
Totals at depth 0 add up to the snapshot; so do the own figures over all depths.';
comment on view bi.chargeback_by_corporate_unit is
'One row per snapshot, license and corporate unit, with parents. Add up own figures or totals at depth 0.
Key: snapshot_date, org_id, license_id, path.
Adds up: own_consumption and own_cost over all rows; total_consumption and total_cost over the rows of one depth of one branch only.
As bi.chargeback_by_cost_center.';
comment on view bi.chargeback_by_location is
'One row per snapshot, license and location, with its parents. Add up own figures or totals at depth 0.
Key: snapshot_date, org_id, license_id, path.
Adds up: own_consumption and own_cost over all rows; total_consumption and total_cost over the rows of one depth of one branch only.
As bi.chargeback_by_cost_center.';
comment on view bi.vm_consumption is
'One row per snapshot, license and virtual machine: a device that is virtual by its type or runs on a host.
Key: snapshot_date, org_id, license_id, and the virtual machine.
Adds up: consumption, recharged_consumption, recharged_cost.';
comment on view bi.host_consumption is
'One row per snapshot, license and physical host: its own figures once, and what its consumers are charged.
Key: snapshot_date, org_id, license_id, and the host.
Adds up: consumption, recharged_consumption, recharged_cost, vm_count.';
comment on view bi.cluster_consumption is
'One row per snapshot, license and cluster: its own figures once, and what its consumers are charged.
Key: snapshot_date, org_id, license_id, and the cluster.
Adds up: consumption, recharged_consumption, recharged_cost, vm_count, host_count.';
comment on view bi.license_position is
'One row per snapshot and license, with or without consumers: bought, consumed, charged, and the difference.
Key: snapshot_date, org_id, license_id.
Adds up: recharged_cost; quantities of licenses of one type only, as units differ.';
comment on view bi.snapshot is
'One row per published snapshot: an organization on one date, with its size and origin.
Key: snapshot_date, org_id.
Adds up: recharged_cost, row_count, page_count, request_count of one date.';
comment on view bi.method is
'One row per recharge method: what it does, and where the rule is from.
Key: method_id.';
comment on view bi.method_fit is
'One row per snapshot, license and method tried: how many of its consumers the method charges as Flexera does.
Key: snapshot_date, org_id, license_id, method_id.
Several methods are tried for most license types; the one that fits best is chosen. needs_review names the licenses a person should look at.';
comment on view bi.explanation is
'One row per charge of bi.chargeback: a sentence that says where it comes from.
Key: that of bi.chargeback.
Made for the statement a cost center gets: one sentence for each charge.';
comment on view bi.dim_date is
'One row per day of the years from the first to the latest published snapshot.
Key: snapshot_date.
Whole years, so that a BI tool takes it for its calendar. Nights do not add up: filter by is_latest_snapshot, or by is_last_snapshot_of_month for one picture a month.';
comment on column bi.dim_date.snapshot_date is
'The day; the snapshot_date of every fact.';
comment on column bi.dim_date.year is
'Year, e.g. 2026.';
comment on column bi.dim_date.quarter is
'Quarter of the year, 1 to 4.';
comment on column bi.dim_date.month is
'Month of the year, 1 to 12.';
comment on column bi.dim_date.month_name is
'Name of the month in English.';
comment on column bi.dim_date.year_month is
'Year and month as text, e.g. 2026-11.';
comment on column bi.dim_date.month_start is
'First day of the month.';
comment on column bi.dim_date.iso_week is
'Week of the year by ISO 8601, 1 to 53.';
comment on column bi.dim_date.day_of_month is
'Day of the month, 1 to 31.';
comment on column bi.dim_date.day_of_week is
'Day of the week, 1 for Monday to 7 for Sunday.';
comment on column bi.dim_date.day_name is
'Name of the day in English.';
comment on column bi.dim_date.is_weekend is
'Whether the day is a Saturday or Sunday.';
comment on column bi.dim_date.is_month_end is
'Whether the day is the last of its month.';
comment on column bi.dim_date.has_snapshot is
'Whether an organization has a published snapshot of this day.';
comment on column bi.dim_date.is_last_snapshot_of_month is
'Whether this is the last day of its month that has a published snapshot.';
comment on column bi.dim_date.is_latest_snapshot is
'Whether this is the latest day of all that has a published snapshot.';
comment on view bi.dim_license is
'One row per version of a license that a published snapshot holds.
Key: license_key.
A member whose attributes change gets a row of its own from then on; facts keep the row of their day. To follow it over time, group by license_id.';
comment on column bi.dim_license.license_key is
'Key of this version of the license; the license_key of facts.';
comment on column bi.dim_license.org_id is
'Flexera One organization the figures come from.';
comment on column bi.dim_license.license_id is
'Flexera''s id of the license.';
comment on column bi.dim_license.license_name is
'Name of the license in Flexera.';
comment on column bi.dim_license.license_type is
'License type in Flexera, e.g. Oracle Processor or Named User; it decides how consumption is counted.';
comment on column bi.dim_license.unit is
'What the license''s consumption is counted in, e.g. Processor Licenses or Users.';
comment on column bi.dim_license.publisher is
'The software company the license is bought from.';
comment on column bi.dim_license.edition is
'Edition of the licensed product, where Flexera names one.';
comment on column bi.dim_license.version is
'Version of the licensed product, where Flexera names one.';
comment on column bi.dim_license.license_status is
'Status of the license in Flexera, e.g. Active.';
comment on column bi.dim_license.expires_on is
'Day the license ends; empty where it does not.';
comment on view bi.dim_product is
'One row per product: those that consumption rows name, and for each license a product of its own name.
Key: product_key.
A charge whose rows name no product belongs to the product its license stands for.';
comment on column bi.dim_product.product_key is
'Key of the product; the product_key of facts.';
comment on column bi.dim_product.org_id is
'Flexera One organization the figures come from.';
comment on column bi.dim_product.product_name is
'Name of the product; that of the license where the rows name none.';
comment on column bi.dim_product.publisher is
'Publisher of the product; Unassigned where the license has none.';
comment on column bi.dim_product.edition is
'Edition, of a product that stands for its license.';
comment on column bi.dim_product.version is
'Version, of a product that stands for its license.';
comment on view bi.dim_publisher is
'One row per publisher of a license that a published snapshot holds.
Key: publisher_key.';
comment on column bi.dim_publisher.publisher_key is
'Key of the publisher; the publisher_key of facts.';
comment on column bi.dim_publisher.org_id is
'Flexera One organization the figures come from.';
comment on column bi.dim_publisher.publisher is
'The software company; Unassigned for licenses without one.';
comment on view bi.dim_consumer is
'One row per version of a device or user that is charged, or of the rest that names neither.
Key: consumer_key.
A member whose attributes change gets a row of its own from then on; facts keep the row of their day. To follow it over time, group by device_id or user_id.';
comment on column bi.dim_consumer.consumer_key is
'Key of this version of the consumer; the consumer_key of facts.';
comment on column bi.dim_consumer.org_id is
'Flexera One organization the figures come from.';
comment on column bi.dim_consumer.consumer_type is
'Who is charged: device, user, or unallocated where the row names neither.';
comment on column bi.dim_consumer.consumer is
'Name of the device or user that is charged, or its id; Unallocated for neither.';
comment on column bi.dim_consumer.device_id is
'Flexera''s id of the device, where the row names one.';
comment on column bi.dim_consumer.device_name is
'Name of the device: the computer or virtual machine.';
comment on column bi.dim_consumer.device_type is
'Kind of device in Flexera, e.g. Virtual Machine.';
comment on column bi.dim_consumer.user_id is
'Flexera''s id of the user, where the row names one.';
comment on column bi.dim_consumer.user_name is
'Name of the user.';
comment on view bi.dim_host is
'One row per version of a physical host, and one named Unassigned for what runs on none.
Key: host_key.
A member whose attributes change gets a row of its own from then on; facts keep the row of their day. To follow it over time, group by host_id or host_name.';
comment on column bi.dim_host.host_key is
'Key of this version of the host; the host_key of facts.';
comment on column bi.dim_host.org_id is
'Flexera One organization the figures come from.';
comment on column bi.dim_host.host_id is
'Flexera''s id of the host; empty where the API gives only its name.';
comment on column bi.dim_host.host_name is
'Name of the host, or its id; Unassigned for what runs on none.';
comment on view bi.dim_cluster is
'One row per version of a cluster, and one named Unassigned for what runs on none.
Key: cluster_key.
A member whose attributes change gets a row of its own from then on; facts keep the row of their day. To follow it over time, group by cluster_id or cluster_name.';
comment on column bi.dim_cluster.cluster_key is
'Key of this version of the cluster; the cluster_key of facts.';
comment on column bi.dim_cluster.org_id is
'Flexera One organization the figures come from.';
comment on column bi.dim_cluster.cluster_id is
'Flexera''s id of the cluster; empty where the API gives only its name.';
comment on column bi.dim_cluster.cluster_name is
'Name of the cluster, or its id; Unassigned for what runs on none.';
comment on view bi.dim_cost_center is
'One row per cost center that a published snapshot uses, parents included.
Key: cost_center_key.
Flat by the level columns, as a tree by parent_cost_center_key. A path of more than ten names goes on in deeper_levels, so that no level is lost.';
comment on column bi.dim_cost_center.cost_center_key is
'Key of the cost center; the cost_center_key of facts.';
comment on column bi.dim_cost_center.org_id is
'Flexera One organization the figures come from.';
comment on column bi.dim_cost_center.cost_center is
'The cost center as a path from the top, e.g. Top/Middle/Leaf; Unassigned for consumers without one.';
comment on column bi.dim_cost_center.cost_center_name is
'The last name of the path.';
comment on column bi.dim_cost_center.parent_cost_center_key is
'Key of the cost center above; empty at the top.';
comment on column bi.dim_cost_center.depth is
'0 for the top of the tree, 1 for the level below it, and so on.';
comment on column bi.dim_cost_center.level_1 is
'First name of the path: the top of the tree.';
comment on column bi.dim_cost_center.level_2 is
'Name number 2 of the path; empty where the path ends before.';
comment on column bi.dim_cost_center.level_3 is
'Name number 3 of the path; empty where the path ends before.';
comment on column bi.dim_cost_center.level_4 is
'Name number 4 of the path; empty where the path ends before.';
comment on column bi.dim_cost_center.level_5 is
'Name number 5 of the path; empty where the path ends before.';
comment on column bi.dim_cost_center.level_6 is
'Name number 6 of the path; empty where the path ends before.';
comment on column bi.dim_cost_center.level_7 is
'Name number 7 of the path; empty where the path ends before.';
comment on column bi.dim_cost_center.level_8 is
'Name number 8 of the path; empty where the path ends before.';
comment on column bi.dim_cost_center.level_9 is
'Name number 9 of the path; empty where the path ends before.';
comment on column bi.dim_cost_center.level_10 is
'Name number 10 of the path; empty where the path ends before.';
comment on column bi.dim_cost_center.deeper_levels is
'The rest of a path of more than ten names, with / between them; empty for others.';
comment on view bi.dim_corporate_unit is
'One row per corporate unit that a published snapshot uses, parents included.
Key: corporate_unit_key.
Flat by the level columns, as a tree by parent_corporate_unit_key. A path of more than ten names goes on in deeper_levels, so that no level is lost.';
comment on column bi.dim_corporate_unit.corporate_unit_key is
'Key of the corporate unit; the corporate_unit_key of facts.';
comment on column bi.dim_corporate_unit.org_id is
'Flexera One organization the figures come from.';
comment on column bi.dim_corporate_unit.corporate_unit is
'The corporate unit as a path from the top, e.g. Top/Middle/Leaf; Unassigned for consumers without one.';
comment on column bi.dim_corporate_unit.corporate_unit_name is
'The last name of the path.';
comment on column bi.dim_corporate_unit.parent_corporate_unit_key is
'Key of the corporate unit above; empty at the top.';
comment on column bi.dim_corporate_unit.depth is
'0 for the top of the tree, 1 for the level below it, and so on.';
comment on column bi.dim_corporate_unit.level_1 is
'First name of the path: the top of the tree.';
comment on column bi.dim_corporate_unit.level_2 is
'Name number 2 of the path; empty where the path ends before.';
comment on column bi.dim_corporate_unit.level_3 is
'Name number 3 of the path; empty where the path ends before.';
comment on column bi.dim_corporate_unit.level_4 is
'Name number 4 of the path; empty where the path ends before.';
comment on column bi.dim_corporate_unit.level_5 is
'Name number 5 of the path; empty where the path ends before.';
comment on column bi.dim_corporate_unit.level_6 is
'Name number 6 of the path; empty where the path ends before.';
comment on column bi.dim_corporate_unit.level_7 is
'Name number 7 of the path; empty where the path ends before.';
comment on column bi.dim_corporate_unit.level_8 is
'Name number 8 of the path; empty where the path ends before.';
comment on column bi.dim_corporate_unit.level_9 is
'Name number 9 of the path; empty where the path ends before.';
comment on column bi.dim_corporate_unit.level_10 is
'Name number 10 of the path; empty where the path ends before.';
comment on column bi.dim_corporate_unit.deeper_levels is
'The rest of a path of more than ten names, with / between them; empty for others.';
comment on view bi.dim_location is
'One row per location that a published snapshot uses, parents included.
Key: location_key.
Flat by the level columns, as a tree by parent_location_key. A path of more than ten names goes on in deeper_levels, so that no level is lost.';
comment on column bi.dim_location.location_key is
'Key of the location; the location_key of facts.';
comment on column bi.dim_location.org_id is
'Flexera One organization the figures come from.';
comment on column bi.dim_location.location is
'The location as a path from the top, e.g. Top/Middle/Leaf; Unassigned for consumers without one.';
comment on column bi.dim_location.location_name is
'The last name of the path.';
comment on column bi.dim_location.parent_location_key is
'Key of the location above; empty at the top.';
comment on column bi.dim_location.depth is
'0 for the top of the tree, 1 for the level below it, and so on.';
comment on column bi.dim_location.level_1 is
'First name of the path: the top of the tree.';
comment on column bi.dim_location.level_2 is
'Name number 2 of the path; empty where the path ends before.';
comment on column bi.dim_location.level_3 is
'Name number 3 of the path; empty where the path ends before.';
comment on column bi.dim_location.level_4 is
'Name number 4 of the path; empty where the path ends before.';
comment on column bi.dim_location.level_5 is
'Name number 5 of the path; empty where the path ends before.';
comment on column bi.dim_location.level_6 is
'Name number 6 of the path; empty where the path ends before.';
comment on column bi.dim_location.level_7 is
'Name number 7 of the path; empty where the path ends before.';
comment on column bi.dim_location.level_8 is
'Name number 8 of the path; empty where the path ends before.';
comment on column bi.dim_location.level_9 is
'Name number 9 of the path; empty where the path ends before.';
comment on column bi.dim_location.level_10 is
'Name number 10 of the path; empty where the path ends before.';
comment on column bi.dim_location.deeper_levels is
'The rest of a path of more than ten names, with / between them; empty for others.';
comment on view bi.fact_chargeback is
'One row per snapshot, license and consumer: bi.chargeback with keys for names.
Key: snapshot_date, license_key, consumer_key.
Adds up: recharged_consumption, recharged_cost, derived_cost, consuming_installations, machine_consumption; not over nights.
product_key is the main product: of the last row that names one, the first that is no add-on. bi.fact_product_use has them all.';
comment on column bi.fact_chargeback.snapshot_date is
'The date the figures speak of: the tenant as it was that night.';
comment on column bi.fact_chargeback.org_id is
'Flexera One organization the figures come from.';
comment on column bi.fact_chargeback.license_key is
'Key into bi.dim_license.';
comment on column bi.fact_chargeback.publisher_key is
'Key into bi.dim_publisher.';
comment on column bi.fact_chargeback.product_key is
'Key into bi.dim_product: the main product of the consumer''s rows, or what the license stands for.';
comment on column bi.fact_chargeback.consumer_key is
'Key into bi.dim_consumer.';
comment on column bi.fact_chargeback.host_key is
'Key into bi.dim_host; that of Unassigned where it runs on none.';
comment on column bi.fact_chargeback.cluster_key is
'Key into bi.dim_cluster; that of Unassigned where it runs in none.';
comment on column bi.fact_chargeback.cost_center_key is
'Key into bi.dim_cost_center: the owner on that day.';
comment on column bi.fact_chargeback.corporate_unit_key is
'Key into bi.dim_corporate_unit: the owner on that day.';
comment on column bi.fact_chargeback.location_key is
'Key into bi.dim_location: the place on that day.';
comment on column bi.fact_chargeback.consuming_installations is
'Installations on the device that consume the license.';
comment on column bi.fact_chargeback.machine_consumption is
'Consumption Flexera counts for the device itself; may be 0 where only the host counts.';
comment on column bi.fact_chargeback.cost_per_right is
'Price of one unit of consumption, as kept in Flexera.';
comment on column bi.fact_chargeback.recharged_consumption is
'Consumption charged to this consumer. Adds up over consumers, licenses and groups.';
comment on column bi.fact_chargeback.recharged_cost is
'Cost charged to this consumer, in the currency beside it. Adds up like the consumption.';
comment on column bi.fact_chargeback.currency is
'Currency of the cost; empty where Flexera names none.';
comment on column bi.fact_chargeback.recharge_approach is
'How Flexera shared the license out to this row, in Flexera''s words.';
comment on column bi.fact_chargeback.derived_consumption is
'Consumption by the method that fits best, beside Flexera''s; empty where the license has no terms.';
comment on column bi.fact_chargeback.derived_cost is
'Cost by the method that fits best, rounded once per license; empty without a price.';
comment on column bi.fact_chargeback.method_id is
'Name and version of the method behind the derived figures; bi.method says what it does.';
comment on column bi.fact_chargeback.delta_reason is
'Why derived and recharged figures differ, from a closed list; empty where they agree.';
comment on column bi.fact_chargeback.is_reconciled is
'Whether the derived figures are those that Flexera recharges, to the cent.';
comment on column bi.fact_chargeback.is_carried_forward is
'True where the license could not be read that night, so that the row repeats an earlier snapshot.';
comment on view bi.fact_license_position is
'One row per snapshot and license, with or without consumers: bi.license_position with keys.
Key: snapshot_date, license_key.
Adds up: recharged_cost; quantities of licenses of one type only, as units differ.';
comment on column bi.fact_license_position.snapshot_date is
'The date the figures speak of: the tenant as it was that night.';
comment on column bi.fact_license_position.org_id is
'Flexera One organization the figures come from.';
comment on column bi.fact_license_position.license_key is
'Key into bi.dim_license.';
comment on column bi.fact_license_position.publisher_key is
'Key into bi.dim_publisher.';
comment on column bi.fact_license_position.product_key is
'Key into bi.dim_product: what the license stands for.';
comment on column bi.fact_license_position.purchased is
'Rights bought, as Flexera counts them.';
comment on column bi.fact_license_position.consumed is
'Consumption of the license as a whole, as Flexera counts it.';
comment on column bi.fact_license_position.machine_consumption is
'Consumption Flexera counts for the single devices, added up.';
comment on column bi.fact_license_position.recharged_consumption is
'Consumption charged to consumers, added up.';
comment on column bi.fact_license_position.recharged_cost is
'Cost charged to consumers, added up.';
comment on column bi.fact_license_position.residue is
'Consumed less recharged consumption: what is charged to nobody, or too much where negative.';
comment on column bi.fact_license_position.residue_reason is
'Why there is a residue, as in bi.license_position; empty where there is none.';
comment on column bi.fact_license_position.row_count is
'Consumption rows Flexera gave for the license.';
comment on column bi.fact_license_position.page_count is
'Pages Flexera gave them on.';
comment on column bi.fact_license_position.status is
'Where the license''s rows come from, as in bi.license_position.';
comment on view bi.fact_product_use is
'One row per snapshot, license, consumer and product that its rows name.
Key: snapshot_date, license_key, consumer_key, product_key.
It has no figures: count consumers, or find who uses an add-on. A charge with several products has several rows.';
comment on column bi.fact_product_use.snapshot_date is
'The date the figures speak of: the tenant as it was that night.';
comment on column bi.fact_product_use.org_id is
'Flexera One organization the figures come from.';
comment on column bi.fact_product_use.license_key is
'Key into bi.dim_license.';
comment on column bi.fact_product_use.publisher_key is
'Key into bi.dim_publisher.';
comment on column bi.fact_product_use.product_key is
'Key into bi.dim_product.';
comment on column bi.fact_product_use.consumer_key is
'Key into bi.dim_consumer.';
comment on column bi.fact_product_use.is_main is
'Whether bi.fact_chargeback counts the charge under this product.';
comment on column bi.fact_product_use.is_supplementary is
'Whether Flexera calls the product an add-on on every row that names it, such as an Oracle option.';
comment on view bi.fact_vm_consumption is
'One row per snapshot, license and virtual machine: bi.vm_consumption with keys.
Key: snapshot_date, license_key, consumer_key.
Adds up: consumption, recharged_consumption, recharged_cost; not over nights.';
comment on column bi.fact_vm_consumption.snapshot_date is
'The date the figures speak of: the tenant as it was that night.';
comment on column bi.fact_vm_consumption.org_id is
'Flexera One organization the figures come from.';
comment on column bi.fact_vm_consumption.license_key is
'Key into bi.dim_license.';
comment on column bi.fact_vm_consumption.publisher_key is
'Key into bi.dim_publisher.';
comment on column bi.fact_vm_consumption.consumer_key is
'Key into bi.dim_consumer.';
comment on column bi.fact_vm_consumption.host_key is
'Key into bi.dim_host; that of Unassigned where it runs on none.';
comment on column bi.fact_vm_consumption.cluster_key is
'Key into bi.dim_cluster; that of Unassigned where it runs in none.';
comment on column bi.fact_vm_consumption.installed_cores is
'Processor cores of the virtual machine.';
comment on column bi.fact_vm_consumption.consumption is
'Consumption Flexera counts for the virtual machine itself.';
comment on column bi.fact_vm_consumption.recharged_consumption is
'Consumption charged to the virtual machine.';
comment on column bi.fact_vm_consumption.recharged_cost is
'Cost charged to the virtual machine.';
comment on view bi.fact_host_consumption is
'One row per snapshot, license and physical host: bi.host_consumption with keys.
Key: snapshot_date, license_key, host_key.
Adds up: consumption, recharged_consumption, recharged_cost, vm_count; not over nights.';
comment on column bi.fact_host_consumption.snapshot_date is
'The date the figures speak of: the tenant as it was that night.';
comment on column bi.fact_host_consumption.org_id is
'Flexera One organization the figures come from.';
comment on column bi.fact_host_consumption.license_key is
'Key into bi.dim_license.';
comment on column bi.fact_host_consumption.publisher_key is
'Key into bi.dim_publisher.';
comment on column bi.fact_host_consumption.host_key is
'Key into bi.dim_host.';
comment on column bi.fact_host_consumption.cluster_key is
'Key into bi.dim_cluster; that of Unassigned where it runs in none.';
comment on column bi.fact_host_consumption.installed_cores is
'Cores of the host on which the software is installed; all its cores where only those are known.';
comment on column bi.fact_host_consumption.consuming_cores is
'Cores of the host that count for the license.';
comment on column bi.fact_host_consumption.vm_count is
'Virtual machines of the license on this host.';
comment on column bi.fact_host_consumption.consumption is
'Consumption Flexera counts for the whole host.';
comment on column bi.fact_host_consumption.recharged_consumption is
'Consumption charged to all consumers on this level: the sum of their rows in bi.chargeback.';
comment on column bi.fact_host_consumption.recharged_cost is
'Cost charged to all consumers on this level: the sum of their rows in bi.chargeback.';
comment on view bi.fact_cluster_consumption is
'One row per snapshot, license and cluster: bi.cluster_consumption with keys.
Key: snapshot_date, license_key, cluster_key.
Adds up: consumption, recharged_consumption, recharged_cost, vm_count, host_count; not over nights.';
comment on column bi.fact_cluster_consumption.snapshot_date is
'The date the figures speak of: the tenant as it was that night.';
comment on column bi.fact_cluster_consumption.org_id is
'Flexera One organization the figures come from.';
comment on column bi.fact_cluster_consumption.license_key is
'Key into bi.dim_license.';
comment on column bi.fact_cluster_consumption.publisher_key is
'Key into bi.dim_publisher.';
comment on column bi.fact_cluster_consumption.cluster_key is
'Key into bi.dim_cluster.';
comment on column bi.fact_cluster_consumption.installed_cores is
'Cores of the cluster on which the software is installed; all its cores where only those are known.';
comment on column bi.fact_cluster_consumption.consuming_cores is
'Cores of the cluster that count for the license.';
comment on column bi.fact_cluster_consumption.vm_count is
'Virtual machines of the license in this cluster.';
comment on column bi.fact_cluster_consumption.host_count is
'Hosts of the license in this cluster.';
comment on column bi.fact_cluster_consumption.consumption is
'Consumption of the cluster: its hosts'' consumption added up, each host once.';
comment on column bi.fact_cluster_consumption.recharged_consumption is
'Consumption charged to all consumers on this level: the sum of their rows in bi.chargeback.';
comment on column bi.fact_cluster_consumption.recharged_cost is
'Cost charged to all consumers on this level: the sum of their rows in bi.chargeback.';
-- The columns of mart: what a name means is the same in every table. Comments that are there stay.
do $$
declare
    described record;
begin
    for described in
        select
            columns.table_name,
            columns.column_name,
            meanings.meaning
        from information_schema.columns
        inner join pg_catalog.pg_class on pg_class.oid = format('mart.%I', columns.table_name)::regclass
        inner join (
            values
            ('load_id', 'The load that wrote the row; ops.snapshots names the load that bi shows.'),
            ('snapshot_date', 'The date of the load''s snapshot; facts have one partition a month by it.'),
            ('org_id', 'Flexera One organization the row belongs to.'),
            ('license_key', 'The license as it was that night: a row of mart.dim_licenses.'),
            ('consumer_key', 'The consumer as it was that night: a row of mart.dim_consumers.'),
            ('host_key', 'The host as it was that night: a row of mart.dim_hosts; empty for none.'),
            ('cluster_key', 'The cluster as it was that night: a row of mart.dim_clusters; empty for none.'),
            ('location_key', 'The location of that night: a row of mart.dim_organization_units.'),
            ('cost_center_key', 'The cost center of that night: a row of mart.dim_organization_units.'),
            ('corporate_unit_key', 'The corporate unit of that night: a row of mart.dim_organization_units.'),
            ('unit_key', 'The node of the tree: a row of mart.dim_organization_units.'),
            ('product_key', 'The product: a row of mart.dim_products.'),
            ('publisher_key', 'The publisher: a row of mart.dim_publishers.'),
            ('consumer_identity', 'What makes two rows the same consumer over time, whatever its names.'),
            ('host_identity', 'What makes two rows the same host over time: its id, or else its name.'),
            ('cluster_identity', 'What makes two rows the same cluster over time: its id, or else its name.'),
            ('host_id', 'Flexera''s id of the host.'),
            ('host_name', 'Name of the host.'),
            ('cluster_id', 'Flexera''s id of the cluster.'),
            ('cluster_name', 'Name of the cluster.'),
            ('consumer_type', 'Who is charged: device, user, or unallocated where the row names neither.'),
            ('hierarchy', 'Which tree: cost_center, corporate_unit or location.'),
            ('path', 'The node as a path from the top, with / between names; Unassigned for none.'),
            ('name', 'The last name of the path.'),
            ('parent_path', 'Path of the node above; empty at the top.'),
            ('parent_key', 'The node above; empty at the top.'),
            ('depth', '0 for the top of the tree, 1 for the level below it, and so on.'),
            ('deeper_levels', 'The rest of a path of more than ten names; empty for others.'),
            ('level_1', 'First name of the path: the top of the tree.'),
            ('level_2', 'Name number 2 of the path; empty where the path ends before.'),
            ('level_3', 'Name number 3 of the path; empty where the path ends before.'),
            ('level_4', 'Name number 4 of the path; empty where the path ends before.'),
            ('level_5', 'Name number 5 of the path; empty where the path ends before.'),
            ('level_6', 'Name number 6 of the path; empty where the path ends before.'),
            ('level_7', 'Name number 7 of the path; empty where the path ends before.'),
            ('level_8', 'Name number 8 of the path; empty where the path ends before.'),
            ('level_9', 'Name number 9 of the path; empty where the path ends before.'),
            ('level_10', 'Name number 10 of the path; empty where the path ends before.'),
            ('product_name', 'Name of the product; that of the license where the rows name none.'),
            ('calendar_date', 'The day.'),
            ('cores', 'Processor cores of the device.'),
            ('host_installed_cores', 'Cores of the host on which the software is installed.'),
            ('host_consuming_cores', 'Cores of the host that count for the license.'),
            ('cluster_installed_cores', 'Cores of the cluster on which the software is installed.'),
            ('cluster_consuming_cores', 'Cores of the cluster that count for the license.'),
            ('host_consumption', 'Consumption of the whole host, repeated on each of its rows.'),
            ('line_count', 'Consumption rows of the API that make up the charge.'),
            ('derived_weight', 'What the consumer weighs in the method''s last split.'),
            ('derived_weight_total', 'What all consumers of that split weigh.'),
            ('derived_parent_id', 'What is split: a host, cluster, pool or factor group; empty for the license.'),
            ('derived_parent_consumption', 'Consumption that is split there.'),
            ('carried_from_load_id', 'The load that read the row, where an earlier snapshot''s rows stand in.'),
            ('installed_cores', 'Cores on which the software is installed.'),
            ('consuming_cores', 'Cores that count for the license.'),
            ('consumption', 'The level''s own consumption, as Flexera counts it.'),
            ('vm_count', 'Virtual machines of the license on this level.'),
            ('host_count', 'Hosts of the license on this level.'),
            ('own_consumption', 'Consumption charged to the node itself.'),
            ('own_cost', 'Cost charged to the node itself.'),
            ('total_consumption', 'Consumption of the node and everything below it.'),
            ('total_cost', 'Cost of the node and everything below it.'),
            ('purchased', 'Rights bought, as Flexera counts them.'),
            ('consumed', 'Consumption of the license as a whole, as Flexera counts it.'),
            ('residue', 'Consumed less recharged consumption.'),
            ('residue_reason', 'Why there may be a residue; mart.residue_reasons says what each reason means.'),
            ('row_count', 'Consumption rows the API gave for the license.'),
            ('page_count', 'Pages the API gave them on.'),
            ('status', 'Where the license''s rows come from; bi.license_position explains each status.'),
            ('consumer_count', 'Consumers of the license.'),
            ('matching_count', 'Consumers whose derived consumption is the one Flexera recharges.'),
            ('deviation', 'What derived and recharged consumption differ by, over all consumers.'),
            ('unallocated_consumption', 'The part of derived_consumption that no listed consumer has a weight for.'),
            ('is_chosen', 'Whether this is the method shown with the charges.'),
            ('dimension', 'Which dimension the member is of: consumer, host or cluster.'),
            ('member_key', 'The version that the load uses: a row of mart.dim_consumers, mart.dim_hosts or mart.dim_clusters.'),
            ('is_main', 'Whether the charge is counted under this product.'),
            ('is_supplementary', 'Whether the API calls the product an add-on on every row that names it.'),
            ('family', 'The arithmetic the method uses; the catalog include/config/methods.yaml explains each.'),
            ('measure', 'What the method counts.'),
            ('weight', 'By what the method shares out.'),
            ('explanation', 'The rule in a paragraph.'),
            ('meaning', 'What the value means, in a sentence.'),
            ('source', 'Where the figure or rule is from.'),
            ('as_of', 'When the source was read.'),
            ('processor_pattern', 'Part of a processor''s name; the longest that is found counts.'),
            ('core_factor', 'Oracle licenses per core.'),
            ('least_sockets', 'The line counts from this many sockets on.'),
            ('points_per_core', 'IBM processor value units per core.'),
            ('cloud_list', 'Name of the vendor''s rule, as methods refer to it.'),
            ('is_hyperthreaded', 'Whether the machine has two threads a core.'),
            ('vcpus_per_right', 'vCPUs that one right covers.'),
            ('tier_list', 'Name of the price list, as methods refer to it.'),
            ('tier_number', 'Place of the tier in the list.'),
            ('up_to', 'The last unit of the tier; empty for no end.'),
            ('factor', 'What a unit of the tier counts.'),
            ('currency_scale', 'Decimals of the currency.'),
            ('minimum_list', 'Name of the rule, as methods refer to it.'),
            ('minimum_per_processor', 'The least that counts per processor.'),
            ('minimum_per_device', 'The least that counts per device.'),
            ('minimum_per_license', 'The least that counts per license.'),
            ('license_id', 'Flexera''s id of the license.'),
            ('license_name', 'Name of the license in Flexera.'),
            ('license_type', 'License type in Flexera, e.g. Oracle Processor or Named User; it decides how consumption is counted.'),
            ('unit', 'What the license''s consumption is counted in, e.g. Processor Licenses or Users.'),
            ('publisher', 'The software company the license is bought from.'),
            ('edition', 'Edition of the licensed product, where Flexera names one.'),
            ('version', 'Version of the licensed product, where Flexera names one.'),
            ('license_status', 'Status of the license in Flexera, e.g. Active.'),
            ('expires_on', 'Day the license ends; empty where it does not.'),
            ('device_id', 'Flexera''s id of the device, where the row names one.'),
            ('device_name', 'Name of the device: the computer or virtual machine.'),
            ('device_type', 'Kind of device in Flexera, e.g. Virtual Machine.'),
            ('user_id', 'Flexera''s id of the user, where the row names one.'),
            ('user_name', 'Name of the user.'),
            ('consuming_installations', 'Installations on the device that consume the license.'),
            ('machine_consumption', 'Consumption Flexera counts for the device itself; may be 0 where only the host counts.'),
            ('cost_per_right', 'Price of one unit of consumption, as kept in Flexera.'),
            ('recharged_consumption', 'Consumption charged to consumers, as Flexera recharges it.'),
            ('recharged_cost', 'Cost charged to consumers, as Flexera recharges it.'),
            ('currency', 'Currency of the cost; empty where Flexera names none.'),
            ('recharge_approach', 'How Flexera shared the license out to this row, in Flexera''s words.'),
            ('derived_consumption', 'Consumption by the method that fits best.'),
            ('derived_cost', 'Cost by the method that fits best.'),
            ('method_id', 'Name and version of the method; a row of mart.recharge_methods.'),
            ('delta_reason', 'Why derived and recharged figures differ; a row of mart.delta_reasons.'),
            ('is_reconciled', 'Whether the derived figures are those that Flexera recharges, to the cent.'),
            ('is_carried_forward', 'True where the license could not be read that night, so that the row repeats an earlier snapshot.'),
            ('year', 'Year, e.g. 2026.'),
            ('quarter', 'Quarter of the year, 1 to 4.'),
            ('month', 'Month of the year, 1 to 12.'),
            ('month_name', 'Name of the month in English.'),
            ('year_month', 'Year and month as text, e.g. 2026-11.'),
            ('month_start', 'First day of the month.'),
            ('iso_week', 'Week of the year by ISO 8601.'),
            ('day_of_month', 'Day of the month.'),
            ('day_of_week', '1 for Monday to 7 for Sunday.'),
            ('day_name', 'Name of the day in English.'),
            ('is_weekend', 'Whether the day is a Saturday or Sunday.'),
            ('is_month_end', 'Whether the day is the last of its month.')
        ) as meanings (column_name, meaning) on columns.column_name = meanings.column_name
        where
            columns.table_schema = 'mart'
            and not pg_class.relispartition
            and pg_catalog.col_description(pg_class.oid, columns.ordinal_position::integer) is null
    loop
        execute format(
            'comment on column mart.%I.%I is %L',
            described.table_name, described.column_name, described.meaning
        );
    end loop;
end
$$;

comment on table mart.dim_licenses is
'One row per version of a license: a changed attribute makes a new row, and facts keep the row of their day.';
comment on table mart.dim_organization_units is
'One row per cost center, corporate unit or location, parents included.
Flat by the level columns, as a tree by parent_key. A check holds that no name of the path is lost.';
comment on column mart.dim_licenses.license_key is
'Key of this version: made of all its attributes, so that every load gives the same.';
comment on column mart.dim_licenses.product_key is
'The product the license stands for, by its own name, edition and version.';
comment on column mart.dim_consumers.consumer_key is
'Key of this version: made of all its attributes, so that every load gives the same.';
comment on column mart.dim_hosts.host_key is
'Key of this version: made of all its attributes, so that every load gives the same.';
comment on column mart.dim_clusters.cluster_key is
'Key of this version: made of all its attributes, so that every load gives the same.';
comment on column mart.dim_organization_units.unit_key is
'Key of the node: made of organization, tree and path.';
comment on column mart.dim_publishers.publisher_key is
'Key of the publisher: made of its name.';
comment on column mart.dim_products.product_key is
'Key of the product: made of all its attributes.';
comment on column mart.fct_chargeback.product_key is
'The main product of the consumer''s rows, or what the license stands for; empty for loads of before this column, for which bi takes the latter.';
comment on column mart.license_types.license_type is
'Name of the type in Flexera.';
comment on column mart.license_types.unit is
'What the type is counted in.';