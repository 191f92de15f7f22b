-- list_notifications_by_id: lists the notifications with an id, which are several if a producer gave it to several users; $2 may be null.
select * from notifications where id = $1 and ($2::text is null or user_id = $2);

-- list_notifications_by_user: lists the notifications of a user with ids below $2, newest first; of the type $4, or of all if it is null.
select * from notifications where user_id = $1 and id < $2 and ($4::text is null or type = $4) order by id desc limit $3;

-- list_deliveries_by_notification: lists the deliveries of a notification; $2 and $3 are the bounds of its millisecond, $4 is its user or null.
select * from deliveries where id between $2 and $3 and notification_id = $1 and ($4::text is null or user_id = $4) order by id;

-- list_deliveries_by_ids: lists the deliveries with these ids, which are between $2 and $3.
select * from deliveries where id = any($1::uuid[]) and id between $2 and $3;

-- list_delivery_logs: lists all attempts of some deliveries, oldest first; $2 and $3 are the bounds of their millisecond.
select * from delivery_logs where id between $2 and $3 and delivery_id = any($1::uuid[]) order by occurred_at, redrive_count, attempt;

-- list_user_counts: lists the counters of a user from the day $2 to the day $3, the latest first; each day is a look-up in the key.
select user_counts.day, user_counts.channel, user_counts.sent
from generate_series($2::date, $3::date, interval '1 day') as days (day)
join user_counts on user_counts.day = days.day::date and user_counts.user_id = $1
order by user_counts.day desc, user_counts.channel;
