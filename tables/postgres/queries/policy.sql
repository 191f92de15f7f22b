-- get_version: returns the version, which increases with each change of a rule, template or rate limit.
select version from policy_version;

-- list_rules: lists all rules.
select
    type, category, priority, channels, strategy, template, mandatory, version, consent, quiet_hours, over_limit, condition, priorities,
    expires_after, digest, escalate_after, escalate_unless, coalesce(email_options::text, '') as email_options
from rules;

-- list_published_templates: lists the published version of each template by channel and locale.
select template_versions.name, version, channel, locale, subject, text, html, image, link, body, template_id, options
from templates
join template_versions on template_versions.name = templates.name and template_versions.version = templates.published_version;

-- list_published_details: lists the details of the published version of each template, of those that have details.
select template_details.name, version, coalesce(variables::text, '') as variables, language, case samples::text when '{}' then '' else samples::text end as samples,
    experiment, case variants::text when '{}' then '' else variants::text end as variants, at_most_once,
    coalesce(email_options::text, '') as email_options
from templates
join template_details on template_details.name = templates.name and template_details.version = templates.published_version;

-- list_partials: lists all partials.
select name, locale, text, html from partials order by name, locale;

-- list_rate_limits: lists all rate limits, those with the longest window first within a channel of a project.
select channel, max_count, window_seconds, category, tier, project from rate_limits
order by project, channel, category, tier, window_seconds desc;

-- list_projects: lists the projects.
select id from projects;
