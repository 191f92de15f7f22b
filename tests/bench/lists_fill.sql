-- insert_notifications: the notifications with the numbers from $1 and before $2, spread over the day that begins at $3 (milliseconds since
-- 1970). A few users get many, as in life: the user 0 gets a hundredth of all if there are a million. hashint8extended is the chance. Each
-- ten-thousandth is of another project.
with numbered as (
    select n, $3::bigint + (n - $1::bigint) * 86400000 / ($2::bigint - $1::bigint) as ms, lpad(to_hex(hashint8extended(n, 0)), 16, '0') as digits,
        (hashint8extended(n, 1) & 1048575) / 1048576.0 as of_user, (hashint8extended(n, 2) & 1023) / 1024.0 as of_state,
        (hashint8extended(n, 3) & 1023) / 1024.0 as of_type, (hashint8extended(n, 4) & 1023) / 1024.0 as of_channel
    from generate_series($1::bigint, $2::bigint - 1) as n
), chosen as (
    select *, lpad(to_hex(ms), 12, '0') as time_digits,
        case when n % 10000 = 17 then '@small/' else '' end || 'u-' || floor($4::float8 * of_user ^ 3) as user_id,
        case when n % 10000 = 17 then '@small/' else '' end || 'shop.type-' as type_prefix, floor(40 * of_type ^ 2)::int as type_number,
        case when of_state < 0.92 then 'routed' when of_state < 0.97 then 'rejected' when of_state < 0.98 then 'merged'
            when of_state < 0.99 then 'held' else 'dead' end as state,
        case when of_channel < 0.6 then 'email' when of_channel < 0.85 then 'push' when of_channel < 0.95 then 'sms' else 'webhook' end as channel
    from numbered
)
insert into notifications (id, user_id, type, category, priority, state, reason, deliveries, decision_log, created_at, decided_at, expires_at, is_test, project)
select (time_digits || '7' || left(digits, 3) || '8' || right(digits, 15))::uuid, user_id, type_prefix || type_number,
    (array['transactional', 'marketing', 'security', 'product', 'invoices'])[1 + type_number % 5], (array['high', 'medium', 'low'])[1 + type_number % 3],
    state, case state when 'rejected' then (array['opted_out', 'rate_limited'])[1 + n % 2] when 'held' then 'quiet_hours' when 'dead' then 'invalid' else '' end,
    (case
        when state <> 'routed' then '[]'
        when n % 10 = 0 then
            '[["dlv_' || time_digits || '7' || right(digits, 3) || '9' || left(digits, 15) || '","' || channel || '"],["dlv_' || time_digits || '7'
            || right(digits, 3) || 'a' || left(digits, 15) || '","push"]]'
        else '[["dlv_' || time_digits || '7' || right(digits, 3) || '9' || left(digits, 15) || '","' || channel || '"]]'
    end)::json,
    ('[["decode","pass"],["partition","pass"],["idempotency","pass"],["rule","pass","",{"category":"transactional","priority":"medium","version":3}],'
        || '["expiry","pass","",{"expires_at":' || ms / 1000 + 86400 || '.0}],["schedule","pass"],["recipient","pass","",{"known":true,"locale":"de-AT"}],'
        || '["consent","pass","",{"allowed":["' || channel || '"],"event":"cns_' || digits || '"}],["quiet_hours","pass","",{"zone":"Europe/Vienna"}],'
        || '["rate_limit","pass","",{"windows":[[3600,2,20],[86400,5,100]]}],["digest","pass"],["channels","pass","",{"strategy":"all","channels":["'
        || channel || '"]}],["rendering","pass","",{"' || channel || '":"template-' || type_number || '@3 de"}],["fan_out","pass","",{"count":1}]]')::json,
    to_timestamp(ms / 1000.0), to_timestamp(ms / 1000.0 + 0.02), to_timestamp(ms / 1000.0 + 86400), n % 200 = 0, project_of(user_id)
from chosen
order by 1;

-- insert_broadcast: notifications to the users from 0 and before $2, all of the millisecond $1.
insert into notifications (id, user_id, type, category, priority, state, reason, deliveries, decision_log, created_at, decided_at)
select (time_digits || '7' || left(digits, 3) || '8' || right(digits, 15))::uuid, 'u-' || n, 'shop.news', 'marketing', 'low', 'routed', '',
    ('[["dlv_' || time_digits || '7' || right(digits, 3) || '9' || left(digits, 15) || '","email"]]')::json,
    '[["decode","pass"],["rendering","pass","",{"email":"news@1 default"}]]', to_timestamp($1::bigint / 1000.0), to_timestamp($1::bigint / 1000.0)
from generate_series(0, $2::bigint - 1) as n
cross join lateral (select lpad(to_hex(hashint8extended(n, 7)), 16, '0') as digits, lpad(to_hex($1::bigint), 12, '0') as time_digits) as ids;

-- insert_deliveries: the deliveries that the notifications with ids from $1 and before $2 name.
with named as (
    select substr(ref ->> 0, 5)::uuid as delivery_id, notifications.*, ref ->> 1 as channel
    from notifications cross join lateral json_array_elements(deliveries) as ref
    where id >= $1 and id < $2
), chosen as (
    select *, (uuid_hash_extended(delivery_id, 1) & 1023) / 1024.0 as of_status, (uuid_hash_extended(delivery_id, 2) & 1023) / 1024.0 as of_provider
    from named
)
insert into deliveries (id, notification_id, user_id, channel, status, status_rank, reason, outcome, redrive_count, attempt, provider,
    provider_message_id, created_at, updated_at, sent_at, delivered_at, project)
select delivery_id, id, user_id, channel,
    case when of_status < 0.58 then 'DELIVERED' when of_status < 0.90 then 'SENT' when of_status < 0.95 then 'FAILED'
        when of_status < 0.99 then 'BOUNCED' else 'UNSUBSCRIBED' end,
    case when of_status < 0.58 then 20 when of_status < 0.90 then 10 when of_status < 0.95 then 15 when of_status < 0.99 then 30 else 40 end,
    case when of_status < 0.90 then '' when of_status < 0.93 then 'expired' when of_status < 0.95 then 'retries_exhausted'
        when of_status < 0.99 then 'hard_bounce' else 'unsubscribed' end,
    'ACCEPTED', 0, 0,
    case channel when 'email' then case when of_provider < 0.98 then 'sendgrid' else 'smtp' end when 'sms' then 'twilio' when 'push' then 'fcm'
        else 'https://hooks.example.org' end,
    'msg-' || left(delivery_id::text, 18), created_at, created_at + interval '2 s', created_at + interval '1 s', created_at + interval '2 s', project
from chosen
order by 1;
