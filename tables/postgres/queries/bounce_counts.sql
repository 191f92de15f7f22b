-- count_bounces: counts by category the e-mails that were handed over and those of them that bounced, of at most $2 deliveries in each stretch
-- between two of the ids $1. A delivery is where the time of its notification is; the limit bounds what a busy hour costs.
with stretches as (
    select first_id, lead(first_id) over (order by first_id) as next_id from unnest($1::uuid[]) as bounds (first_id)
), sampled as (
    select delivery.notification_id, delivery.user_id, delivery.status
    from stretches
    cross join lateral (
        select notification_id, user_id, status
        from deliveries
        where id >= first_id and id < next_id and channel = 'email' and status in ('SENT', 'DELIVERED', 'BOUNCED', 'UNSUBSCRIBED')
        order by id
        limit $2
    ) as delivery
    where next_id is not null
)
select notifications.category, count(*)::int as sent, count(*) filter (where sampled.status = 'BOUNCED')::int as bounced
from sampled
join notifications on notifications.id = sampled.notification_id and notifications.user_id = sampled.user_id
group by notifications.category;
