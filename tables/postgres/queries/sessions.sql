-- insert_session: begins a session of an active account; no row for another one. $5: seconds.
insert into sessions (id, account_id, method, token_version, client, expires_at)
select $1, accounts.id, $3, token_version, $4, now() + make_interval(secs => $5::float8) from accounts where id = $2 and state = 'active'
returning token_version;

-- insert_refresh_token: stores a refresh token, which lives no longer than its session.
insert into refresh_tokens (token_hash, session_id, expires_at)
select $1, id, least(expires_at, now() + make_interval(secs => $3::float8)) from sessions where id = $2
on conflict (token_hash) do nothing;

-- record_login: stores when an account has logged in.
update account_credentials set last_login_at = now() where account_id = $1;

-- delete_old_sessions: deletes the sessions of an account that ended so many seconds ago.
delete from sessions where account_id = $1 and coalesce(revoked_at, expires_at) < now() - make_interval(secs => $2::float8);

-- lock_refresh_token: locks a refresh token with its session until the transaction ends.
select sessions.id, sessions.account_id, refresh_tokens.expires_at <= now() or sessions.expires_at <= now() as is_expired,
       sessions.revoked_at is not null or state <> 'active' or sessions.token_version <> accounts.token_version as is_revoked,
       accounts.token_version, extract(epoch from now() - rotated_at)::float8 as rotated_seconds_ago, role, projects
from refresh_tokens
join sessions on sessions.id = session_id
join accounts on accounts.id = sessions.account_id
where token_hash = $1
for update of refresh_tokens, sessions;

-- mark_rotated: stores that a refresh token was exchanged.
update refresh_tokens set rotated_at = now() where token_hash = $1;

-- touch_session: stores that a session was used.
update sessions set last_used_at = now() where id = $1;

-- end_session: ends a session; no row if it has ended before, or is not of this account.
update sessions set revoked_at = now(), revoked_reason = $3
where id = $1 and ($2::uuid is null or account_id = $2) and revoked_at is null
returning account_id;

-- find_by_refresh_token: finds the session of a refresh token.
select session_id from refresh_tokens where token_hash = $1;

-- get_session_state: gets what decides about the access tokens of a session; no row if none of them is valid.
select account_id, email, name, role, projects, accounts.token_version, sessions.created_at
from sessions join accounts on accounts.id = account_id
where sessions.id = $1 and sessions.revoked_at is null and expires_at > now() and state = 'active'
    and sessions.token_version = accounts.token_version;

-- list_sessions: lists the sessions of an account that have not ended, with ids below one, newest first.
select sessions.id, method, client, sessions.created_at, last_used_at, expires_at
from sessions join accounts on accounts.id = account_id
where account_id = $1 and sessions.id < $2 and revoked_at is null and expires_at > now()
    and sessions.token_version = accounts.token_version
order by sessions.id desc
limit $3;
