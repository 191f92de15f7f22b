-- insert_suppression: inserts a suppression unless the same is in force, and appends an event. Returns its id if it was inserted.
with inserted as (
    insert into suppressions (id, user_id, channel, address, category, reason, source_event, created_by)
    values ($1, $2, $3, $4, $5, $6, $7, $8)
    on conflict (channel, address, coalesce(user_id, ''), category, reason) where undone_at is null do nothing
    returning id
)
insert into consent_events (id, user_id, category, channel, address, change, old_choice, new_choice, source, actor, reason,
                            principal, client_address, request_id)
select $9, coalesce($2, ''), $5, $3, $4, 'suppressed', '', 'out', $10, $8, $6, $11, $12, $13 from inserted
returning id;

-- get_suppression_in_force: gets the suppression in force of this user, channel, address, category and reason.
select id, user_id, channel, address, category, reason, source_event, created_at, created_by, undone_at, undone_by
from suppressions
where channel = $2 and address = $3 and coalesce(user_id, '') = coalesce($1, '') and category = $4 and reason = $5 and undone_at is null;

-- get_suppression: gets a suppression.
select id, user_id, channel, address, category, reason, source_event, created_at, created_by, undone_at, undone_by
from suppressions
where id = $1;

-- list_suppressions: lists suppressions with ids below one, newest first: of an address, a user and a channel if they are given, and without the
-- undone ones if so.
select id, user_id, channel, address, category, reason, source_event, created_at, created_by, undone_at, undone_by
from suppressions
where id < $1 and ($2::text[] is null or address = any ($2)) and ($3::text is null or user_id = $3) and ($4::text is null or channel = $4)
  and (undone_at is null or $5)
order by id desc
limit $6;

-- undo_suppression: ends a suppression that is in force, and appends an event. Returns the event's id if it was in force.
with undone as (
    update suppressions set undone_at = now(), undone_by = $2 where id = $1 and undone_at is null
    returning user_id, category, channel, address
)
insert into consent_events (id, user_id, category, channel, address, change, old_choice, new_choice, source, actor, reason,
                            principal, client_address, request_id)
select $3, coalesce(user_id, ''), category, channel, address, 'suppression_undone', 'out', '', $4, $2, $5, $6, $7, $8 from undone
returning id;

-- list_suppressed_users: lists the users that a suppression is about.
select user_id as id from suppressions where id = $1 and user_id is not null
union
select users.id from suppressions join users
    on fold_addresses(users.addresses) @> fold_addresses(jsonb_build_object(channel, jsonb_build_array(address)))
where suppressions.id = $1 and user_id is null
union
select devices.user_id from suppressions join devices on token = case when address like 'fid:%' then substr(address, 5) else address end
where suppressions.id = $1 and suppressions.user_id is null
union
select webhook_endpoints.user_id from suppressions join webhook_endpoints on url = address
where suppressions.id = $1 and suppressions.user_id is null and webhook_endpoints.user_id is not null;
