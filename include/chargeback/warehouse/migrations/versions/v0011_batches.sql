-- The quantities of some licenses are found without reading all of the load's. Their partition is of one load and terms
-- are numbered license by license, so that a batch of licenses is a range of terms.
create index int_recharge_quantities_terms on intermediate.int_recharge_quantities (term_number, level);
drop index intermediate.int_recharge_quantities_layers;
