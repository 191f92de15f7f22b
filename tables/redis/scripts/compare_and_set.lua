-- Replaces the value if it starts with the expected prefix, or if the key does not exist.
-- ARGV: the expected prefix, the new value (empty: delete the key), the time to live in seconds.
local current = redis.call('GET', KEYS[1])
if current and string.sub(current, 1, #ARGV[1]) ~= ARGV[1] then
    return 0
end
if ARGV[2] == '' then
    redis.call('DEL', KEYS[1])
else
    redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3])
end
return 1
