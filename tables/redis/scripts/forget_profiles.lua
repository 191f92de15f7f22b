-- Replaces each profile by a tombstone with the time of this server: what was read before it is not written any more.
-- ARGV: time to live of a tombstone in seconds.
local clock = redis.call('TIME')
local tombstone = string.format('%016.0f', clock[1] * 1000000 + clock[2]) .. string.rep('0', 16)
for _, key in ipairs(KEYS) do
    redis.call('SET', key, tombstone, 'EX', ARGV[1])
end
return #KEYS
