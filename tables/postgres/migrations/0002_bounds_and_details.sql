-- What was said of an attempt, for a person: by the provider, or by us if it could not be made.
alter table delivery_logs add column detail text not null default '';

-- A row of the table rate_windows lives for seven days (schemas/rules.py, LONGEST_WINDOW): a longer window would be forgotten in it.
alter table rate_limits add constraint window_of_seven_days_at_most check (seconds <= 604800);

-- As long as an address that comes with a notification may be (schemas/notification.py).
alter table users add constraint addresses_of_2048_characters_at_most
    check (length(email) <= 2048 and length(phone) <= 2048 and length(webhook_url) <= 2048);
alter table devices add constraint tokens_of_2048_characters_at_most check (length(token) <= 2048);
