-- stage_notifications: rows that may exist already wait here, for the length of a transaction
create temporary table if not exists staged_notifications (like notifications including defaults) on commit delete rows;

-- stage_deliveries: the same for deliveries
create temporary table if not exists staged_deliveries (like deliveries including defaults) on commit delete rows;

-- stage_delivery_logs: the same for the log
create temporary table if not exists staged_delivery_logs (like delivery_logs including defaults) on commit delete rows;

-- merge_notifications: routed beats refused, anything beats held, else the first stays (schemas.history.STATE_RANK)
insert into notifications as old
select * from staged_notifications order by id
on conflict (id) do update set
    user_id = excluded.user_id, type = excluded.type, category = excluded.category, lane = excluded.lane, state = excluded.state,
    reason = excluded.reason, first_id = excluded.first_id, deliveries = excluded.deliveries, trace = excluded.trace,
    created_at = excluded.created_at, decided_at = excluded.decided_at, expires_at = excluded.expires_at
where (case old.state when 'held' then 0 when 'routed' then 2 else 1 end)
    < (case excluded.state when 'held' then 0 when 'routed' then 2 else 1 end);

-- merge_deliveries: the greater (generation, rank >= 20, attempt, rank) wins (schemas.status.precedence)
insert into deliveries as old
select * from staged_deliveries order by id
on conflict (id) do update set
    status = excluded.status, rank = excluded.rank, reason = excluded.reason, outcome = excluded.outcome,
    generation = excluded.generation, attempt = excluded.attempt, provider = excluded.provider, provider_id = excluded.provider_id,
    updated_at = excluded.updated_at
where (old.generation, old.rank >= 20, old.attempt, old.rank)
    < (excluded.generation, excluded.rank >= 20, excluded.attempt, excluded.rank);

-- merge_delivery_logs: the log only grows; the same event read again is there already
insert into delivery_logs
select * from staged_delivery_logs order by id
on conflict do nothing;

-- letter: a dead letter under the place and time of its record
insert into dead_letters (topic, "partition", "offset", at, stage, reason, error, source_topic, source_partition, source_offset,
                          attempts, user_id, notification_id, delivery_id, key, value, truncated)
values ($1, $2, $3, to_timestamp($4), $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
on conflict do nothing;
