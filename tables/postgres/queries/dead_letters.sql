-- newest: the newest dead letters before a time
select extract(epoch from at)::float8 as at, topic, "partition", "offset", stage, reason, error, source_topic, source_partition,
       source_offset, attempts, user_id, notification_id, delivery_id, key, value, truncated
from dead_letters where at < to_timestamp($1) order by dead_letters.at desc, topic, "partition", "offset" limit $2;

-- counts: dead letters since a time by stage and reason
select stage, reason, count(*) as letters from dead_letters where at >= to_timestamp($1) group by stage, reason order by letters desc;
