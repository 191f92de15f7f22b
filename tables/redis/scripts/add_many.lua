-- Stores values under keys that have none. ARGV: the time to live in seconds, then a value for each key.
for index, key in ipairs(KEYS) do
    redis.call('SET', key, ARGV[index + 1], 'EX', ARGV[1], 'NX')
end
