-- list_newest: lists the newest dead letters before a time.
select extract(epoch from dead_letters.created_at)::float8 as created_at, topic, "partition", "offset", stage, reason, error,
       source_topic, source_partition, source_offset, attempts, user_id, notification_id, delivery_id, key, value, truncated
from dead_letters where created_at < to_timestamp($1) order by dead_letters.created_at desc, topic, "partition", "offset" limit $2;

-- count_by_stage_and_reason: counts the dead letters since a time by stage and reason.
select stage, reason, count(*) as count from dead_letters where created_at >= to_timestamp($1) group by stage, reason order by count desc;
