-- create_staging_notifications: creates the staging table for rows that may exist, and empties it of those that the
-- transaction has merged: a second merge of the same row with them would be refused.
create temporary table if not exists staging_notifications (like notifications including defaults) on commit delete rows;
delete from staging_notifications;

-- create_staging_deliveries: creates the staging table of deliveries.
create temporary table if not exists staging_deliveries (like deliveries including defaults) on commit delete rows;
delete from staging_deliveries;

-- create_staging_delivery_logs: creates the staging table of delivery_logs.
create temporary table if not exists staging_delivery_logs (like delivery_logs including defaults) on commit delete rows;
delete from staging_delivery_logs;

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
    created_at = excluded.created_at, decided_at = excluded.decided_at, expires_at = excluded.expires_at, labels_id = excluded.labels_id,
    resume_count = excluded.resume_count, redrive_count = excluded.redrive_count
where (old.resume_count, old.redrive_count, case old.state when 'held' then 0 when 'routed' then 2 else 1 end)
    < (excluded.resume_count, excluded.redrive_count, case excluded.state when 'held' then 0 when 'routed' then 2 else 1 end)
returning with (old as before, new as after)
    after.id, before.labels_id as old_labels_id, before.state as old_state, before.reason as old_reason,
    floor_to_minute(before.created_at) as old_minute,
    after.labels_id as new_labels_id, after.state as new_state, after.reason as new_reason,
    floor_to_minute(after.created_at) as new_minute;

-- merge_deliveries: merges the staged deliveries; the greater precedence wins (schemas.events.compute_precedence).
insert into deliveries as old
select * from staging_deliveries order by id
on conflict (id) do update set
    status = excluded.status, status_rank = excluded.status_rank, reason = excluded.reason, outcome = excluded.outcome,
    redrive_count = excluded.redrive_count, attempt = excluded.attempt, provider = excluded.provider,
    provider_message_id = excluded.provider_message_id, updated_at = excluded.updated_at,
    variant = case excluded.variant when '' then old.variant else excluded.variant end,
    consent_event_id = coalesce(excluded.consent_event_id, old.consent_event_id),
    sent_at = least(old.sent_at, case old.status when 'SENT' then old.updated_at end),
    delivered_at = least(old.delivered_at, case old.status when 'DELIVERED' then old.updated_at end),
    labels_id = coalesce(old.labels_id, excluded.labels_id), due_at = coalesce(excluded.due_at, old.due_at)
where (old.redrive_count, old.status_rank >= 20, old.attempt, old.status_rank)
    < (excluded.redrive_count, excluded.status_rank >= 20, excluded.attempt, excluded.status_rank)
returning with (old as before, new as after)
    after.id, after.channel,
    before.labels_id as old_labels_id, before.provider as old_provider, before.status as old_status, before.reason as old_reason,
    floor_to_minute(before.created_at) as old_minute,
    after.labels_id as new_labels_id, after.provider as new_provider, after.status as new_status, after.reason as new_reason,
    floor_to_minute(after.created_at) as new_minute;

-- merge_delivery_logs: appends the staged log rows; a row that exists is the same event, consumed again.
insert into delivery_logs
select * from staging_delivery_logs order by id
on conflict do nothing
returning id;
