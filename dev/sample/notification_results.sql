-- get_notification_results: state, reason and deliveries of notifications whose ids are between $2 and $3
select id, state, reason, deliveries from notifications where id = any($1::uuid[]) and id between $2 and $3;

-- get_delivery_results: current status of the deliveries of notifications; the ids of the deliveries are between $2 and $3
select id, notification_id, channel, status, reason, updated_at from deliveries where notification_id = any($1::uuid[]) and id between $2 and $3;

-- find_recorded_deliveries: the deliveries that have a row, of ids between $2 and $3
select id from deliveries where id = any($1::uuid[]) and id between $2 and $3;
