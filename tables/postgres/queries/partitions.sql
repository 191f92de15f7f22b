-- lock_partitions: one process at a time; released with the transaction
select pg_advisory_xact_lock(hashtext('herold.partitions'));

-- set_lock_timeout: a change of partitions must not hold up the recorder behind a long query; it is tried again later
set local lock_timeout = '2s';

-- create_partition: the partition of one day of one table, if it is missing; whether it was made
select create_partition($1, $2);

-- list_partitions: the days' partitions of the three tables, with their names
select parent.relname as parent, part.relname as name
from pg_inherits
join pg_class parent on parent.oid = inhparent
join pg_class part on part.oid = inhrelid
where parent.relname = any($1::text[]) and parent.relnamespace = 'public'::regnamespace and part.relname ~ '_[0-9]{8}$'
order by part.relname;

-- delete_old_dead_letters: dead letters from before a day (UTC); their topic keeps them for a month of its own
delete from dead_letters where created_at < ($1::date)::timestamp at time zone 'UTC';

-- count_default_partition_rows: how many rows the default partitions hold
select (select count(*) from notifications_default) + (select count(*) from deliveries_default) + (select count(*) from delivery_logs_default);
