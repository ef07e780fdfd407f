import RxCore
import RxTransport
import Synchronization

/// A service which answers every call with given bytes, and remembers what it was asked.
final class ScriptedService: RxService {
  let id = ServiceID(1)
  private let reply: [UInt8]
  private let request = Mutex<[UInt8]>([])

  init(reply: [UInt8]) {
    self.reply = reply
  }

  var lastRequest: [UInt8] { request.withLock { $0 } }

  func serve(_ stream: any RxStream, from call: RxIncomingCall) async {
    guard let bytes = try? await stream.receive(count: 100_000) else { return }
    request.withLock { $0 = bytes }
    try? await stream.send(reply, last: true)
    try? await stream.finish()
  }
}
