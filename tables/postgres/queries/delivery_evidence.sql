-- list_recorded_statuses: lists those of the deliveries with the ids $1, which are between $2 and $3, that have another status than PENDING.
select id, status, redrive_count, attempt
from deliveries
where id = any($1::uuid[]) and id between $2 and $3 and status <> 'PENDING';
