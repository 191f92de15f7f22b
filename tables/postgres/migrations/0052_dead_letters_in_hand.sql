-- A redrive takes dead letters in hand before it produces their records.

comment on column dead_letters.redrive_id is 'the redrive that has produced its record again; if it is open, the last one that has taken it in hand for that';
