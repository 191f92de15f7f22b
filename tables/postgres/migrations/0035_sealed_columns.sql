-- Columns with personal data are sealed (docs/decisions/0054): a token of the blind index is in the place of each value, and what it stands
-- for is in the column `sealed`. So the same indexes, constraints and triggers serve both forms.
alter table users add sealed bytea;
comment on column users.sealed is 'addresses and attributes, sealed with the key of the user; their own columns have tokens in the place of values then; null: they are in plain';

alter table devices add sealed bytea;
comment on column devices.sealed is 'the token of the device, sealed with the key of the user; token is a token of the blind index then; null: it is in plain';

alter table suppressions add sealed bytea;
comment on column suppressions.sealed is 'the address, sealed with the key of the user, or without one with a key of its own, whose id in user_keys is the address; null: the address is in plain, or hashed for good';
