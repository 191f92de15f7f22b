-- Sets each key that does not exist or whose value starts with what is expected ('' expects no value), else returns what it is.
-- ARGV: the time to live in seconds of a value where none was expected, that of another, then for each key what is expected of its
-- value, and the new value ('' deletes the key). Returns the positions and the values of the keys that were not set.
local unexpected = {}
for i, key in ipairs(KEYS) do
    local expected, value = ARGV[2 * i + 1], ARGV[2 * i + 2]
    local current = redis.call('GET', key)
    if current and (expected == '' or string.sub(current, 1, #expected) ~= expected) then
        unexpected[#unexpected + 1] = i
        unexpected[#unexpected + 1] = current
    elseif value == '' then
        redis.call('DEL', key)
    else
        redis.call('SET', key, value, 'EX', expected == '' and ARGV[1] or ARGV[2])
    end
end
return unexpected
