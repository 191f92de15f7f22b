-- add_user_counts: adds to the counters of these days (since 1970), users and channels, which are in the order of the key.
insert into user_counts as old (day, user_id, channel, sent)
select date '1970-01-01' + day, user_id, channel, sent from unnest($1::int[], $2::text[], $3::text[], $4::int[]) as new (day, user_id, channel, sent)
on conflict (day, user_id, channel) do update set sent = old.sent + excluded.sent;

-- mark_tests: notes that these notifications went to the simulators only.
update notifications set is_test = true
where id = any($1::uuid[]) and id between $2 and $3 and not is_test;

-- insert_dead_letter: inserts a dead letter with the topic, partition, offset and time of its record as the key.
insert into dead_letters (id, topic, "partition", "offset", created_at, stage, reason, error, source_topic, source_partition, source_offset,
                          attempts, user_id, notification_id, delivery_id, key, value, truncated, cause, channel, type, account, outcome,
                          provider_code, redrive_count, source_time, source_headers, project)
values ($1, $2, $3, $4, to_timestamp($5), $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25,
        to_timestamp($26::float8), $27, project_of($13))
on conflict do nothing;
