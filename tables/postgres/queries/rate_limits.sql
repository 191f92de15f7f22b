-- get_rate_limit: gets the limit with this channel, category, tier, window and project.
select channel, max_count, window_seconds, category, tier, project, version from rate_limits
where channel = $1 and category = $2 and tier = $3 and window_seconds = $4 and project = $5;

-- list_rate_limits: lists limits of the project of one after it, at most so many; with a channel, category or tier only those that have it.
select channel, max_count, window_seconds, category, tier, project, version from rate_limits
where (channel, category, tier, window_seconds) > ($1, $2, $3, $4) and project = $5
    and ($6::text is null or channel = $6) and ($7::text is null or category = $7) and ($8::text is null or tier = $8)
order by channel, category, tier, window_seconds
limit $9;

-- put_rate_limit: inserts or changes a limit, and returns its version, which the table counts.
insert into rate_limits (channel, max_count, window_seconds, category, tier, project) values ($1, $2, $3, $4, $5, $6)
on conflict (project, channel, category, tier, window_seconds) do update set max_count = excluded.max_count
returning version;

-- delete_rate_limit: deletes a limit.
delete from rate_limits where channel = $1 and category = $2 and tier = $3 and window_seconds = $4 and project = $5;

-- list_rate_limit_versions: lists the versions of a limit below one, newest first.
select version, max_count, actor, comment, changed_at from rate_limit_versions
where channel = $1 and category = $2 and tier = $3 and window_seconds = $4 and project = $5 and version < $6
order by version desc
limit $7;
