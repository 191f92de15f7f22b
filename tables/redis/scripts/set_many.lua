-- Sets each key to its value, all with the same time to live. ARGV: the time to live in seconds, then a value for each key.
for i, key in ipairs(KEYS) do
    redis.call('SET', key, ARGV[i + 1], 'EX', ARGV[1])
end
return #KEYS
