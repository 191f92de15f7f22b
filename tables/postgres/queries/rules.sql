-- get_rule: gets the rule of a type.
select
    type, category, priority, channels, strategy, template, mandatory, version, consent, quiet_hours, over_limit, condition, priorities,
    expires_after, digest, escalate_after, escalate_unless, coalesce(email_options::text, '') as email_options
from rules
where type = $1;

-- list_rules: lists rules with types after one, at most so many; with a search text those whose type or category contain it.
select
    type, category, priority, channels, strategy, template, mandatory, version, consent, quiet_hours, over_limit, condition, priorities,
    expires_after, digest, escalate_after, escalate_unless, coalesce(email_options::text, '') as email_options
from rules
where type > $1 and (position(lower($2) in lower(type)) > 0 or position(lower($2) in lower(category)) > 0)
order by type
limit $3;

-- delete_rule: deletes a rule.
delete from rules where type = $1;

-- list_rule_versions: lists the versions of a rule below one, newest first.
select version, rule, actor, comment, changed_at from rule_versions where type = $1 and version < $2 order by version desc limit $3;

-- get_rule_version: gets one version of a rule.
select version, rule, actor, comment, changed_at from rule_versions where type = $1 and version = $2;
