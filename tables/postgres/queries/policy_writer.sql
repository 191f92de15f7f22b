-- upsert_rule: inserts or changes a rule, and returns its version, which the table counts.
insert into rules (
    type, category, priority, channels, strategy, template, mandatory, version, consent, quiet_hours, over_limit, condition, priorities,
    expires_after, digest, escalate_after, escalate_unless, email_options
) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, nullif($18, '')::json)
on conflict (type) do update set
    category = excluded.category, priority = excluded.priority, channels = excluded.channels, strategy = excluded.strategy,
    template = excluded.template, mandatory = excluded.mandatory, version = excluded.version, consent = excluded.consent,
    quiet_hours = excluded.quiet_hours, over_limit = excluded.over_limit, condition = excluded.condition,
    priorities = excluded.priorities, expires_after = excluded.expires_after, digest = excluded.digest,
    escalate_after = excluded.escalate_after, escalate_unless = excluded.escalate_unless, email_options = excluded.email_options,
    updated_at = now()
returning version;

-- delete_partial: deletes a partial in all locales.
delete from partials where name = $1;

-- insert_partial: inserts a partial in one locale.
insert into partials (name, locale, text, html) values ($1, $2, $3, $4);

-- upsert_rate_limit: inserts or changes a rate limit; one that is the same stays as it is.
insert into rate_limits as old (channel, max_count, window_seconds, category, tier, project) values ($1, $2, $3, $4, $5, $6)
on conflict (project, channel, category, tier, window_seconds) do update set max_count = excluded.max_count where old.max_count <> excluded.max_count;
