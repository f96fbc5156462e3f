-- SPDX-License-Identifier: GPL-2.0-only
--
-- wrk -t 1 -s wrk.lua ... URL -- DIR
--
-- Asks what DIR/requests.tsv says and stops when all is answered.  Writes
-- DIR/results.tsv (see judge.py).  Bodies are compared here, byte for byte, and
-- the plan's digest stands for "the same".  wrk does not say which request an
-- answer is for: a good one says so itself, refusals are all alike and are given
-- to the dead ones in turn.

local ffi = require("ffi")
ffi.cdef("int getpid(void); int kill(int pid, int sig);")
local SIGINT = 2

local function read(path)
	local f = assert(io.open(path, "rb"))
	local data = f:read("*a")
	f:close()
	return data
end

local function header(path)
	return read(path):match("^(%S+): ([^\n]+)")
end

local dir, plan, blobs, by_id, dead, out
local n_planned, n_asked, n_answered

local function chunks(data)
	local size, t = 7000, {}
	for i = 1, #data, size do
		local part = data:sub(i, i + size - 1)
		t[#t + 1] = string.format("%x\r\n%s\r\n", #part, part)
	end
	t[#t + 1] = "0\r\n\r\n"
	return table.concat(t)
end

local function load_plan()
	for line in io.lines(dir .. "/requests.tsv") do
		local id, who, method, framing, _, blob, digest = line:match(
			"(%S+)\t(%S+)\t(%S+)\t(%S+)\t(%S+)\t(%S+)\t(%S+)")
		local r = { id = id, who = who, method = method,
			framing = framing, blob = blob, digest = digest }
		plan[#plan + 1] = r
		by_id[id] = r
		blobs[blob] = blobs[blob] or read(dir .. "/blobs/" .. blob)
	end
end

function init(args)
	dir, plan, blobs, by_id, dead = args[1], {}, {}, {}, {}
	n_planned, n_asked, n_answered = 0, 0, 0
	load_plan()
	keys = {}
	for _, who in ipairs({ "good", "dead" }) do
		keys[who] = { header(dir .. "/key-" .. who) }
	end
	refusal = read(dir .. "/refusal")
	refusal_digest = read(dir .. "/refusal.sha256"):match("%x+")
	out = assert(io.open(dir .. "/results.tsv", "w"))
	out:setvbuf("line")
end

-- Asked before every request: a connection that has nothing left to ask waits.
function delay()
	if n_planned >= #plan then
		return 3600 * 1000
	end
	n_planned = n_planned + 1
	return 0
end

function request()
	-- wrk looks at one before it begins, to see how many it makes at once.
	if n_planned == 0 then
		return wrk.format()
	end
	n_asked = n_asked + 1
	local r = plan[n_asked]
	local headers = { ["X-Test-Id"] = r.id, [keys[r.who][1]] = keys[r.who][2] }
	if r.who == "dead" then
		dead[#dead + 1] = r
	end
	if r.method == "GET" then
		return wrk.format("GET", "/v1/blob/" .. r.blob, headers)
	end
	if r.framing == "length" then
		return wrk.format("POST", "/v1/echo", headers, blobs[r.blob])
	end
	-- wrk would add a Content-Length to a body it knows of.
	headers["Transfer-Encoding"] = "chunked"
	return wrk.format("POST", "/v1/echo", headers) .. chunks(blobs[r.blob])
end

local function header_of(headers, name)
	for k, v in pairs(headers) do
		if k:lower() == name then
			return v
		end
	end
	return "-"
end

function response(status, headers, body)
	local id = header_of(headers, "x-test-id")
	local r, same = by_id[id], "different"
	if id == "-" then
		r = table.remove(dead, 1)
		same = body == refusal and refusal_digest or same
	elseif r then
		same = body == blobs[r.blob] and r.digest or same
	end
	out:write(r and r.id or "unasked", "\t", status, "\t", id, "\t", same, "\n")
	n_answered = n_answered + 1
	if n_answered == #plan then
		out:close()
		-- It would go on to the end of its time.
		ffi.C.kill(ffi.C.getpid(), SIGINT)
	end
end

function done(summary)
	local e = summary.errors
	print(string.format("errors: connect %d, read %d, write %d, timeout %d",
		e.connect, e.read, e.write, e.timeout))
end
