-- Templates whose messages are not sent again after a call without an answer.

alter table template_details add column at_most_once boolean not null default false;
comment on column template_details.at_most_once is 'a message that may have reached the provider is not sent again';
