@preconcurrency import Glibc
import RxTesting

// rxswarm COUNT [START] [trace]: runs COUNT seeds from START on (1 by default), prints the seeds that broke a rule.

setlinebuf(stdout)
let arguments = CommandLine.arguments
let count = arguments.count > 1 ? UInt64(arguments[1]) : nil
let start = arguments.count > 2 ? UInt64(arguments[2]) : 1
guard let count, let start else {
  print("usage: rxswarm COUNT [START] [trace]")
  exit(2)
}
let isTraced = arguments.count > 3 && arguments[3] == "trace"

var (calls, succeeded, datagrams, failures) = (0, 0, 0, 0)
for seed in start..<(start + count) {
  let run = SwarmRun(seed: seed, trace: isTraced)
  if isTraced { print(run.plan) }
  calls += run.calls
  succeeded += run.succeeded
  datagrams += run.datagrams
  if !run.violations.isEmpty {
    failures += 1
    print("seed \(seed) (\(run.trouble)): \(run.violations.prefix(3).joined(separator: "; "))")
  }
  if (seed - start + 1) % 10_000 == 0 { print("\(seed - start + 1) seeds, \(failures) failures") }
}
print(
  "\(count) seeds from \(start): \(calls) calls, \(succeeded) succeeded, \(datagrams) datagrams, \(failures) failures")
exit(failures == 0 ? 0 : 1)
