-- insert_channel: inserts a channel of the catalogue if it is missing.
insert into channels (name) values ($1) on conflict do nothing;

-- insert_rule: inserts a rule if it is missing.
insert into rules (
    type, category, priority, channels, strategy, template, mandatory, version, consent, quiet_hours, over_limit, condition, priorities,
    expires_after, digest, escalate_after, escalate_unless, email_options
) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, nullif($18, '')::json) on conflict do nothing;

-- insert_template: inserts a template, without contents, if it is missing.
insert into templates (name) values ($1) on conflict do nothing;

-- insert_template_version: inserts the contents of a template for a channel and locale if they are missing.
insert into template_versions (
    name, version, channel, locale, subject, text, html, image, link, body, template_id, options
) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) on conflict do nothing;

-- insert_template_details: inserts what holds for all channels and locales of a template if it is missing.
insert into template_details (name, version, variables, language, samples, experiment, variants, at_most_once, email_options)
values (
    $1, $2, nullif($3, '')::json, $4, coalesce(nullif($5, ''), '{}')::json, $6, coalesce(nullif($7, ''), '{}')::json, $8, nullif($9, '')::json
)
on conflict do nothing;

-- insert_rate_limit: inserts a rate limit if it is missing.
insert into rate_limits (channel, max_count, window_seconds, category, tier, project) values ($1, $2, $3, $4, $5, $6) on conflict do nothing;

-- insert_user: inserts a user if it is missing, and returns its id if it was inserted.
insert into users (id, addresses, locale, time_zone, quiet_hours) values ($1, $2, $3, $4, $5) on conflict do nothing returning id;

-- insert_device: inserts a device of a user if it is missing.
insert into devices (user_id, token) values ($1, $2) on conflict do nothing;

-- insert_preference: inserts a preference of a new user.
insert into user_preferences (user_id, category, channel, choice) values ($1, $2, $3, $4);

-- insert_suppression: inserts a suppression of a new user.
insert into suppressions (id, user_id, channel, address, category, reason, created_by)
values (gen_random_uuid(), $1, $2, $3, $4, $5, 'seed') on conflict do nothing;
