-- describe_change: says who changes rules or templates in this transaction and why; the triggers write it into the versions and publications.
select set_config('herold.actor', $1, true), set_config('herold.comment', $2, true);

-- lock_policy: makes concurrent changes of the policy wait for each other.
select version from policy_version for update;
