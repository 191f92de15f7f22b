-- What e-mails have beside their text, by rule and by version of a template.

-- json and not jsonb: a version is the text that was written
alter table rules add column email_options json;
comment on column rules.email_options is 'reply-to, copies, headers, categories and custom arguments of the e-mails of this rule';

alter table template_details add column email_options json;
comment on column template_details.email_options is 'the same of the e-mails of this template; where both say something, the rule counts';
