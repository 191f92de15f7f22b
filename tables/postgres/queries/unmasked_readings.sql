-- record_readings: counts the readings of these ($7), in the order of ids, in the minute at hand.
insert into unmasked_readings as old (minute, principal, actor, client_address, user_agent_hash, project, resource, object_id, count)
select date_trunc('minute', now()), $1, $2, $3, $4, $5, $6, object_id, 1 from unnest($7::text[]) as read (object_id)
order by object_id
on conflict (minute, principal, actor, client_address, user_agent_hash, project, resource, object_id)
    do update set count = old.count + excluded.count;

-- try_lock: whether this transaction may take readings; another one that does is not waited for.
select pg_try_advisory_xact_lock(hashtext('herold.unmasked_readings'));

-- take_readings: takes at most $1 readings of minutes that are over, those that belong to one entry together.
with taken as (
    delete from unmasked_readings
    where (minute, principal, actor, client_address, user_agent_hash, project, resource, object_id) in (
        select minute, principal, actor, client_address, user_agent_hash, project, resource, object_id
        from unmasked_readings
        where minute < date_trunc('minute', now())
        order by minute, principal, actor, client_address, user_agent_hash, project, resource, object_id
        limit $1
    )
    returning *
)
select *, to_char(minute at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI"Z"') as minute_text from taken
order by minute, principal, actor, client_address, user_agent_hash, project, resource, object_id;

-- insert_reading_entry: appends an entry about readings, whose ids are not masked, as those of objects are not.
insert into audit_log (id, actor, action, object_type, object_id, details, project, principal, client_address, user_agent_hash)
values ($1, $2, 'read', 'user', $3, $4, $5, $6, $7, $8);
