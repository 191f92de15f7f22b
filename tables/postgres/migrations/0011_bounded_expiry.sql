-- A rule does not let its notifications live longer than any notification does (schemas/lifetimes.py, NOTIFICATION_EXPIRY).
update rules set expires_after = 86400 where expires_after > 86400;
alter table rules add constraint rules_expires_after_at_most_a_day check (expires_after <= 86400);
