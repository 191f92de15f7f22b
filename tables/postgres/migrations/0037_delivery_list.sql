-- The list of deliveries with a reason, which are few. An update of the status alone does not touch the index, so it may stay within its page.
create index deliveries_reason_idx on deliveries (id) where reason <> '';
