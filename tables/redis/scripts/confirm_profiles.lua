-- Notes that at ARGV[1], a time of this server, each profile still had its version (ARGV[2]: the versions as a JSON list), unless something
-- else is there by now. Returns the number of profiles confirmed.
local read_at, versions, confirmed = ARGV[1], cjson.decode(ARGV[2]), 0
for i, key in ipairs(KEYS) do
    local cached = redis.call('GETRANGE', key, 0, 32)  -- a tombstone has 32 bytes
    if #cached > 32 and tonumber(string.sub(cached, 17, 32)) == versions[i] and string.sub(cached, 1, 16) < read_at then
        redis.call('SETRANGE', key, 0, read_at)
        confirmed = confirmed + 1
    end
end
return confirmed
