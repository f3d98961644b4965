-- What units_per_row counts, now that a reason is given for no more of a difference than the figures show.

comment on column mart.gap_tolerances.units_per_row is
'Units of the license that each row of a host may be off, as by rounding, summed over its rows; and that the license may be off, once.';
