-- The list of deliveries with a reason, which are few. An update of the status alone does not touch the index, so it may stay within its page.
-- Of the table only: 0050 builds it in the partitions, while others write.
create index deliveries_reason_idx on only deliveries (id) where reason <> '';

-- Filters of lists that read the whole table. Dead letters and broadcasts are few beside what is delivered.
create index dead_letters_reason_idx on dead_letters (reason, id);
create index dead_letters_type_idx on dead_letters (type, id);
create index dead_letters_account_idx on dead_letters (account, id);
create index dead_letters_user_id_idx on dead_letters (user_id, id);
create index broadcasts_audience_name_idx on broadcasts (audience_name, id) where audience_name <> '';
create index broadcasts_schedule_id_idx on broadcasts (schedule_id, id) where schedule_id is not null;
