-- mark_as_read: keeps when the notification $1 of the user $2 was read, $3 in epoch seconds, unless an earlier time is there; returns
-- the time, and nothing unless the notification was routed.
update notifications set read_at = least(read_at, to_timestamp($3))
where id = $1 and user_id = $2 and state = 'routed'
returning extract(epoch from read_at)::float8 as read_at;
