-- How often the scheduler gave a held notification back to the router, as of its latest decision.
alter table notifications add column resume_count smallint not null default 0;

-- Concatenates two JSON arrays as text: jsonb would reject the character NUL, which a decision log may quote.
create function concatenate_arrays(head json, tail json) returns json language sql immutable as $$
    select case
        when json_array_length(head) = 0 then tail
        when json_array_length(tail) = 0 then head
        else (left(rtrim(head::text, E' \n\r\t'), -1) || ',' || substr(ltrim(tail::text, E' \n\r\t'), 2))::json
    end
$$;
