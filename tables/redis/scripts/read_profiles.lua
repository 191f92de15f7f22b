-- All profiles as one JSON list, null for those that are missing: the client parses one reply instead of hundreds.
local found = redis.call('MGET', unpack(KEYS))
for i = 1, #found do
    found[i] = found[i] or 'null'
end
return '[' .. table.concat(found, ',') .. ']'
