-- get_key: gets a key of a project.
select *, coalesce(previous_expires_at > now(), false) as is_rotating from api_keys where id = $1 and project = $2;

-- find_key: finds a key of any project, to judge a credential.
select *, coalesce(previous_expires_at > now(), false) as is_rotating from api_keys where id = $1;

-- list_keys: lists keys of a project after a name and id, by name; those with a part of a name or this id; without those that ended unless asked for.
select *, coalesce(previous_expires_at > now(), false) as is_rotating
from api_keys
where project = $1 and (name, id) > ($2, $3) and (position(lower($4) in lower(name)) > 0 or id = $4)
    and ($5 or (revoked_at is null and (expires_at is null or expires_at > now())))
order by name, id
limit $6;

-- insert_key: inserts a key; returns nothing if its id is taken.
insert into api_keys (id, project, name, role, scopes, is_test, digest, expires_at, created_by)
values ($1, $2, $3, $4, $5, $6, $7, to_timestamp($8::float8), $9)
on conflict do nothing
returning *, false as is_rotating;

-- lock_key: locks a key of a project.
select *, coalesce(previous_expires_at > now(), false) as is_rotating from api_keys where id = $1 and project = $2 for update;

-- update_key: changes what is written of a key.
update api_keys set name = $2, scopes = $3, expires_at = to_timestamp($4::float8), version = nextval('api_key_version_seq')
where id = $1
returning *, coalesce(previous_expires_at > now(), false) as is_rotating;

-- rotate_key: gives a key a new secret; the one before counts for so many seconds more, or not at all.
update api_keys set
    previous_digest = case when $3::float8 > 0 then digest else '' end,
    previous_expires_at = case when $3::float8 > 0 then now() + make_interval(secs => $3::float8) end,
    digest = $2, version = nextval('api_key_version_seq')
where id = $1
returning *, coalesce(previous_expires_at > now(), false) as is_rotating;

-- revoke_key: ends a key.
update api_keys set revoked_at = now(), version = nextval('api_key_version_seq') where id = $1
returning *, coalesce(previous_expires_at > now(), false) as is_rotating;

-- record_uses: writes when keys were used last.
update api_keys set last_used_at = to_timestamp(used.at)
from unnest($1::text[], $2::float8[]) as used (id, at)
where api_keys.id = used.id and (last_used_at is null or last_used_at < to_timestamp(used.at));
