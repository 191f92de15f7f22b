-- create_staging_notifications: creates the staging table for rows that may exist; it is empty at the end of each transaction.
create temporary table if not exists staging_notifications (like notifications including defaults) on commit delete rows;

-- create_staging_deliveries: creates the staging table of deliveries.
create temporary table if not exists staging_deliveries (like deliveries including defaults) on commit delete rows;

-- create_staging_delivery_logs: creates the staging table of delivery_logs.
create temporary table if not exists staging_delivery_logs (like delivery_logs including defaults) on commit delete rows;

-- merge_notifications: merges the staged notifications that were resumed and redriven so often; the greater (resume_count, redrive_count,
-- rank of the state) wins (schemas.history.compute_decision_precedence). The deliveries and the decision log of a notification that was
-- resumed or redriven follow those before.
insert into notifications as old
select * from staging_notifications where resume_count = $1 and redrive_count = $2 order by id
on conflict (id, user_id) do update set
    type = excluded.type, category = excluded.category, priority = excluded.priority, state = excluded.state,
    reason = excluded.reason, duplicate_of = excluded.duplicate_of,
    deliveries = case excluded.resume_count + excluded.redrive_count
        when 0 then excluded.deliveries else concatenate_arrays(old.deliveries, excluded.deliveries) end,
    decision_log = case excluded.resume_count + excluded.redrive_count
        when 0 then excluded.decision_log else concatenate_arrays(old.decision_log, excluded.decision_log) end,
    created_at = excluded.created_at, decided_at = excluded.decided_at, expires_at = excluded.expires_at,
    resume_count = excluded.resume_count, redrive_count = excluded.redrive_count
where (old.resume_count, old.redrive_count, case old.state when 'held' then 0 when 'routed' then 2 else 1 end)
    < (excluded.resume_count, excluded.redrive_count, case excluded.state when 'held' then 0 when 'routed' then 2 else 1 end)
returning id;

-- merge_deliveries: merges the staged deliveries; the greater precedence wins (schemas.events.compute_precedence).
insert into deliveries as old
select * from staging_deliveries order by id
on conflict (id) do update set
    status = excluded.status, status_rank = excluded.status_rank, reason = excluded.reason, outcome = excluded.outcome,
    redrive_count = excluded.redrive_count, attempt = excluded.attempt, provider = excluded.provider,
    provider_message_id = excluded.provider_message_id, updated_at = excluded.updated_at,
    variant = case excluded.variant when '' then old.variant else excluded.variant end
where (old.redrive_count, old.status_rank >= 20, old.attempt, old.status_rank)
    < (excluded.redrive_count, excluded.status_rank >= 20, excluded.attempt, excluded.status_rank)
returning id;

-- merge_delivery_logs: appends the staged log rows; a row that exists is the same event, consumed again.
insert into delivery_logs
select * from staging_delivery_logs order by id
on conflict do nothing
returning id;

-- add_user_counts: adds to the counters of these days (since 1970), users and channels, which are in the order of the key.
insert into user_counts as old (day, user_id, channel, sent)
select date '1970-01-01' + day, user_id, channel, sent from unnest($1::int[], $2::text[], $3::text[], $4::int[]) as new (day, user_id, channel, sent)
on conflict (day, user_id, channel) do update set sent = old.sent + excluded.sent;

-- insert_dead_letter: inserts a dead letter with the topic, partition, offset and time of its record as the key.
insert into dead_letters (id, topic, "partition", "offset", created_at, stage, reason, error, source_topic, source_partition, source_offset,
                          attempts, user_id, notification_id, delivery_id, key, value, truncated, cause, channel, type, account, outcome,
                          provider_code, redrive_count, source_time, source_headers)
values ($1, $2, $3, $4, to_timestamp($5), $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25,
        to_timestamp($26::float8), $27)
on conflict do nothing;
