-- SPDX-License-Identifier: GPL-2.0-only
--
--   wrk -s keys.lua URL -- HEAD-FILE KEYS-FILE
--
-- Sends the bytes of HEAD-FILE with "@KEY@" replaced by the lines of KEYS-FILE in
-- turn, and prints "wrk REQUESTS MICROSECONDS NOT-2XX ERRORS P50-us P99-us".
local requests = {}
local at = 0

function init(args)
	local file = assert(io.open(args[1], "rb"))
	local head = file:read("*a")
	file:close()
	for key in io.lines(args[2]) do
		requests[#requests + 1] = head:gsub("@KEY@", key)
	end
end

function request()
	at = at % #requests + 1
	return requests[at]
end

function done(summary, latency)
	local e = summary.errors
	print(string.format("wrk %d %d %d %d %d %d", summary.requests,
		summary.duration, e.status,
		e.connect + e.read + e.write + e.timeout,
		latency:percentile(50), latency:percentile(99)))
end
