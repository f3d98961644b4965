-- What the recharge rules read and write: the capacity tree and the terms of each license in, quantities and shares
-- out; and the public figures (factors, minimums, tiers) that the rules look up.

-- The tree. Five levels: consumers, two levels of resource pools, hosts, clusters; the license is above them all. A
-- level may be left out: a node's parent is the nearest node above it, and without one it stands under the license.
create table intermediate.int_capacity_nodes (
    load_id bigint not null,
    license_id text not null,
    node_id text not null check (node_id <> ''),
    node_type text not null
    check (
        node_type in (
            'device', 'virtual_machine', 'instance', 'user', 'unallocated', 'pool', 'outer_pool', 'host', 'cluster'
        )
    ),
    level smallint not null generated always as (
        case node_type
            when 'pool' then 1
            when 'outer_pool' then 2
            when 'host' then 3
            when 'cluster' then 4
            else 0
        end
    ) stored,
    parent_node_id text,
    host_node_id text,
    cluster_node_id text,
    cores numeric,
    capped_cores numeric,
    threads numeric,
    sockets numeric,
    socket_cores numeric [],
    processor_type text,
    points_per_core numeric,
    core_factor numeric,
    users numeric,
    account_id text,
    installations numeric,
    has_installation boolean,
    is_eligible_for_sub_capacity boolean,
    is_cloud boolean,
    is_hyperthreaded boolean,
    allocation_weight numeric,
    recharged_consumption numeric,
    recharged_cost numeric,
    primary key (load_id, license_id, node_id)
) partition by list (load_id);
comment on table intermediate.int_capacity_nodes is
'One row per load, license and node of the license''s capacity tree: consumers, pools, hosts and clusters.';
comment on column intermediate.int_capacity_nodes.node_id is
'Unique within the license. A consumer''s is its consumer_identity; those of pools, hosts and clusters begin with a
word of their own ("host id:7"), so that a host that is charged as a device too stands in the tree twice.';
comment on column intermediate.int_capacity_nodes.level is
'0 consumer, 1 pool, 2 pool around pools, 3 host, 4 cluster. A parent is of a higher level than its children.';
comment on column intermediate.int_capacity_nodes.parent_node_id is
'The nearest pool, host or cluster around the node; null for a node that stands under the license itself.';
comment on column intermediate.int_capacity_nodes.host_node_id is
'The host around the node, whatever pools lie between; null for none. Not set on hosts and clusters.';
comment on column intermediate.int_capacity_nodes.cluster_node_id is
'The cluster around the node, whatever lies between; null for none. Not set on clusters.';
comment on column intermediate.int_capacity_nodes.cores is
'Of a consumer the cores it is assigned; of a host all its cores, or the active ones where only those are licensed;
of a cluster all cores of all its hosts, as rows are given only for hosts with an installation.';
comment on column intermediate.int_capacity_nodes.capped_cores is
'At most so many cores are used, by the machine or by all in the pool; null is no cap. The entitled capacity of a
capped partition.';
comment on column intermediate.int_capacity_nodes.threads is 'Hardware threads, the vCPUs of a cloud instance.';
comment on column intermediate.int_capacity_nodes.socket_cores is
'Cores of each processor where they differ; else sockets and cores say it.';
comment on column intermediate.int_capacity_nodes.processor_type is
'Looked up in mart.core_factors and mart.pvu_per_core where the row has no factor of its own.';
comment on column intermediate.int_capacity_nodes.points_per_core is
'Points that the API gives a core of the node, or a processor for processor points; an Oracle license''s core factor.';
comment on column intermediate.int_capacity_nodes.core_factor is
'Oracle''s core factor where it is known apart from points_per_core.';
comment on column intermediate.int_capacity_nodes.users is 'Users of a server, or the quantity of an account on it.';
comment on column intermediate.int_capacity_nodes.account_id is
'Whom a node of type user stands for; the same account on two servers counts once, at its largest quantity.';
comment on column intermediate.int_capacity_nodes.has_installation is
'Whether the consumer runs the software; null counts as yes, since the API lists consumers only.';
comment on column intermediate.int_capacity_nodes.allocation_weight is
'The configured key of a license that is split by a key: headcount, hours of use, or percent.';
comment on column intermediate.int_capacity_nodes.recharged_consumption is
'What the API recharges to the consumer; method as_recharged takes it as it is.';

create table intermediate.int_license_terms (
    load_id bigint not null,
    term_number integer not null,
    license_id text not null,
    method_id text not null,
    family text not null,
    measure text not null,
    weight text not null,
    layers text not null check (layers in ('layered', 'flat')),
    round_at text not null check (round_at in ('partition', 'group', 'sum', 'none')),
    residue_policy text not null check (residue_policy in ('pro_rata', 'separate_row')),
    scope text not null check (scope in ('host', 'cluster')),
    is_sub_capacity boolean not null,
    factor_source text not null,
    factor numeric,
    minimum_list text,
    minimum_per_processor numeric,
    minimum_per_device numeric,
    minimum_per_license numeric,
    machines_per_layer numeric check (machines_per_layer > 0),
    units_per_right numeric check (units_per_right > 0),
    cloud_list text,
    tier_list text,
    license_quantity numeric,
    share_scale smallint not null check (share_scale between 0 and 18),
    share_units numeric not null generated always as (trunc(power(10::numeric, share_scale))) stored,
    share_quantum numeric not null generated always as (('1e-' || share_scale::text)::numeric) stored,
    primary key (load_id, license_id, method_id),
    unique (load_id, term_number)
) partition by list (load_id);
comment on table intermediate.int_license_terms is
'One row per load, license and candidate method: the method''s parameters from include/config/methods.yaml.';
comment on column intermediate.int_license_terms.term_number is
'A short key for license and method within the load: 1, 2, 3. Quantities and shares carry it.';
comment on column intermediate.int_license_terms.family is 'Which file of include/sql/recharge/ works it out.';
comment on column intermediate.int_license_terms.measure is
'What is counted: cores, capped_cores, processors, threads, users, installations, devices or amount.';
comment on column intermediate.int_license_terms.weight is
'What consumers share by: cores, capped_cores, threads, equal, users, installations, quantity (what each counts
itself), larger (users or their minimum, as the license counts), configured or percent.';
comment on column intermediate.int_license_terms.round_at is
'Where fractions are rounded up: at each partition or device, for each factor group, once on the sum, or nowhere.';
comment on column intermediate.int_license_terms.residue_policy is
'Who bears what rounding adds: all pro rata, or a consumer "rounding" of its own.';
comment on column intermediate.int_license_terms.scope is
'Within what machines may move: each host counts its own, or each host of a cluster counts the cluster''s.';
comment on column intermediate.int_license_terms.factor_source is
'Which figure of a node multiplies what is counted (points_per_core, core_factor, none); factor where it has none.';
comment on column intermediate.int_license_terms.minimum_list is
'Where the three minimums stand in mart.license_minimums; those given here come before them.';
comment on column intermediate.int_license_terms.machines_per_layer is
'How many virtual machines one licensing of the host covers; null for any number.';
comment on column intermediate.int_license_terms.units_per_right is
'How many counted units one right covers: installations of a device right, vCPUs of a processor, cores of a pack.';
comment on column intermediate.int_license_terms.cloud_list is
'Where the vCPUs that one right covers stand in mart.cloud_vcpus, with and without hyper-threading.';
comment on column intermediate.int_license_terms.tier_list is 'Where the tiers stand in mart.consumption_tiers.';
comment on column intermediate.int_license_terms.license_quantity is
'The license''s consumption where it is typed in or bought as a whole and only its split is derived.';
comment on column intermediate.int_license_terms.share_scale is
'Decimals of a share. What is left over after these decimals is handed out by largest remainder at every layer.';

create table intermediate.int_price_sources (
    load_id bigint not null,
    license_id text not null,
    cost_per_right numeric,
    financial_tab_amount numeric,
    override_unit_price numeric,
    last_purchase_unit_price numeric,
    purchase_total_price numeric,
    purchase_quantity numeric,
    quantity_per_unit numeric,
    term_months numeric check (term_months > 0),
    currency text,
    currency_scale smallint check (currency_scale between 0 and 6),
    primary key (load_id, license_id)
) partition by list (load_id);
comment on table intermediate.int_price_sources is
'One row per load and license with a price: every place a price per right may come from.';
comment on column intermediate.int_price_sources.term_months is
'Over how many months the price is spread; null for a price that is charged as it is.';
comment on column intermediate.int_price_sources.currency_scale is
'Decimals of the currency''s minor unit; null for those of mart.currency_units, or 2.';

create table intermediate.int_license_prices (
    load_id bigint not null,
    license_id text not null,
    price_source text not null,
    price_numerator numeric not null,
    price_denominator numeric not null check (price_denominator > 0),
    price_per_right numeric not null,
    currency text,
    currency_units numeric not null,
    currency_quantum numeric not null,
    primary key (load_id, license_id)
) partition by list (load_id);
comment on table intermediate.int_license_prices is
'One row per load and license with a price: the price per right by precedence, as an exact fraction and rounded.';
comment on column intermediate.int_license_prices.price_per_right is
'numerator / denominator at six decimals, for reading; costs are worked out from the fraction.';
comment on column intermediate.int_license_prices.currency_units is 'Minor units in one unit: 100 cents.';
comment on column intermediate.int_license_prices.currency_quantum is 'One minor unit: 0.01.';

create table intermediate.int_recharge_quantities (
    load_id bigint not null,
    term_number integer not null,
    level smallint not null,
    node_id text not null,
    node_type text not null,
    parent_node_id text,
    counted numeric,
    capacity numeric,
    factor numeric,
    quantity numeric,
    weight numeric not null check (weight >= 0),
    given_cost numeric,
    is_direct boolean not null
) partition by list (load_id);
create index int_recharge_quantities_layers on intermediate.int_recharge_quantities (level) where level > 0;
comment on table intermediate.int_recharge_quantities is
'One row per load, method of a license (term_number) and node of every layer: what is counted there on the way up.';
comment on column intermediate.int_recharge_quantities.level is
'As in int_capacity_nodes; 4 also for a factor group, 5 for the license, whose quantity is its consumption.';
comment on column intermediate.int_recharge_quantities.parent_node_id is
'Whose quantity the node has a share of; pools are left out by a flat method. Empty text for the license.';
comment on column intermediate.int_recharge_quantities.counted is 'What the nodes below add up to, or the node has.';
comment on column intermediate.int_recharge_quantities.capacity is 'counted after caps, minimums and roundings.';
comment on column intermediate.int_recharge_quantities.factor is 'Points per core, core factor, layers or ratio.';
comment on column intermediate.int_recharge_quantities.quantity is
'The node''s consumption in the license''s metric; null where only its share is defined.';
comment on column intermediate.int_recharge_quantities.weight is 'By this it shares with its siblings.';
comment on column intermediate.int_recharge_quantities.given_cost is 'The cost of a node that owes what the API says.';
comment on column intermediate.int_recharge_quantities.is_direct is
'The node owes its quantity itself; nothing is shared.';

create table intermediate.int_recharge_siblings (
    load_id bigint not null,
    term_number integer not null,
    parent_node_id text not null,
    weight_total numeric not null,
    has_layers boolean not null,
    primary key (load_id, term_number, parent_node_id)
) partition by list (load_id);
comment on table intermediate.int_recharge_siblings is
'One row per load, method of a license and parent: what its children weigh together.';
comment on column intermediate.int_recharge_siblings.has_layers is
'Whether any of the children is a pool, host, cluster or group, which has children in its turn.';

create table intermediate.int_recharge_layers (
    load_id bigint not null,
    term_number integer not null,
    license_id text not null,
    method_id text not null,
    level smallint not null,
    node_id text not null,
    node_type text not null,
    parent_node_id text,
    origin_node_id text not null,
    sign numeric not null,
    origin_units numeric not null,
    origin_consumption numeric not null,
    units numeric not null check (units >= 0),
    derived_consumption numeric not null,
    primary key (load_id, term_number, node_id)
) partition by list (load_id);
comment on table intermediate.int_recharge_layers is
'One row per load, license, method and node above the consumers: what came down to it from the license.';
comment on column intermediate.int_recharge_layers.units is
'The share without its sign, in whole units of the last decimal; the shares of siblings add up to their parent''s.';
comment on column intermediate.int_recharge_layers.origin_node_id is
'The topmost node above, or the node itself; empty text for the license.';

create table intermediate.int_recharge_shares (
    load_id bigint not null,
    term_number integer not null,
    license_id text not null,
    method_id text not null,
    node_id text not null,
    node_type text not null,
    parent_node_id text not null,
    origin_node_id text not null,
    license_consumption numeric not null,
    origin_consumption numeric not null,
    parent_consumption numeric not null,
    weight numeric not null,
    weight_total numeric not null,
    derived_consumption numeric not null,
    derived_cost numeric,
    price_per_right numeric,
    primary key (load_id, term_number, node_id)
) partition by list (load_id);
comment on table intermediate.int_recharge_shares is
'One row per load, license, method and consumer: its share and cost, with the figures that explain them:
derived_consumption = parent_consumption x weight / weight_total, the last digit by largest remainder.';
comment on column intermediate.int_recharge_shares.node_type is
'The consumer''s, or "unallocated" for what nobody has a weight for, or "rounding" for the residue of a rounding.';
comment on column intermediate.int_recharge_shares.parent_node_id is
'The pool, host, cluster or group whose consumption is shared; empty text for the license.';
comment on column intermediate.int_recharge_shares.origin_node_id is
'The topmost host, cluster or group above the consumer; empty text where the license itself is shared.';
comment on column intermediate.int_recharge_shares.derived_cost is
'Null without a price. The costs of a license and method add up to its rounded cost to the minor unit.';

-- Public figures, with their source and date. They are the .csv files of include/config/seeds/: correct those and
-- run migrate.
create table mart.core_factors (
    processor_pattern text primary key,
    core_factor numeric not null check (core_factor > 0),
    source text not null,
    as_of date not null
);
comment on table mart.core_factors is 'One row per processor family: Oracle''s core factor; the longest match counts.';

create table mart.pvu_per_core (
    processor_pattern text not null,
    least_sockets integer not null check (least_sockets > 0),
    points_per_core numeric not null check (points_per_core > 0),
    source text not null,
    as_of date not null,
    primary key (processor_pattern, least_sockets)
);
comment on table mart.pvu_per_core is
'One row per processor family and size of server: IBM''s PVUs per core; the longest match counts.';

create table mart.license_minimums (
    minimum_list text primary key,
    minimum_per_processor numeric,
    minimum_per_device numeric,
    minimum_per_license numeric,
    source text not null,
    as_of date not null
);
comment on table mart.license_minimums is 'One row per rule of a vendor: the least that is counted.';

create table mart.consumption_tiers (
    tier_list text not null,
    tier_number integer not null,
    up_to numeric,
    factor numeric not null,
    source text not null,
    as_of date not null,
    primary key (tier_list, tier_number)
);
comment on table mart.consumption_tiers is
'One row per tier of a price list: units up to this total count by this factor; null up_to for the last.';

create table mart.cloud_vcpus (
    cloud_list text not null,
    is_hyperthreaded boolean not null,
    vcpus_per_right numeric not null check (vcpus_per_right > 0),
    source text not null,
    as_of date not null,
    primary key (cloud_list, is_hyperthreaded)
);
comment on table mart.cloud_vcpus is 'One row per vendor''s rule for authorized clouds: vCPUs that one right covers.';

create table mart.currency_units (
    currency text primary key,
    currency_scale smallint not null check (currency_scale between 0 and 6),
    source text not null,
    as_of date not null
);
comment on table mart.currency_units is 'One row per currency whose minor unit is not a hundredth.';

create view intermediate.int_rated_nodes as
with

processors as (
    select distinct
        load_id,
        processor_type,
        sockets
    from intermediate.int_capacity_nodes
    where processor_type is not null
),

rated as (
    select
        processors.load_id,
        processors.processor_type,
        processors.sockets,
        (
            select core_factors.core_factor
            from mart.core_factors
            where position(core_factors.processor_pattern in lower(processors.processor_type)) > 0
            order by length(core_factors.processor_pattern) desc, core_factors.processor_pattern
            limit 1
        ) as core_factor,
        (
            select pvu_per_core.points_per_core
            from mart.pvu_per_core
            where
                position(pvu_per_core.processor_pattern in lower(processors.processor_type)) > 0
                and pvu_per_core.least_sockets <= coalesce(processors.sockets, 1)
            order by
                length(pvu_per_core.processor_pattern) desc,
                pvu_per_core.processor_pattern,
                pvu_per_core.least_sockets desc
            limit 1
        ) as points_per_core
    from processors
)

select
    nodes.load_id,
    nodes.license_id,
    nodes.node_id,
    nodes.node_type,
    nodes.level,
    nodes.parent_node_id,
    nodes.host_node_id,
    nodes.cluster_node_id,
    nodes.cores,
    nodes.capped_cores,
    nodes.threads,
    nodes.sockets,
    nodes.socket_cores,
    nodes.users,
    nodes.account_id,
    nodes.installations,
    nodes.is_cloud,
    nodes.is_hyperthreaded,
    nodes.is_eligible_for_sub_capacity,
    coalesce(nodes.has_installation, true) as has_installation,
    coalesce(nodes.points_per_core, rated.points_per_core) as points_per_core,
    coalesce(nodes.core_factor, nodes.points_per_core, rated.core_factor) as core_factor
from intermediate.int_capacity_nodes as nodes
left join rated
    on
        nodes.load_id = rated.load_id
        and nodes.processor_type = rated.processor_type
        and nodes.sockets is not distinct from rated.sockets;
comment on view intermediate.int_rated_nodes is
'int_capacity_nodes with the points and factor of a processor that the row names without figures of its own.';

create view intermediate.int_rated_terms as
select
    int_license_terms.*,
    coalesce(int_license_terms.minimum_per_processor, license_minimums.minimum_per_processor) as least_per_processor,
    coalesce(int_license_terms.minimum_per_device, license_minimums.minimum_per_device) as least_per_device,
    coalesce(int_license_terms.minimum_per_license, license_minimums.minimum_per_license) as least_per_license
from intermediate.int_license_terms
left join mart.license_minimums on int_license_terms.minimum_list = license_minimums.minimum_list;
comment on view intermediate.int_rated_terms is
'int_license_terms with the minimums that count: those of the method, or else those of the vendor''s list.';

-- Loads whose levels are still there get the partitions they lack.
select ops.ensure_partitions(load_id, snapshot_date) from ops.loads where levels_dropped_at is null;
