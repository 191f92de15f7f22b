-- A rule can try its channels one after the other.
alter table rules
    drop constraint rules_strategy_check,
    add constraint rules_strategy_check check (strategy in ('all', 'first', 'escalate')),
    add column escalate_after integer not null default 0 check (escalate_after between 0 and 86400),
    add column escalate_unless text not null default 'delivered' check (escalate_unless in ('sent', 'delivered')),
    add constraint rules_escalate_after_given check ((strategy = 'escalate') = (escalate_after > 0));
comment on column rules.escalate_after is 'seconds until the next channel follows, with the strategy escalate';
