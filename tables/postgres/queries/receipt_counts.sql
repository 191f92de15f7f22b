-- count_receipts: counts the newest $4 messages that these providers ($1) accepted, of deliveries with ids from $2 and before $3, and those
-- of them that got a receipt. An id of delivery_logs begins as that of its delivery.
select attempt.provider, count(*) as messages, count(*) filter (where delivery.status not in ('PENDING', 'SENT')) as receipts
from (
    select delivery_id, provider from delivery_logs
    where id >= $2 and id < $3 and outcome = 'ACCEPTED' and provider = any($1::text[])
    order by id desc limit $4
) as attempt
join lateral (select status from deliveries where deliveries.id = attempt.delivery_id and deliveries.id >= $2 and deliveries.id < $3) as delivery on true
group by attempt.provider;
