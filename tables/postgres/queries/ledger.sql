-- count_ledger: counts notifications with ids from $1 and before $2, and their deliveries, by what they are and whether that is final at $3 (epoch
-- seconds), with at most $7 ids of those that are unaccounted: in flight $4 seconds after they had to end, or a delivery that no notification
-- names. A delivery is where the time of its notification is. $5 are the channels with receipts, $6 their times in seconds, $8 a project or null.
with accepted as materialized (
    select id, user_id, state, coalesce(expires_at, created_at + interval '31 days') as ends_at, deliveries,
           state = 'held' or coalesce(decision_log -> -1 ->> 1, '') = 'hold' or (decision_log -> -1 ->> 1 = 'pass' and (
               select entry -> 3 ->> 'escalates_at'
               from json_array_elements(decision_log) with ordinality as entries (entry, place)
               where entry ->> 0 = 'channels' order by place desc limit 1
           ) is not null) as is_decided_again
    from notifications
    where id >= $1 and id < $2 and project_is($8) and ($8::text is null or project_of(user_id) = $8)
), named as (
    select accepted.id as notification_id, accepted.user_id, accepted.ends_at, substr(delivery ->> 0, 5)::uuid as id
    from accepted cross join lateral json_array_elements(accepted.deliveries) as delivery
    where state = 'routed'
), recorded as materialized (
    select id, channel, status, redrive_count, updated_at, labels_id
    from deliveries
    where id >= $1 and id < $2 and project_is($8) and ($8::text is null or project_of(user_id) = $8)
), followed as materialized (
    select named.notification_id, named.user_id, coalesce(named.id, recorded.id) as id, coalesce(status, 'PENDING') as status,
           case
               when named.id is null then 'unaccounted'
               when status in ('FAILED', 'DELIVERED', 'BOUNCED', 'UNSUBSCRIBED') then 'final'
               when status = 'SENT' and extract(epoch from updated_at) + coalesce(timeouts.seconds, 0) <= $3 then 'final'
               when status = 'SENT' then 'in_flight'
               when extract(epoch from greatest(ends_at, case when redrive_count > 0 then updated_at + interval '1 day' end)) + $4 < $3
               then 'unaccounted'
               else 'in_flight'
           end as part
    from named full join recorded on recorded.id = named.id
    left join unnest($5::text[], $6::int[]) as timeouts (channel, seconds) on timeouts.channel = recorded.channel
    where named.id is not null or (labels_id is not null and extract(epoch from updated_at) + $4 < $3)
), worst as (
    select notification_id, user_id, bool_and(part = 'final') as is_final, bool_or(part = 'unaccounted') as is_unaccounted
    from followed
    where notification_id is not null
    group by notification_id, user_id
), judged as (
    select accepted.id, state as name,
           case
               when state in ('rejected', 'merged', 'dead') then 'final'
               when is_unaccounted then 'unaccounted'
               when state = 'routed' and not is_decided_again and coalesce(is_final, true) then 'final'
               when is_decided_again and extract(epoch from ends_at) + $4 < $3 then 'unaccounted'
               else 'in_flight'
           end as part
    from accepted left join worst on worst.notification_id = accepted.id and worst.user_id = accepted.user_id
)
select 'notification' as kind, name, part, count(*) as count,
       coalesce((array_agg(id order by id) filter (where part = 'unaccounted'))[:$7], '{}') as ids
from judged group by name, part
union all
select 'delivery', status, part, count(*), coalesce((array_agg(id order by id) filter (where part = 'unaccounted'))[:$7], '{}')
from followed group by status, part
order by kind, name, part;
