import Rx

/// Sends a file as a request, straight from the disk, and says how long that took.
let rx = try RxTransport()
let server = RxTarget(peer: RxAddress(ipv4: 0x7F00_0001, port: 9000), service: ServiceID(200))
let file = try FileDescriptor.open(FilePath(CommandLine.arguments.last!), .readOnly)
let size = try file.seek(offset: 0, from: .end)
let start = rx.timer.now
let stream = try await rx.startCall(to: server, options: RxCallOptions(deadline: .seconds(60)))
try await stream.send(file: file, offset: 0, count: Int(size), last: true)
try await stream.finish()
try file.close()
print("\(size) bytes in \(rx.timer.now - start)")
try await rx.timer.sleep(until: start + .seconds(1))
await rx.shutDown()
