-- list_users: lists addresses, locale and time zone of the existing users with these ids; the devices are the twenty last updated.
select users.id, addresses, locale, time_zone, version,
       array(select token from devices where user_id = users.id order by updated_at desc, token limit 20) as devices
from users
where users.id = any($1::text[]);
