-- get_version: what changes with every change of a rule, template or limit
select version from policy_version;

-- list_rules: all rules
select type, category, priority, channels, strategy, template, mandatory, version from rules;

-- list_published_templates: the published version of every template, per channel and locale
select template_versions.name, version, channel, locale, subject, text, html
from templates
join template_versions on template_versions.name = templates.name and template_versions.version = templates.published_version;

-- list_rate_limits: all rate limits, the longest first
select channel, max_count, window_seconds from rate_limits order by channel, window_seconds desc;
