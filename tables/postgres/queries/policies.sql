-- version: what changes with every change of a rule, template or limit
select version from policy_version;

-- rules: all rules
select type, category, lane, channels, strategy, template, mandatory, version from rules;

-- templates: the published version of every template, per channel and locale
select name, version, channel, locale, subject, text, html from templates join template_versions using (name, version);

-- limits: all rate limits, the longest first
select channel, most, seconds from rate_limits order by channel, seconds desc;
