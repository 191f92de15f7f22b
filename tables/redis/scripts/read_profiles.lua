-- Reads cached profiles (tables/redis/profile_cache.py has their format). ARGV: for how many microseconds a profile is confirmed.
-- Returns the time of this server, a digit for each key (1: confirmed so recently), and the profiles as one JSON list, with null for a
-- missing key; the client parses one reply instead of hundreds.
local clock = redis.call('TIME')
local now, interval = clock[1] * 1000000 + clock[2], tonumber(ARGV[1])
local profiles, digits = redis.call('MGET', unpack(KEYS)), {}
for i = 1, #profiles do
    local value = profiles[i]
    local confirmed_at = value and #value > 32 and tonumber(string.sub(value, 1, 16))
    if confirmed_at then
        local age = now - confirmed_at
        profiles[i], digits[i] = string.sub(value, 33), (age >= 0 and age < interval) and '1' or '0'
    else
        profiles[i], digits[i] = 'null', '0'
    end
end
return {string.format('%016.0f', now), table.concat(digits), '[' .. table.concat(profiles, ',') .. ']'}
