-- list_users: addresses, locale and time zone of those users that exist; of many devices the twenty that were registered last
select users.id, email, phone, webhook_url, locale, time_zone, version,
       array(select token from devices where user_id = users.id order by updated_at desc, token limit 20) as devices
from users
where users.id = any($1::text[]);
