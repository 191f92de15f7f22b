-- Gives permits within quotas, by the generic cell rate algorithm (tables/gcra.py is the same in Python). A value is the time at which its
-- quota is full again, in microseconds. All times are those of the Redis server: callers on hosts whose clocks differ share one quota.
-- ARGV: for each request how many keys it has, how many permits it wants, how many it takes at least, and for each key the interval in
-- microseconds and the burst. KEYS: the keys of all requests. Returns the position and the verdict of each request: permits, position of
-- the quota, permits left, and microseconds until it is full; or 0, position of the quota that takes longest, and microseconds to wait.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]

local function acquire(first, count, permits, least, arg)
    local starts, wait, slowest, tightest, left = {}, 0, 0, 0, math.huge
    for i = 1, count do
        local interval, burst = tonumber(ARGV[arg + 2 * i]), tonumber(ARGV[arg + 2 * i + 1])
        local size = interval * burst
        local start = tonumber(redis.call('GET', KEYS[first + i]) or '') or now
        start = math.max(now, math.min(start, now + size))
        starts[i] = start
        local free = math.floor((now + size - start) / interval)
        if free < left then left, tightest = free, i end
        local needed = start + least * interval - size - now
        if needed > wait then wait, slowest = needed, i end
    end
    if left < least then return {0, slowest - 1, math.ceil(wait)} end
    local granted, full_after = math.min(permits, left), 0
    for i = 1, count do
        local full_at = starts[i] + granted * ARGV[arg + 2 * i]
        redis.call('SET', KEYS[first + i], string.format('%.0f', full_at), 'PX', math.ceil((full_at - now) / 1000))
        if i == tightest then full_after = full_at - now end
    end
    return {granted, tightest - 1, left - granted, full_after}
end

local verdicts, first, arg, position = {}, 0, 1, 1
while ARGV[arg] do
    local count = tonumber(ARGV[arg])
    verdicts[#verdicts + 1] = position
    verdicts[#verdicts + 1] = acquire(first, count, tonumber(ARGV[arg + 1]), tonumber(ARGV[arg + 2]), arg + 1)
    first, arg, position = first + count, arg + 3 + 2 * count, position + 1
end
return verdicts
