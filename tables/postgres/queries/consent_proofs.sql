-- list_links_of_user: lists the places in the chain of the events of a user, and if $2 of suppressions by address of the user's addresses, the
-- oldest first; $3 are other forms of these addresses.
with owned as (
    select distinct case channel when 'email' then lower(address) else address end as address
    from users, jsonb_each(addresses) as by_channel (channel, list), jsonb_array_elements_text(list) as item (address)
    where users.id = $1
    union select token from devices where user_id = $1
    union select unnest($3::text[])
), found as (
    select id from consent_events where user_id = $1
    union
    select id from consent_events where address = any (array(select address from owned)) and address <> '' and user_id = '' and $2::boolean
)
select number from log_chain where log = 'consent' and entry_id = any (array(select id from found))
order by number;

-- list_checkpoints: lists the checkpoints of the chain from an entry on, in their order.
select log, number, hash, (extract(epoch from created_at) * 1000000)::bigint as created_at, key_id, signature
from log_checkpoints
where log = 'consent' and number >= $1
order by number;

-- get_hash: gets the hash of the chain up to an entry.
select hash from log_chain where log = 'consent' and number = $1;

-- list_deliveries: lists deliveries of the newest notifications of a user, newest first.
select deliveries.id, deliveries.notification_id, deliveries.channel, category, deliveries.status, deliveries.consent_event_id,
       (extract(epoch from deliveries.created_at) * 1000000)::bigint as created_at
from (
    select id, category, deliveries as refs from notifications where user_id = $1 order by id desc limit $2
) as newest
cross join lateral json_array_elements(refs) as ref
join deliveries on deliveries.id = substr(ref ->> 0, 5)::uuid
order by newest.id desc, deliveries.id;

-- get_now: gets the time in microseconds since 1970.
select (extract(epoch from now()) * 1000000)::bigint;
