-- lock_partitions: locks out other processes that change partitions, until the end of the transaction.
select pg_advisory_xact_lock(hashtext('herold.partitions'));

-- set_lock_timeout: limits the wait for table locks, because the recorder would wait behind it; the change is retried later.
set local lock_timeout = '2s';

-- create_partition: creates the partition of one table and day if it is missing, and returns whether it was created.
select create_partition($1, $2);

-- drop_partition: drops a daily partition.
select drop_partition($1);

-- list_partitions: lists the names of the daily partitions of some tables.
select partition.relname as name
from pg_inherits
join pg_class parent on parent.oid = inhparent
join pg_class partition on partition.oid = inhrelid
where parent.relname = any($1::text[]) and parent.relnamespace = 'public'::regnamespace and partition.relname ~ '_[0-9]{8}$'
order by partition.relname;

-- delete_old_dead_letters: deletes the dead letters before a day (UTC).
delete from dead_letters where created_at < ($1::date)::timestamp at time zone 'UTC';

-- delete_old_redrives: deletes the redrives that ended before a day (UTC), with their items.
delete from redrives where ended_at < ($1::date)::timestamp at time zone 'UTC';

-- count_default_partition_rows: counts the rows of the default partitions.
select (select count(*) from notifications_default) + (select count(*) from deliveries_default) + (select count(*) from delivery_logs_default)
    + (select count(*) from provider_events_default);

-- delete_old_endpoint_counts: deletes the counters of webhook endpoints before a day (UTC).
delete from webhook_endpoint_counts where hour < ($1::date)::timestamp at time zone 'UTC';

-- delete_orphaned_endpoint_health: deletes what is known of webhook endpoints that were deleted with their user.
delete from webhook_endpoint_health where not exists (select from webhook_endpoints where webhook_endpoints.id = endpoint_id);

-- delete_old_user_counts: deletes the counters before a day (UTC).
delete from user_counts where day < $1;

-- delete_old_help_messages: deletes the inbound messages with HELP before a day (UTC); STOP and START stay.
delete from inbound_messages where event = 'help' and received_at < ($1::date)::timestamp at time zone 'UTC';
