-- For wrk. GET with the headers given on its command line, or with BENCH_BODIES set POST of one body after the other from that
-- file, of which every thread takes its own share. Ends with one line of JSON.
local bodies, at, step = {}, 0, 1
local threads = 0

function setup(thread)
  thread:set("number", threads)
  threads = threads + 1
end

function init()
  local path = os.getenv("BENCH_BODIES")
  if not path then return end
  for body in io.lines(path) do bodies[#bodies + 1] = body end
  at, step = number, tonumber(os.getenv("BENCH_THREADS"))
  wrk.method = "POST"
end

function request()
  if #bodies == 0 then return wrk.format() end
  at = at + step
  return wrk.format(nil, nil, nil, bodies[at % #bodies + 1])
end

function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format('{"requests": %d, "us": %d, "p50": %.3f, "p95": %.3f, "p99": %.3f, "refused": %d, "broken": %d}\n',
    summary.requests, summary.duration, latency:percentile(50) / 1000, latency:percentile(95) / 1000,
    latency:percentile(99) / 1000, errors.status, errors.connect + errors.read + errors.write + errors.timeout))
end
