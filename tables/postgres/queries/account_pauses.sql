-- list_pauses: lists the pauses that have not ended, by account.
select * from account_pauses where ends_at is null or ends_at > now() order by account;

-- put_pause: pauses an account, or changes its pause.
insert into account_pauses (account, reason, paused_by, ends_at) values ($1, $2, $3, $4)
on conflict (account) do update
set reason = excluded.reason, paused_by = excluded.paused_by, ends_at = excluded.ends_at,
    paused_at = case when account_pauses.ends_at <= now() then now() else account_pauses.paused_at end
returning *;

-- delete_pause: resumes an account; returns nothing if it is not paused.
delete from account_pauses where account = $1 and (ends_at is null or ends_at > now()) returning *;

-- delete_ended: deletes the pauses that have ended by themselves.
delete from account_pauses where ends_at <= now();
