import AFSBase
import AFSTypes
import RxCore
import RxTransport

/// Makes rxperf calls to one server.
struct PerfClient: Sendable {
  /// What a caller has done.
  struct Tally: Sendable {
    var calls = 0
    var bytes: UInt64 = 0
    var latency = LatencyHistogram()

    mutating func add(_ other: Tally) {
      calls += other.calls
      bytes += other.bytes
      latency.add(other.latency)
    }
  }

  /// Calls this small go out, and come back, in one piece.
  private static let smallMax = 16384

  let transport: RxTransport
  let target: RxTarget
  let options: RxCallOptions
  let request: PerfRequest
  let check: PerfCheck?

  /// Makes `times` calls, one after the other; when its task is cancelled it returns what it has done.
  func run(times: Int) async throws -> Tally {
    var tally = Tally()
    let timer = transport.timer
    let isSmall = request.hasCookie && request.sendBytes + request.receiveBytes <= Self.smallMax
    let buffer = PerfBuffer(count: min(request.readSize, max(request.receiveBytes, 4)))
    let message = isSmall ? smallMessage : request.encoded
    for _ in 0..<times {
      let start = timer.now
      do {
        if isSmall { try await small(message) } else { try await streamed(message, buffer) }
      } catch RxCallError.cancelled {
        break
      }
      tally.latency.add(timer.now - start)
      tally.calls += 1
      tally.bytes += UInt64(request.sendBytes + request.receiveBytes)
    }
    return tally
  }

  private var smallMessage: [UInt8] {
    request.encoded + PerfPattern.piece(at: 0, count: request.sendBytes)
  }

  private func small(_ message: [UInt8]) async throws {
    let wanted = request.receiveBytes + 4
    let reply = try await transport.roundTrip(message, to: target, options: options, replyMax: wanted)
    guard reply.count == wanted else { throw PerfError.short(reply.count, of: wanted) }
    if let check {
      let wrong = reply.withUnsafeBytes { bytes in
        PerfPattern.mismatch(
          UnsafeRawBufferPointer(rebasing: bytes[..<request.receiveBytes]), at: 0, allowsZeros: check.allowsZeros)
      }
      if let wrong { throw PerfError.corrupt(offset: wrong) }
    }
    try reply.withUnsafeBytes { try Self.check(cookie: UnsafeRawBufferPointer(rebasing: $0.suffix(4))) }
  }

  private func streamed(_ message: [UInt8], _ buffer: PerfBuffer) async throws {
    let stream = try await transport.startCall(to: target, options: options)
    do {
      try await stream.send(message, last: request.sendBytes == 0)
      if request.sendBytes > 0 {
        try await stream.sendPattern(request.sends, inPiecesOf: request.writeSize, last: true)
      }
      try await stream.receivePattern(request.receives, into: buffer, inPiecesOf: request.readSize, check: check)
      if request.hasCookie { try await stream.receive(count: 4).withUnsafeBytes { try Self.check(cookie: $0) } }
      try await stream.finish()
    } catch let error as PerfError {
      stream.abort(.rxUserAbort)
      throw error
    }
  }

  private static func check(cookie bytes: UnsafeRawBufferPointer) throws {
    guard bytes.count == 4 else { throw PerfError.short(bytes.count, of: 4) }
    let cookie = PerfRequest.word(bytes, 0)
    guard cookie == PerfRequest.cookie else { throw PerfError.wrongCookie(cookie) }
  }
}
