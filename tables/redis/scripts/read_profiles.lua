-- Returns the profiles as one JSON list, with null for a missing key; the client parses one reply instead of hundreds.
local profiles = redis.call('MGET', unpack(KEYS))
for i = 1, #profiles do
    profiles[i] = profiles[i] or 'null'
end
return '[' .. table.concat(profiles, ',') .. ']'
