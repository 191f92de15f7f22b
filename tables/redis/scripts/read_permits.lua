-- How many permits of each quota are used now: those that have not come back. ARGV: the interval in microseconds and the burst of each key.
-- A value is the time at which its quota is full again, as acquire_permits.lua writes it; one without a value is full.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local used = {}
for i, key in ipairs(KEYS) do
    local interval, burst = tonumber(ARGV[2 * i - 1]), tonumber(ARGV[2 * i])
    local full_at = tonumber(redis.call('GET', key) or '') or now
    used[i] = math.max(0, math.min(burst, math.ceil((full_at - now) / interval)))
end
return used
