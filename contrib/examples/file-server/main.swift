// Sends the files of a folder until SIGTERM or Ctrl-C:
//
//   rxexample-file-server FOLDER [PORT]
//
// A request is a file's name, the reply its bytes. Docs/librx.md explains the parts.
import Dispatch
import Glibc
import Rx
import Synchronization

/// Service 201.
final class Files: RxService {
  let id = ServiceID(201)
  private let folder: String
  private let isStopping = Atomic(false)

  init(folder: String) { self.folder = folder }

  /// Refuses calls from now on; those that are being served go on.
  func stop() { isStopping.store(true, ordering: .relaxed) }

  // Runs on an I/O thread, beside the handlers of other calls: it may wait with `await`, but not block.
  func serve(_ stream: any RxStream, from call: RxIncomingCall) async {
    do {
      if isStopping.load(ordering: .relaxed) { throw AbortCode.rxRestarting }
      let name = String(decoding: try await stream.receive(count: 256), as: UTF8.self)
      let size = try await send(name, to: stream)
      print("\(call.peer) gets \(name), \(size) bytes")
    } catch let refusal as AbortCode {
      stream.abort(refusal)
      print("\(call.peer) is refused: \(refusal)")
    } catch {
      // The call has failed, or reading the file: then it is aborted when this returns.
      print("\(call.peer): \(error)")
    }
    fflush(nil)
  }

  private func send(_ name: String, to stream: any RxStream) async throws -> Int {
    guard !name.contains("/"), !name.hasPrefix(".") else { throw AbortCode(EPERM) }
    let number = open("\(folder)/\(name)", O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
    guard number >= 0 else { throw AbortCode(errno) }
    defer { close(number) }
    var status = stat()
    guard fstat(number, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { throw AbortCode(EINVAL) }
    try await stream.send(file: FileDescriptor(rawValue: number), offset: 0, count: Int(status.st_size), last: true)
    return Int(status.st_size)
  }
}

let words = CommandLine.arguments
guard words.count > 1, let port = UInt16(words.count > 2 ? words[2] : "9001") else {
  print("usage: rxexample-file-server FOLDER [PORT]")
  exit(64)
}

// On the main queue: this file's code is the main actor's, and so are its closures.
let (signals, arrived) = AsyncStream<Void>.makeStream()
let sources = [SIGTERM, SIGINT].map { number in
  let source = DispatchSource.makeSignalSource(signal: number, queue: .main)
  source.setEventHandler { arrived.yield() }
  source.resume()
  return source
}

let files = Files(folder: words[1])
let rx = try RxTransport(options: RxTransportOptions(port: port))
rx.register(files)
print("serving \(words[1]) on port \(rx.boundPort)")
fflush(nil)
for await _ in signals { break }

// In order: new calls are refused, those under way have ten seconds until their clients have all, shutDown ends the rest.
files.stop()
let end = rx.timer.now + .seconds(10)
while await rx.statistics().callsInFlight > 0, rx.timer.now < end {
  try await rx.timer.sleep(until: rx.timer.now + .milliseconds(50))
}
await rx.shutDown()
print("ended")
