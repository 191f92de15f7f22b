-- claim_sync: begins a run of an account unless one began in the last $2 seconds; returns when it began and since when entries are read.
insert into suppression_syncs as old (account, began_at) values ($1, now())
on conflict (account) do update set began_at = now()
where old.began_at <= now() - make_interval(secs => $2)
returning extract(epoch from began_at)::float8 as began_at, coalesce(extract(epoch from completed_from), 0)::float8 as start_time;

-- complete_sync: notes that all entries up to the beginning of a run (epoch seconds) are read.
update suppression_syncs set completed_from = greatest(completed_from, to_timestamp($2)) where account = $1;

-- lock_in_force: keeps a suppression of an e-mail address for this reason from being undone until the end of the transaction.
select from suppressions
where channel = 'email' and address = any($1::text[]) and user_id is null and category = '' and reason = $2 and undone_at is null
order by id
for share;

-- is_undone: whether the suppression of an e-mail address for this reason was undone after a time (epoch seconds).
select exists (
    select from suppressions
    where channel = 'email' and address = any($1::text[]) and user_id is null and category = '' and reason = $2 and undone_at > to_timestamp($3)
);
