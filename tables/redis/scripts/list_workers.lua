-- Lists the web addresses in the sorted set KEYS[1] whose registration has not expired, by the time of the server; the newest first.
local now = tonumber(redis.call('TIME')[1])
return redis.call('ZREVRANGEBYSCORE', KEYS[1], '+inf', '(' .. now)
