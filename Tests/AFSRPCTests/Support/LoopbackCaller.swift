import AFSTypes
import RxCore
import RxTransport
import Synchronization

/// A caller whose calls go straight to a service in the same process.
final class LoopbackCaller: RxCaller {
  private let service: any RxService
  private let pipes = Mutex<[LoopbackPipe]>([])

  init(_ service: any RxService) {
    self.service = service
  }

  /// The most bytes that ever waited in a stream.
  var waitingMax: Int { pipes.withLock { $0.map(\.waitingMax).max() ?? 0 } }

  func startCall(to target: RxTarget, options: RxCallOptions) async throws(RxCallError) -> any RxStream {
    let request = LoopbackPipe()
    let reply = LoopbackPipe()
    pipes.withLock { $0 += [request, reply] }
    let call = RxIncomingCall(peer: target.peer, service: target.service, epoch: 1, cid: 4, securityIndex: 0)
    let server = LoopbackStream(incoming: request, outgoing: reply)
    let service = self.service
    Task { await service.serve(server, from: call) }
    return LoopbackStream(incoming: reply, outgoing: request)
  }

  func roundTrip(
    _ request: [UInt8], to target: RxTarget, options: RxCallOptions, replyMax: Int
  ) async throws(RxCallError) -> [UInt8] {
    let stream = try await startCall(to: target, options: options)
    try await stream.send(request, last: true)
    let reply = try await stream.receive(count: replyMax + 1)
    guard reply.count <= replyMax else { throw .malformedReply("too long") }
    try await stream.finish()
    return reply
  }
}

/// One side of a loopback call.
final class LoopbackStream: RxStream {
  private let incoming: LoopbackPipe
  private let outgoing: LoopbackPipe

  init(incoming: LoopbackPipe, outgoing: LoopbackPipe) {
    self.incoming = incoming
    self.outgoing = outgoing
  }

  func send(_ bytes: UnsafeRawBufferPointer, last: Bool) async throws(RxCallError) {
    try await outgoing.write([UInt8](bytes), last: last)
  }

  func receive(into buffer: UnsafeMutableRawBufferPointer) async throws(RxCallError) -> Int {
    let bytes = try await incoming.read(buffer.count)
    buffer.copyBytes(from: bytes)
    return bytes.count
  }

  func finish() async throws(RxCallError) {
    if let error = incoming.error { throw error }
  }

  func abort(_ code: AbortCode) {
    incoming.fail(reader: .abortedLocally(code), writer: .aborted(code))
    outgoing.fail(reader: .aborted(code), writer: .abortedLocally(code))
  }
}
