-- describe_change: says who changes rules in this transaction and why; the triggers write it into the versions.
select set_config('herold.actor', $1, true), set_config('herold.comment', $2, true);

-- lock_policy: makes concurrent changes of the policy wait for each other.
select version from policy_version for update;

-- upsert_rule: inserts or changes a rule, and returns its version, which the table counts.
insert into rules (
    type, category, priority, channels, strategy, template, mandatory, version, consent, quiet_hours, over_limit, condition, priorities,
    expires_after, digest, escalate_after, escalate_unless
) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
on conflict (type) do update set
    category = excluded.category, priority = excluded.priority, channels = excluded.channels, strategy = excluded.strategy,
    template = excluded.template, mandatory = excluded.mandatory, version = excluded.version, consent = excluded.consent,
    quiet_hours = excluded.quiet_hours, over_limit = excluded.over_limit, condition = excluded.condition,
    priorities = excluded.priorities, expires_after = excluded.expires_after, digest = excluded.digest,
    escalate_after = excluded.escalate_after, escalate_unless = excluded.escalate_unless, updated_at = now()
returning version;

-- insert_template: inserts a template without a published version, if it is missing.
insert into templates (name, published_version) values ($1, 0) on conflict do nothing;

-- insert_template_version: inserts the contents of a template for a channel and locale.
insert into template_versions (
    name, version, channel, locale, subject, text, html, image, link, body, template_id
) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11);

-- insert_template_details: inserts what holds for all channels and locales of a version of a template.
insert into template_details (name, version, variables, language, samples, actor)
values ($1, $2, nullif($3, '')::json, $4, coalesce(nullif($5, ''), '{}')::json, session_user);

-- delete_partial: deletes a partial in all locales.
delete from partials where name = $1;

-- insert_partial: inserts a partial in one locale.
insert into partials (name, locale, text, html) values ($1, $2, $3, $4);

-- publish_template_version: makes a version of a template the one that is used.
update templates set published_version = $2, updated_at = now() where name = $1;

-- upsert_rate_limit: inserts or changes a rate limit; one that is the same stays as it is.
insert into rate_limits as old (channel, max_count, window_seconds, category, tier) values ($1, $2, $3, $4, $5)
on conflict (channel, category, tier, window_seconds) do update set max_count = excluded.max_count where old.max_count <> excluded.max_count;
