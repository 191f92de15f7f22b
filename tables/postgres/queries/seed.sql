-- insert_rule: plant a rule that is missing
insert into rules (type, category, priority, channels, strategy, template, mandatory) values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing;

-- insert_template: plant the name of a template that is missing
insert into templates (name) values ($1) on conflict do nothing;

-- insert_template_version: plant what a template says on a channel in a locale
insert into template_versions (name, version, channel, locale, subject, text, html) values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing;

-- insert_rate_limit: plant a rate limit that is missing
insert into rate_limits (channel, max_count, window_seconds) values ($1, $2, $3) on conflict do nothing;

-- insert_user: plant a user that is missing; the id if it was
insert into users (id, email, phone, webhook_url, locale, time_zone) values ($1, $2, $3, $4, $5, $6) on conflict do nothing returning id;

-- insert_device: plant a device of a user
insert into devices (user_id, token) values ($1, $2) on conflict do nothing;
