-- Writes profiles that were read after ARGV[1], a time of this server, unless something newer is there, so that a slow reader brings nothing
-- old back: a later version; the same version, confirmed later; or a tombstone of later than the read.
-- Then, of each key in turn: version, JSON and time to live in seconds. Returns the number of profiles written.
local read_at, written = ARGV[1], 0
for i, key in ipairs(KEYS) do
    local version, value, seconds = tonumber(ARGV[3 * i - 1]), ARGV[3 * i], ARGV[3 * i + 1]
    local cached = redis.call('GETRANGE', key, 0, 32)  -- a tombstone has 32 bytes
    local is_later = string.sub(cached, 1, 16) < read_at
    local cached_version = #cached > 32 and tonumber(string.sub(cached, 17, 32)) or -1
    if cached_version < version and (#cached ~= 32 or is_later) or cached_version == version and is_later then
        redis.call('SET', key, read_at .. string.format('%016.0f', version) .. value, 'EX', seconds)
        written = written + 1
    end
end
return written
