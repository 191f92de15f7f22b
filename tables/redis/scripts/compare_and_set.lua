-- Replaces what is there only if it begins as what the caller put there, or is gone.
-- ARGV: that beginning, what comes instead (empty: nothing), seconds.
local now = redis.call('GET', KEYS[1])
if now and string.sub(now, 1, #ARGV[1]) ~= ARGV[1] then
    return 0
end
if ARGV[2] == '' then
    redis.call('DEL', KEYS[1])
else
    redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3])
end
return 1
