-- insert_audit_entry: appends an entry.
insert into audit_log (id, actor, action, object_type, object_id, details, project, principal, client_address, user_agent_hash, request_id)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11);

-- plan_for_values: has the transaction plan each query for its values, because each filter has an index of its own.
set local plan_cache_mode = force_custom_plan;

-- search_audit_entries: lists entries with ids from one on and below another, newest first: of an actor, a principal, an action, an object by any of
-- these ids and a project if they are given. An entry about readings that names the object is one of it, too. $10 is the object's id as it is
-- stored in the project: an entry from before the column project (migration 0034) is of the project of its object, and has no other.
(
    select id, actor, action, object_type, object_id, details, occurred_at, principal, client_address, user_agent_hash, request_id
    from audit_log
    where ($1::text is null or actor = $1) and ($2::text is null or principal = $2) and ($3::text is null or action = $3)
      and ($4::text is null or object_type = $4) and ($5::text[] is null or object_id = any ($5))
      and id >= $6 and id < $7 and ($9::text is null or project = $9)
    order by id desc
    limit $8
)
union all
(
    select id, actor, action, object_type, object_id, details, occurred_at, principal, client_address, user_agent_hash, request_id
    from audit_log
    where ($1::text is null or actor = $1) and ($2::text is null or principal = $2) and ($3::text is null or $3 = 'read')
      and ($4::text is null or $4 = 'user') and $5::text[] is not null and action = 'read' and details -> 'ids' ?| $5
      and id >= $6 and id < $7 and ($9::text is null or project = $9)
    order by id desc
    limit $8
)
union all
(
    select id, actor, action, object_type, object_id, details, occurred_at, principal, client_address, user_agent_hash, request_id
    from audit_log
    where ($1::text is null or actor = $1) and ($2::text is null or principal = $2) and ($3::text is null or action = $3)
      and ($4::text is null or object_type = $4) and $9::text is not null and project = '' and object_id = $10::text
      and id >= $6 and id < $7
    order by id desc
    limit $8
)
order by id desc
limit $8;

-- erase_from_logs: removes a user from the entries of both logs, and appends an entry that says so; returns how many were changed.
select erase_from_logs($1, $2, $3, $4, $5);
