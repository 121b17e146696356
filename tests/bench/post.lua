-- wrk script: POST /sms/messages/ as a form, a new recipient each time, every answer counted by status.
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/x-www-form-urlencoded"
local counter = 0
local seed = math.random(1000000)
function init(args)
    wrk.headers["Authorization"] = args[1]
    track = args[2] == "track"
end
function request()
    counter = counter + 1
    local body = string.format("recipient=%%2B4915%08d&sender=bench&message=bench+message+number+%d", (seed + counter) % 100000000, counter)
    if track then
        body = body .. "+https%3A%2F%2Fexample.com%2Fp&track_link=true"
    end
    return wrk.format(nil, nil, nil, body)
end
function done(summary, latency, requests)
    io.write(string.format("RESULT %d %d %d %d\n", summary.requests, summary.duration, summary.errors.status,
        summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout))
    io.write(string.format("LATENCY %d %d\n", latency:percentile(50), latency:percentile(99)))
end
