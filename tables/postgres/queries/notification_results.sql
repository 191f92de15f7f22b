-- get_notification_results: what the router made of some notifications, whose ids lie between $2 and $3
select id, state, reason, deliveries from notifications where id = any($1::uuid[]) and id between $2 and $3;

-- get_delivery_results: the current status of the deliveries of some notifications, whose milliseconds lie between $2 and $3
select id, notification_id, channel, status, reason, updated_at from deliveries where notification_id = any($1::uuid[]) and id between $2 and $3;

-- find_recorded_deliveries: which of some deliveries have a row, their ids lying between $2 and $3
select id from deliveries where id = any($1::uuid[]) and id between $2 and $3;
