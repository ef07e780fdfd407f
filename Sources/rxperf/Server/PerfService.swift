import AFSTypes
import RxCore
import RxTransport
import Synchronization

/// The service that rxperf's client calls.
final class PerfService: RxService {
  /// What has been served.
  struct Counts: Sendable {
    var calls: UInt64 = 0
    var failures: UInt64 = 0
    var corrupt: UInt64 = 0
    var bytesReceived: UInt64 = 0
    var bytesSent: UInt64 = 0
  }

  /// Replies up to this length are sent in one piece with the cookie.
  private static let smallReplyMax = 16384

  private let check: PerfCheck?
  private let report: @Sendable (String) -> Void
  private let buffers = Mutex<[PerfBuffer]>([])
  private let state = Mutex(Counts())

  /// - Parameter report: hears of calls that failed for what the client sent.
  init(check: PerfCheck?, report: @escaping @Sendable (String) -> Void) {
    self.check = check
    self.report = report
  }

  let id = ServiceID(PerfRequest.service)
  var counts: Counts { state.withLock { $0 } }

  func serve(_ stream: any RxStream, from call: RxIncomingCall) async {
    let buffer = buffers.withLock { $0.popLast() } ?? PerfBuffer(count: PerfRequest.pieceMax)
    defer { buffers.withLock { $0.append(buffer) } }
    do {
      let request = try await readRequest(stream, buffer)
      try await stream.receivePattern(request.sends, into: buffer, inPiecesOf: request.readSize, check: check)
      try await reply(to: request, stream, buffer)
      try await stream.finish()
      state.withLock { counts in
        counts.calls += 1
        counts.bytesReceived += UInt64(request.sendBytes)
        counts.bytesSent += UInt64(request.receiveBytes)
      }
    } catch {
      failed(error, stream, call)
    }
  }

  private func readRequest(_ stream: any RxStream, _ buffer: PerfBuffer) async throws -> PerfRequest {
    var request = try PerfRequest(fixed: try await receive(PerfRequest.fixedWords * 4, stream, buffer))
    switch request.operation {
    case .send, .recv: break
    case .rpc:
      let bytes = try await receive(4, stream, buffer)
      guard bytes.count == 4 else { throw PerfError.malformed("no length of the reply") }
      let wanted = PerfRequest.word(bytes, 0)
      guard wanted <= Int32.max else { throw PerfError.malformed("a reply of \(wanted) bytes") }
      request.receiveBytes = Int(wanted)
    case .file:
      let count = request.entries.count
      let entries = PerfRequest.words(try await stream.receive(count: count * 4))
      guard entries.count == count else { throw PerfError.malformed("the list ends early") }
      try request.adopt(entries: entries)
    }
    return request
  }

  /// Receives a few bytes; they are good until the buffer's next use.
  private func receive(_ count: Int, _ stream: any RxStream, _ buffer: PerfBuffer) async throws
    -> UnsafeRawBufferPointer
  {
    let place = UnsafeMutableRawBufferPointer(rebasing: buffer.bytes[..<count])
    return UnsafeRawBufferPointer(rebasing: place[..<(try await stream.receive(into: place))])
  }

  private func reply(to request: PerfRequest, _ stream: any RxStream, _ buffer: PerfBuffer) async throws {
    guard request.hasCookie else {
      return try await stream.sendPattern(request.receives, inPiecesOf: request.writeSize, last: true)
    }
    let cookie = PerfRequest.cookie.bigEndian
    guard request.receiveBytes > Self.smallReplyMax else {
      let end = request.receiveBytes
      buffer.bytes.copyMemory(from: PerfPattern.piece(at: 0, count: end))
      buffer.bytes.storeBytes(of: cookie, toByteOffset: end, as: UInt32.self)
      return try await stream.send(UnsafeRawBufferPointer(rebasing: buffer.bytes[..<(end + 4)]), last: true)
    }
    try await stream.sendPattern(request.receives, inPiecesOf: request.writeSize, last: false)
    buffer.bytes.storeBytes(of: cookie, as: UInt32.self)
    try await stream.send(UnsafeRawBufferPointer(rebasing: buffer.bytes[..<4]), last: true)
  }

  private func failed(_ error: any Error, _ stream: any RxStream, _ call: RxIncomingCall) {
    let error = error as? PerfError
    state.withLock { counts in
      counts.failures += 1
      if case .corrupt? = error { counts.corrupt += 1 }
    }
    switch error {
    case .unknownOperation?: stream.abort(.rxgenOpcode)
    case .malformed?, .short?: stream.abort(.rxgenServerUnmarshal)
    case .corrupt?, .wrongCookie?: stream.abort(.rxProtocolError)
    case nil: return  // The call itself failed: there is nobody to tell.
    }
    if let error { report("\(call.peer): \(error)") }
  }
}
