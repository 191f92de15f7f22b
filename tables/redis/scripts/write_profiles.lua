-- Writes each profile unless the cached one has a newer version, so that a slow reader cannot restore outdated data.
-- ARGV: JSON, version and time to live in seconds of each key in turn. Returns the number of profiles written.
local written = 0
for i, key in ipairs(KEYS) do
    local value, version, seconds = ARGV[3 * i - 2], tonumber(ARGV[3 * i - 1]), ARGV[3 * i]
    local cached = redis.call('GET', key)
    if not cached or (cjson.decode(cached).version or 0) <= version then
        redis.call('SET', key, value, 'EX', seconds)
        written = written + 1
    end
end
return written
