-- SPDX-License-Identifier: GPL-2.0-only
--
--   wrk -s wrk.lua URL -- REQUEST-FILE
--
-- Sends the bytes of a file as they are, so that a key is never in an argument
-- list, and prints "wrk REQUESTS MICROSECONDS NOT-2XX ERRORS P50-us P99-us".
local bytes

function init(args)
	local file = assert(io.open(args[1], "rb"))
	bytes = file:read("*a")
	file:close()
end

function request()
	return bytes
end

function done(summary, latency)
	local e = summary.errors
	print(string.format("wrk %d %d %d %d %d %d", summary.requests,
		summary.duration, e.status,
		e.connect + e.read + e.write + e.timeout,
		latency:percentile(50), latency:percentile(99)))
end
