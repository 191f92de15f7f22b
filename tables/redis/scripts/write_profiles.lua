-- Keeps each profile unless a newer one is there: a slow reader must not bring back what has changed since.
-- ARGV: JSON, version and seconds of each key in turn.
local kept = 0
for i, key in ipairs(KEYS) do
    local value, version, seconds = ARGV[3 * i - 2], tonumber(ARGV[3 * i - 1]), ARGV[3 * i]
    local old = redis.call('GET', key)
    if not old or (cjson.decode(old).version or 0) <= version then
        redis.call('SET', key, value, 'EX', seconds)
        kept = kept + 1
    end
end
return kept
