-- SPDX-License-Identifier: GPL-2.0-only
--
-- http-request lua.portcullis closed|open
--
-- Puts a request to portcullis and answers it where portcullis refuses it.
-- Without an answer it is refused with 503 (closed) or goes on (open).  HAProxy
-- keeps the connections.
local socket = "unix@/run/portcullis/check.sock"
local question = "http://portcullis/v1/auth/forward"
local timeout_ms = 2000
local identity = { "x-portcullis-key-id", "x-portcullis-user-id",
	"x-portcullis-group-id" }
local undecided = '{"code":"API_KEY_AUTH_OVERLOADED","message":"API key ' ..
	'authentication is temporarily unavailable"}'
-- Of the connection, or of a body that is not sent.
local left_out = { ["connection"] = true, ["content-length"] = true,
	["expect"] = true, ["keep-alive"] = true, ["te"] = true,
	["transfer-encoding"] = true, ["upgrade"] = true }

-- req_get_headers() counts from 0, httpclient from 1.
local function fields_of(txn)
	local fields = {}
	for name, values in pairs(txn.http:req_get_headers()) do
		if not left_out[name] then
			local list = {}
			for i = 0, #values do
				list[i + 1] = values[i]
			end
			fields[name] = list
		end
	end
	fields["x-forwarded-method"] = { txn.sf:method() }
	fields["x-forwarded-uri"] = { txn.sf:url() }
	fields["x-forwarded-for"] = { txn.sf:src() }
	return fields
end

local function first(response, name)
	local values = response.headers and response.headers[name]
	return values and values[0] or ""
end

local function answer(txn, status, body, retry_after)
	local reply = txn:reply({ status = status })
	reply:add_header("content-type", "application/json; charset=utf-8")
	reply:add_header("cache-control", "no-store")
	if retry_after ~= "" then
		reply:add_header("retry-after", retry_after)
	end
	reply:set_body(body)
	txn:done(reply)
end

core.register_action("portcullis", { "http-req" }, function(txn, mode)
	local response = core.httpclient():get({ url = question, dst = socket,
		headers = fields_of(txn), timeout = timeout_ms })
	-- HAProxy's own 503 has no such field.
	local decided = response and first(response, "x-portcullis-status") ~= ""
	local passed = decided and response.status == 200
	-- Who asks; whatever the client wrote there is overwritten.
	for _, name in ipairs(identity) do
		txn.http:req_set_header(name, passed and first(response, name) or "")
	end
	if decided and not passed then
		answer(txn, response.status, response.body,
			first(response, "retry-after"))
	elseif not decided and mode ~= "open" then
		answer(txn, 503, undecided, "1")
	end
end, 1)
