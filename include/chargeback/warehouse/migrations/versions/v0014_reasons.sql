-- Reasons that say what to do, sentences that say who, and nothing that nobody reads.

-- Only what the API recharges is owed as it is: what any other family counts is shared.
alter table intermediate.int_recharge_quantities alter column is_direct set default false;
