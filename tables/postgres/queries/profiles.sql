-- of_users: addresses, locale and time zone of those users that exist
select users.id, email, phone, webhook_url, locale, time_zone, version,
       coalesce((select array_agg(token order by token) from devices where user_id = users.id), '{}') as devices
from users
where users.id = any($1::text[]);
